"""The ServiceAccount of a Site's pods: an identity without any right and without a token."""

from __future__ import annotations

from frankenpanel_crds.site import Site

from frankenpanel_operator import naming
from frankenpanel_operator.desired.inputs import SiteInputs
from frankenpanel_operator.desired.metadata import Built, owned_object
from frankenpanel_operator.observed import OwnedKind


def build_serviceaccount(site: Site, inputs: SiteInputs) -> Built:
    """Build it; it depends on nothing."""
    body = {"automountServiceAccountToken": False}
    return (owned_object(OwnedKind.SERVICE_ACCOUNT, site, naming.web_name(site.metadata.name), body),)
