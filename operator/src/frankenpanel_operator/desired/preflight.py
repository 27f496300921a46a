"""Whether a host leads to this platform: what DNS says, compared with where hosts should lead."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from ipaddress import ip_address

from frankenpanel_crds.reasons import DomainReason

from frankenpanel_operator.findings import DnsAnswer, DnsOutcome, Resolution

_MOST_SHOWN = 16


@dataclass(frozen=True, slots=True)
class Destination:
    """Where hosts should lead: to these addresses, or to these names as an alias (and to their addresses)."""

    addresses: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def name(self) -> str | None:
        """The name that hosts may be aliases of, if there is one."""
        return self.names[0] if self.names else None

    @property
    def shown(self) -> tuple[str, ...]:
        """What a person should enter: the name, where there is one."""
        return (self.names + self.addresses)[:_MOST_SHOWN]


def read_destination(texts: Collection[str]) -> Destination:
    """Tell addresses from names in what an administrator wrote."""
    addresses, names = [], []
    for text in texts:
        try:
            addresses.append(str(ip_address(text)))
        except ValueError:
            names.append(text.rstrip(".").lower())
    return Destination(tuple(addresses), tuple(names))


def judge_resolution(
    host: str, destination: Destination, observed: DnsAnswer | None, target: DnsAnswer | None
) -> Resolution:
    """Say whether a host leads here, and if not, what a person should do.

    Args:
        host: the normalised host.
        destination: where it should lead.
        observed: its addresses; None where they were not asked for.
        target: the addresses of the destination's name; None where it has no name.
    """
    if not destination.shown or observed is None:
        message = "It is not checked where the host leads."
        return Resolution(is_here=True, reason=DomainReason.NOT_CHECKED, message=message)
    resolution = _compared(host, destination, observed, target)
    return replace(
        resolution,
        expected=destination.shown,
        observed=observed.values[:_MOST_SHOWN],
        ttl_seconds=observed.ttl_seconds,
    )


def _compared(
    host: str, destination: Destination, observed: DnsAnswer, target: DnsAnswer | None
) -> Resolution:
    cure = _cure(destination)
    if observed.outcome is DnsOutcome.UNREACHABLE:
        message = f"The name servers of {host} do not answer; it is tried again."
        return Resolution(is_here=False, reason=DomainReason.DNS_UNREACHABLE, message=message)
    if observed.outcome is not DnsOutcome.FOUND:
        return Resolution(
            is_here=False, reason=DomainReason.NOT_RESOLVING, message=_leads_nowhere(host, observed) + cure
        )
    if set(destination.names) & set(observed.aliases):
        return Resolution(is_here=True, reason=DomainReason.RESOLVES, message=f"{host} leads here.")
    known = {*destination.addresses, *(target.values if target is not None else ())}
    if not known:
        message = f"The addresses of {destination.name} are not known, so nothing can be compared with them."
        return Resolution(is_here=False, reason=DomainReason.DNS_UNREACHABLE, message=message)
    strange = [address for address in observed.values if address not in known]
    if not strange:
        return Resolution(is_here=True, reason=DomainReason.RESOLVES, message=f"{host} leads here.")
    message = _leads_elsewhere(host, observed.values, strange) + cure
    return Resolution(is_here=False, reason=DomainReason.POINTS_ELSEWHERE, message=message)


def _leads_nowhere(host: str, observed: DnsAnswer) -> str:
    if observed.aliases:
        return f"{host} is an alias of {observed.aliases[-1]}, which has no address"
    if observed.outcome is DnsOutcome.NO_SUCH_NAME:
        return f"{host} does not exist in DNS"
    return f"{host} has no address in DNS"


def _leads_elsewhere(host: str, observed: tuple[str, ...], strange: list[str]) -> str:
    """Name what is strange apart from the rest: one wrong address of several fails some visitors only."""
    leads = f"{host} leads to {_listed(observed)}"
    if len(strange) == len(observed):
        return leads
    return f"{leads}, of which {_listed(strange)} is not this platform"


def _cure(destination: Destination) -> str:
    ways = []
    if destination.names:
        ways.append(f"make it an alias (CNAME) of {_listed(destination.names)}")
    if destination.addresses:
        ways.append(f"let it lead to {_listed(destination.addresses)} and nowhere else")
    return f"; {', or '.join(ways)}."


def _listed(values: Collection[str]) -> str:
    shown = list(values)[:_MOST_SHOWN]
    return ", ".join(shown) + (", ..." if len(values) > len(shown) else "")
