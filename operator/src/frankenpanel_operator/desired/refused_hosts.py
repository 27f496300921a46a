"""Hosts that no Domain may have: the platform's own, and those under which anybody can register names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address

from frankenpanel_crds.conditions import DomainReason
from frankenpanel_crds.hosts import WILDCARD, is_wildcard, normalise_host
from publicsuffixlist import PublicSuffixList

from frankenpanel_operator.desired.inputs import Platform


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something that a Domain asks for is not done; `message` is a sentence for the tenant."""

    reason: DomainReason
    message: str


def refusal_of(host: str, platform: Platform) -> Refusal | None:
    """Return why nobody may have a (normalised) host, or None where a Domain may."""
    if is_reserved(host, platform):
        message = f"{host} belongs to the platform itself; choose another host."
        return Refusal(DomainReason.HOST_RESERVED, message)
    if is_public_suffix(host):
        name = host.removeprefix(WILDCARD)
        message = (
            f"{host} is not one owner's: anybody can register names there; choose a host that is "
            f"registered below it, such as shop.{name}."
        )
        return Refusal(DomainReason.PUBLIC_SUFFIX, message)
    return None


def is_reserved(host: str, platform: Platform) -> bool:
    """Say whether a host is one of the platform's, is below one, or is a wildcard that stands for one."""
    return any(_covers(pattern, host) or _stands_for(host, pattern) for pattern in _reserved(platform))


def is_public_suffix(host: str) -> bool:
    """Say whether names below the host belong to different owners (publicsuffix.org)."""
    suffixes = _suffixes()
    if not is_wildcard(host):
        return bool(suffixes.is_public(host))
    name = host.removeprefix(WILDCARD)
    # Below some names every one is such a suffix, though the name itself is not on the list.
    return bool(suffixes.is_public(name) or suffixes.is_public(f"any-name.{name}"))


def _covers(pattern: str, host: str) -> bool:
    """Say whether a host is the pattern's, or is below what a pattern with a star is about."""
    return host == pattern or (is_wildcard(pattern) and host.endswith(pattern.removeprefix("*")))


def _stands_for(host: str, reserved: str) -> bool:
    """Say whether a host is a wildcard which a reserved name would be served by."""
    return is_wildcard(host) and reserved.partition(".")[2] == host.removeprefix(WILDCARD)


@cache
def _reserved(platform: Platform) -> tuple[str, ...]:
    names = [name for name in platform.gateway_addresses if not _is_ip_address(name)]
    # Below the gateway's name are those by which tenants prove their hosts.
    below = [WILDCARD + name for name in names]
    return tuple(_normal(name) for name in (*platform.reserved_hosts, *names, *below))


def _normal(name: str) -> str:
    """Bring a setting into the form of hosts; an administrator may reserve what no Domain could name."""
    try:
        return normalise_host(name)
    except ValueError:
        return name.lower().removesuffix(".")


def _is_ip_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


@cache
def _suffixes() -> PublicSuffixList:
    """Read the list that comes with the package; it takes a tenth of a second, once."""
    return PublicSuffixList()
