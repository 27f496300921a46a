"""From a DomainClaim to a route, or to a refusal; pure.

The schema of the CRD refuses the same values. They are checked again here, because this is where tenant
text becomes names that Caddy reads: what is built must not depend on which schema the cluster had.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, TypeGuard

from frankenpanel_gateway.tree import folder_name

LABELS_MAX = 10
HOST_MAX_CHARS = 253
FOLDER_MAX_BYTES = 255

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL}){{1,{LABELS_MAX - 1}}}")
_SITE = re.compile(rf"{_LABEL}\.{_LABEL}")
_UPSTREAM = re.compile(r"(?:(?P<v4>[0-9.]{7,15})|\[(?P<v6>[0-9a-f:]{2,39})\]):(?P<port>[1-9][0-9]{0,4})")
_NUMBER = re.compile(r"[0-9]+")

_THIS_HOST = IPv4Network("0.0.0.0/8")

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Route:
    """Where visitors of one host go; the values are checked."""

    host: str
    site: str
    """`<namespace>.<name>`, for the access log."""
    upstream: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a claim gets no route; the message quotes nothing that came from the claim."""

    message: str


@dataclass(frozen=True, slots=True)
class ClaimEvent:
    """One change of one claim, in the order in which the API server told them."""

    body: Mapping[str, Any]
    is_deleted: bool = False


def claim_name(body: Mapping[str, Any]) -> str:
    """Return the name of a claim; the API server gives none without one."""
    return str(_mapping(body.get("metadata")).get("name", ""))


def compile_claim(body: Mapping[str, Any], networks: Sequence[Network] = ()) -> Route | Refusal | None:
    """Return the route of a claim, or why there is none; None where the claim has no route yet.

    Args:
        body: The DomainClaim as the API server gave it.
        networks: Where upstreams may be; empty admits all addresses that a Service can have.
    """
    spec = _mapping(body.get("spec"))
    host = spec.get("host")
    if not is_routable_host(host):
        return Refusal("spec.host is not a host of two to ten labels in its normal form")
    if _mapping(body.get("metadata")).get("name") != host:
        # The name is the lock that gives a host one owner; a claim on another host would go around it.
        return Refusal("metadata.name differs from spec.host")
    if spec.get("route") is None:
        return None
    route = _mapping(spec.get("route"))
    site, upstream = route.get("site"), route.get("upstream")
    if not isinstance(site, str) or _SITE.fullmatch(site) is None:
        return Refusal("spec.route.site is not <namespace>.<name>")
    if not is_admitted_upstream(upstream, networks):
        return Refusal("spec.route.upstream is not an admitted <address>:<port>")
    return Route(host, site, upstream)


def is_routable_host(host: Any) -> TypeGuard[str]:
    """Say whether a host in normal form can be a folder of the tree that Caddy will find."""
    if not isinstance(host, str) or len(host) > HOST_MAX_CHARS or _HOST.fullmatch(host) is None:
        return False
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        # A name whose last label is a number is read as an IPv4 address by browsers and resolvers.
        return False
    return len(folder_name(host)) <= FOLDER_MAX_BYTES


def is_admitted_upstream(upstream: Any, networks: Sequence[Network] = ()) -> TypeGuard[str]:
    """Say whether Caddy may send visitors to the address and port."""
    if not isinstance(upstream, str):
        return False
    match = _UPSTREAM.fullmatch(upstream)
    if match is None or int(match["port"]) > 65535:
        return False
    text = match["v4"] or match["v6"]
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if str(address) != text:
        # One spelling for each address: the record in the tree is compared as text.
        return False
    if networks:
        return any(address in network for network in networks if network.version == address.version)
    return not _is_local(address)


def _is_local(address: IPv4Address | IPv6Address) -> bool:
    """Say whether the address leads into the gateway's own pod or node (metadata services included)."""
    if isinstance(address, IPv6Address) and (
        address.ipv4_mapped is not None or address.sixtofour is not None or address.teredo is not None
    ):
        return True
    if isinstance(address, IPv4Address) and address in _THIS_HOST:
        return True
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
