"""Where a Domain with role Redirect sends its visitors, and whether they would ever arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from frankenpanel_crds.domain import Domain, DomainRole
from frankenpanel_crds.hosts import WILDCARD, normalise_host

from frankenpanel_operator.desired.holding import is_held_by
from frankenpanel_operator.observed import Manifest

MAX_HOPS = 10
"""Browsers follow about twice as many; nobody needs half of these."""

SendsTo = Callable[[str], str | None]
"""Returns the address to which visitors of a (normalised) host are sent: "" where they are served or nobody
says, None where nobody holds the host."""


def target_host(address: str) -> str:
    """Return the normalised host of an address, or "" where it has none that visitors could ask for."""
    try:
        return normalise_host(urlsplit(address).hostname or "")
    except ValueError:
        return ""


def explicit_target(domain: Domain) -> str | None:
    """Return the address that spec.redirect.to names; None where the Domain sends nobody to a named one."""
    if domain.spec.role is not DomainRole.REDIRECT or domain.spec.redirect is None:
        return None
    return domain.spec.redirect.to


def named_target(body: Manifest) -> str:
    """Return the same of an object as it is stored, which a laxer schema may have let in; "" for none."""
    spec = body.get("spec")
    redirect = spec.get("redirect") if isinstance(spec, dict) and spec.get("role") == "Redirect" else None
    to: Any = redirect.get("to") if isinstance(redirect, dict) else None
    return to if isinstance(to, str) else ""


def sends_to(claim: Manifest | None, holder: Manifest | None) -> str | None:
    """Return where visitors of a claimed host are sent, as `SendsTo` says.

    Args:
        claim: the host's claim.
        holder: the Domain that the claim names, as it is stored.
    """
    if claim is None or holder is None or not is_held_by(claim, holder["metadata"].get("uid")):
        return None
    return named_target(holder)


def leads_in_a_circle(host: str, address: str, look_up: SendsTo) -> bool:
    """Say whether visitors of a host would come to a host for the second time, or be sent on for ever."""
    hosts = [host, *_follow(host, address, look_up)]
    return len(set(hosts)) < len(hosts) or len(hosts) > MAX_HOPS


def _follow(host: str, address: str, look_up: SendsTo) -> Iterator[str]:
    """Yield the hosts to which visitors of a host are sent one by one, until they see one twice.

    Each as it is claimed, so perhaps a wildcard. The last one serves its visitors, or is nobody's here.
    """
    seen, following = {host}, address
    while following and len(seen) <= MAX_HOPS:
        current, following = _arrive(target_host(following), host, look_up)
        if current:
            yield current
        if current in seen:
            return
        seen.add(current)


def _arrive(target: str, host: str, look_up: SendsTo) -> tuple[str, str]:
    """Return the claimed form of a target, and where its visitors are sent from there."""
    wildcard = WILDCARD + target.partition(".")[2]
    for form in (target, wildcard):
        if form == host:
            return form, ""
        following = look_up(form) if form else None
        if following is not None:
            return form, following
    return target, ""
