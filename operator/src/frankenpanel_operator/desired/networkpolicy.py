"""The NetworkPolicy of a Site: in from the gateway, out to names, its database and the public Internet."""

from __future__ import annotations

import ipaddress
from typing import Any

from frankenpanel_crds.labels import LABEL_NAME, LABEL_SITE_UID
from frankenpanel_crds.site import Site

from frankenpanel_operator import naming
from frankenpanel_operator.desired.inputs import Database, SiteInputs
from frankenpanel_operator.desired.metadata import Built, owned_object
from frankenpanel_operator.desired.resolution import wants_database
from frankenpanel_operator.desired.web_server import SITE_PORT
from frankenpanel_operator.observed import OwnedKind

GATEWAY_NAME = "frankenpanel-gateway"
_NAMESPACE_LABEL = "kubernetes.io/metadata.name"
_DNS_PORT = 53

# Networks in which a cluster, its nodes or its neighbours may be: RFC 1918, and the shared space of RFC 6598,
# which several clouds give to pods and nodes.
_PRIVATE_V4 = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")
_PRIVATE_V6 = ("fc00::/7",)
# What is left of the IANA special-purpose registry that is not the public Internet; 169.254.0.0/16 holds the
# metadata service of every large cloud.
_SPECIAL_V4 = (
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
)
# Of IPv6 only global unicast is let out; of that, not what wraps an IPv4 address, perhaps a private one.
_GLOBAL_V6 = "2000::/3"
_WRAPPING_V6 = ("2001::/32", "2001:db8::/32", "2002::/16")

Rule = dict[str, Any]


def build_networkpolicy(site: Site, inputs: SiteInputs) -> Built:
    """Build it; undecided while the database is, so that a running site never loses its way to it."""
    if wants_database(site) and inputs.database is None:
        return None
    egress = [_dns_rule(), *_database_rules(inputs.database), _public_rule()]
    spec = {
        # All pods of the Site, those of the installation too.
        "podSelector": {"matchLabels": {LABEL_SITE_UID: site.metadata.uid or ""}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [_gateway_rule(inputs.platform.namespace)],
        "egress": egress,
    }
    name = naming.network_policy_name(site.metadata.name)
    return (owned_object(OwnedKind.NETWORK_POLICY, site, name, {"spec": spec}),)


def in_cluster_namespace(host: str) -> str | None:
    """Return the namespace in a Service's name (`<service>.<namespace>.svc[.domain]`), or None."""
    labels = host.rstrip(".").split(".")
    return labels[1] if len(labels) > 2 and labels[2] == "svc" else None


def _gateway_rule(platform_namespace: str) -> Rule:
    gateway = {**_namespace(platform_namespace), "podSelector": {"matchLabels": {LABEL_NAME: GATEWAY_NAME}}}
    return {"from": [gateway], "ports": _tcp(SITE_PORT)}


def _dns_rule() -> Rule:
    dns = {**_namespace("kube-system"), "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}
    return {"to": [dns], "ports": [{"protocol": "UDP", "port": _DNS_PORT}, *_tcp(_DNS_PORT)]}


def _database_rules(database: Database | None) -> list[Rule]:
    """Let the database's port through, as narrowly as its host can be expressed in a policy."""
    if database is None:
        return []
    namespace = in_cluster_namespace(database.host)
    if namespace is not None:
        return [{"to": [_namespace(namespace)], "ports": _tcp(database.port)}]
    try:
        address = ipaddress.ip_address(database.host)
    except ValueError:
        # A policy cannot name a host. A public address is reachable anyway; for a private one the port opens.
        blocks = [_block(network) for network in (*_PRIVATE_V4, *_PRIVATE_V6)]
        return [{"to": blocks, "ports": _tcp(database.port)}]
    return [{"to": [_block(f"{address}/{address.max_prefixlen}")], "ports": _tcp(database.port)}]


def _public_rule() -> Rule:
    return {"to": [_block("0.0.0.0/0", *_PRIVATE_V4, *_SPECIAL_V4), _block(_GLOBAL_V6, *_WRAPPING_V6)]}


def _block(cidr: str, *exceptions: str) -> Rule:
    block: Rule = {"cidr": cidr}
    if exceptions:
        block["except"] = list(exceptions)
    return {"ipBlock": block}


def _namespace(name: str) -> Rule:
    return {"namespaceSelector": {"matchLabels": {_NAMESPACE_LABEL: name}}}


def _tcp(port: int) -> list[Rule]:
    return [{"protocol": "TCP", "port": port}]
