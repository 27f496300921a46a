"""Which addresses Caddy may send visitors to; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, TypeGuard

Network = IPv4Network | IPv6Network

_UPSTREAM = re.compile(r"(?:(?P<v4>[0-9.]{7,15})|\[(?P<v6>[0-9a-f:]{2,39})\]):(?P<port>[1-9][0-9]{0,4})")
_THIS_HOST = IPv4Network("0.0.0.0/8")
_REMEMBERED = 4096


def is_admitted_upstream(upstream: Any, networks: Sequence[Network] = ()) -> TypeGuard[str]:
    """Say whether Caddy may send visitors to the address and port."""
    return isinstance(upstream, str) and _is_admitted(upstream, tuple(networks))


# All hosts of a Site have the same upstream, and lie close together in a listing of a tenant.
@lru_cache(maxsize=_REMEMBERED)
def _is_admitted(upstream: str, networks: tuple[Network, ...]) -> bool:
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
