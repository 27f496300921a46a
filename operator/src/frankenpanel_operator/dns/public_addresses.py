"""Which addresses a stranger may have us connect to; pure.

Whoever writes a Domain chooses the name that we look up, and with it the address that we would connect to:
without this, anybody could have the operator talk to metadata services, to the API server or to other
tenants' pods (server-side request forgery).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network

# Addresses that carry one of IPv4, to which a translator may lead: NAT64 (RFC 6052, RFC 8215), 6to4, Teredo.
_TRANSLATED = tuple(
    IPv6Network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)
# Public by its number, yet the host of a virtual machine in Azure answers to it.
_CLOUD_HOSTS = frozenset({IPv4Address("168.63.129.16")})


def may_connect(text: str, allowed: Sequence[Network] = ()) -> bool:
    """Say whether an address is public, or in a network that the administrator allows."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        address = address.ipv4_mapped or address
    return _is_public(address) or any(
        address.version == network.version and address in network for network in allowed
    )


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if address.is_multicast or address.is_reserved or address.is_unspecified or address in _CLOUD_HOSTS:
        return False
    if isinstance(address, IPv6Address) and any(address in network for network in _TRANSLATED):
        return False
    return address.is_global
