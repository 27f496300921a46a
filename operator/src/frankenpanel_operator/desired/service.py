"""The Service of a Site: the address that the gateway sends visitors to."""

from __future__ import annotations

from frankenpanel_crds.labels import Component
from frankenpanel_crds.site import Site

from frankenpanel_operator import naming
from frankenpanel_operator.desired.inputs import SiteInputs
from frankenpanel_operator.desired.metadata import Built, owned_object, selector
from frankenpanel_operator.desired.web_server import SITE_PORT
from frankenpanel_operator.observed import OwnedKind

PORT_NAME = "http"


def build_service(site: Site, inputs: SiteInputs) -> Built:
    """Build it at once, so that the route is known before the first pod is."""
    body = {
        "spec": {
            "type": "ClusterIP",
            "selector": selector(site, Component.WEB),
            "ports": [{"name": PORT_NAME, "port": SITE_PORT, "targetPort": PORT_NAME, "protocol": "TCP"}],
        }
    }
    return (owned_object(OwnedKind.SERVICE, site, naming.web_name(site.metadata.name), body),)
