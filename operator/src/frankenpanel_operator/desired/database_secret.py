"""The Secret that opens a Site's database; it outlives the Site together with the database."""

from __future__ import annotations

from frankenpanel_crds.labels import LABEL_DATA_ID
from frankenpanel_crds.site import Site

from frankenpanel_operator import naming
from frankenpanel_operator.desired.inputs import Database, SiteInputs
from frankenpanel_operator.desired.metadata import Built, data_object
from frankenpanel_operator.desired.resolution import wants_database
from frankenpanel_operator.desired.secret import secret_body
from frankenpanel_operator.observed import OwnedKind


def build_database_secret(site: Site, inputs: SiteInputs) -> Built:
    """Build it once the server is chosen; no Secret where the Site wants no database."""
    if not wants_database(site):
        return ()
    if inputs.database is None:
        return None
    name = naming.database_secret_name(site.metadata.name, inputs.data_id)
    body = secret_body(database_values(inputs, inputs.database))
    return (data_object(OwnedKind.SECRET, site, name, {LABEL_DATA_ID: inputs.data_id}, body),)


def database_values(inputs: SiteInputs, database: Database) -> dict[str, str]:
    """Return the keys of the Secret with their values."""
    return {
        "host": database.host,
        "port": str(database.port),
        "name": database.name,
        "username": database.name,
        "password": inputs.credentials.database_password.get_secret_value(),
    }
