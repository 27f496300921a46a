"""The platform's list of blocked networks, as names of files that Caddy looks for; pure.

Caddy asks for the visitor's address and for the two networks around it: `203.0.113.7`, `203.0.113.0/24`,
`203.0.0.0/16` (a folder and a file in it), or /64 and /48 of an IPv6 address. Networks of another size are
written as the many of the next size that they consist of.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

PARTS_MAX = 256
NAMES_MAX = 100_000

_SIZES = {4: (16, 24, 32), 6: (48, 64, 128)}


@dataclass(frozen=True, slots=True)
class BlockList:
    """What is blocked, and which lines could not be taken."""

    names: frozenset[str] = frozenset()
    refused_lines: tuple[int, ...] = ()


def read_block_list(text: str) -> BlockList:
    """Read one network or address a line; empty lines and what follows a `#` count for nothing."""
    names: set[str] = set()
    refused: list[int] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not (entry := line.partition("#")[0].strip()):
            continue
        try:
            parts = frozenset(_names_of(entry))
        except ValueError:
            refused.append(number)
            continue
        if len(names | parts) > NAMES_MAX:
            refused.append(number)
        else:
            names |= parts
    return BlockList(frozenset(names), tuple(refused))


def _names_of(entry: str) -> Iterator[str]:
    """Yield the names that stand for an entry.

    Raises:
        ValueError: it is no network, or consists of too many parts.
    """
    network = _unmapped(ip_network(entry, strict=False))
    size = next(size for size in _SIZES[network.version] if size >= network.prefixlen)
    if 2 ** (size - network.prefixlen) > PARTS_MAX:
        raise ValueError("too many parts")
    for part in network.subnets(new_prefix=size):
        yield str(part.network_address) if size == network.max_prefixlen else str(part)


def _unmapped(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """Return the IPv4 network that `::ffff:203.0.113.0/120` means: visitors are known by that."""
    if isinstance(network, IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((int(mapped), network.prefixlen - 96))
    return network
