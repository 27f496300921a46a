"""The Secret with the application's first administrator."""

from __future__ import annotations

from frankenpanel_crds.site import Site

from frankenpanel_operator import naming
from frankenpanel_operator.desired.inputs import SiteInputs
from frankenpanel_operator.desired.installation import installation_of
from frankenpanel_operator.desired.metadata import Built, owned_object
from frankenpanel_operator.desired.secret import secret_body
from frankenpanel_operator.observed import OwnedKind


def build_admin_secret(site: Site, inputs: SiteInputs) -> Built:
    """Build it where the application is installed for the tenant; else nobody would know the password."""
    if inputs.application is None:
        return None
    if not inputs.application.install_command:
        return ()
    install = installation_of(site)
    values = {
        "username": install.admin_user,
        "password": inputs.credentials.admin_password.get_secret_value(),
        "email": install.admin_email,
    }
    return (
        owned_object(
            OwnedKind.SECRET, site, naming.admin_secret_name(site.metadata.name), secret_body(values)
        ),
    )
