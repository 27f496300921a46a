"""The rules by which a host passes to a Domain, stays with it, or is kept from it; pure.

```text
                                     proven, or nobody has shown anything
 free, one's own left over, orphan ─────────────────────────────────────► claimed by this Domain
 another namespace's, unproven     ── only proven ──────────────────────► taken over
 another namespace's, cooling down ── a record, or DNS leads elsewhere ─► taken over
 another Domain's                  ── never ──►  HostTaken
```
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from frankenpanel_crds.conditions import DomainCondition, DomainReason, find_condition
from frankenpanel_crds.domain import Domain

from frankenpanel_operator.desired.holding import Holding
from frankenpanel_operator.desired.overlap import Overlap
from frankenpanel_operator.desired.refused_hosts import Refusal
from frankenpanel_operator.findings import HostChecks, Proof


class Standing(Enum):
    """What a host's claim is to one Domain."""

    FREE = auto()
    OWN = auto()
    INHERITABLE = auto()
    """Of a Domain of this namespace that is gone."""
    ABANDONED = auto()
    """Of a Domain of another namespace that is gone, which never showed that the host is its own."""
    COOLING = auto()
    """Of a Domain of another namespace that is gone, which had shown it."""
    UNPROVEN = auto()
    """Of a Domain of another namespace which has not shown that the host is its own."""
    TAKEN = auto()
    LEAVING = auto()
    """It is being deleted; its end is told by an event."""


class Step(Enum):
    """What becomes of the claim."""

    NOTHING = auto()
    WRITE = auto()
    """Create it, or bring the one that there is to what it should say."""
    REPLACE = auto()
    """Delete the one that there is, and create it anew for another namespace."""
    RELEASE = auto()
    """Delete our own."""
    COOL_DOWN = auto()
    """Mark another namespace's orphan as released, so that its time runs."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What becomes of the claim, and why the Domain does not have the host, where it does not."""

    step: Step
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Rival:
    """The claim of a host, and whether its Domain still exists."""

    holding: Holding
    has_domain: bool
    is_leaving: bool


def standing_of(domain: Domain, rival: Rival | None) -> Standing:
    """Return what the claim that there is means to a Domain."""
    if rival is None:
        return Standing.FREE
    holding = rival.holding
    is_ours = holding.namespace == domain.metadata.namespace
    if rival.is_leaving:
        return Standing.LEAVING
    if holding.uid == domain.metadata.uid and not holding.is_released:
        return Standing.OWN
    if holding.is_released or not rival.has_domain:
        if is_ours:
            return Standing.INHERITABLE
        return Standing.COOLING if holding.is_proven else Standing.ABANDONED
    return Standing.TAKEN if is_ours or holding.is_proven else Standing.UNPROVEN


def proof_needed(standing: Standing, holding: Holding | None, overlap: Overlap) -> Proof:
    """Return what has to be shown: what was shown once stays enough, whatever came above it since."""
    if standing is Standing.COOLING:
        return Proof.RECORD
    is_own_proven = standing is Standing.OWN and holding is not None and holding.is_proven
    return Proof.ANY if is_own_proven and overlap.proof is Proof.RECORD else overlap.proof


def rule(host: str, standing: Standing, checks: HostChecks, overlap: Overlap, *, is_expired: bool) -> Ruling:
    """Decide about a host that was looked at.

    Args:
        host: the host in its normal form.
        standing: what its claim is to the Domain.
        checks: what was found out, by the proof that is needed.
        overlap: what the hosts above it mean.
        is_expired: whether the time to prove it is over.
    """
    if checks.ownership.is_proven:
        is_anothers = standing in (Standing.ABANDONED, Standing.COOLING, Standing.UNPROVEN)
        return Ruling(Step.REPLACE if is_anothers else Step.WRITE)
    match standing:
        case Standing.COOLING:
            return Ruling(Step.COOL_DOWN, _cooling_down(host))
        case Standing.UNPROVEN:
            return Ruling(Step.NOTHING, _reserved_by_another(host))
        case _ if overlap.proof is Proof.RECORD:
            return Ruling(Step.RELEASE, _parent_taken(host, overlap.above))
        case _ if is_expired:
            return Ruling(Step.RELEASE, _expired(host))
        case Standing.ABANDONED:
            return Ruling(Step.REPLACE)
        case _:
            return Ruling(Step.WRITE)


def rule_unseen(host: str, standing: Standing) -> Ruling | None:
    """Decide about a host that need not be looked at; None where it must."""
    match standing:
        case Standing.TAKEN:
            return Ruling(Step.NOTHING, _taken(host))
        case Standing.LEAVING:
            message = f"{host} is being given up by its former claim, and then reserved."
            return Ruling(Step.NOTHING, Refusal(DomainReason.PROGRESSING, message))
        case _:
            return None


def is_expired(domain: Domain, holding: Holding | None, now: datetime, limit_seconds: float) -> bool:
    """Say whether an unproven Domain has had its time; once it had, only a proof helps.

    Args:
        domain: who wants the host.
        holding: what the Domain's own claim says; None where it has none.
        now: the time.
        limit_seconds: how long a host is kept for a namespace that has shown nothing.
    """
    if holding is None:
        claimed = find_condition(domain.status.conditions, DomainCondition.CLAIMED)
        return claimed is not None and claimed.reason == DomainReason.CLAIM_EXPIRED
    return now >= expiry(domain, holding, now, limit_seconds)


def expiry(domain: Domain, holding: Holding, now: datetime, limit_seconds: float) -> datetime:
    """Return until when an unproven claim is kept: so long after it was made, or lost its proof."""
    verified = find_condition(domain.status.conditions, DomainCondition.OWNERSHIP_VERIFIED)
    # A proof that was lost just now is not in the status yet.
    is_lost_now = verified is not None and verified.is_true
    lost = None if verified is None or is_lost_now else verified.last_transition_time
    moments = (holding.created_at, domain.metadata.creation_timestamp, lost, now if is_lost_now else None)
    since = max((moment for moment in moments if moment is not None), default=now)
    return since + timedelta(seconds=limit_seconds)


def _taken(host: str) -> Refusal:
    # Whose it is stays untold: it may be another tenant's.
    message = (
        f"{host} is held by another Domain; choose another host, or ask your administrator if it should be "
        "yours."
    )
    return Refusal(DomainReason.HOST_TAKEN, message)


def _reserved_by_another(host: str) -> Refusal:
    message = (
        f"{host} is reserved by another Domain, which has not shown yet that it is its own; show that it is "
        "yours by one of the records in status.verification, and it passes to this one."
    )
    return Refusal(DomainReason.HOST_TAKEN, message)


def _cooling_down(host: str) -> Refusal:
    message = (
        f"{host} was given up by another namespace a short while ago, and DNS still leads here; show that "
        "it is yours by a record in status.verification, or wait."
    )
    return Refusal(DomainReason.HOST_COOLING_DOWN, message)


def _parent_taken(host: str, above: str) -> Refusal:
    message = (
        f"{host} lies below {above}, which another namespace has shown to be its own; show by a record in "
        f"status.verification that {host} is yours."
    )
    return Refusal(DomainReason.PARENT_TAKEN, message)


def _expired(host: str) -> Refusal:
    message = (
        f"Nobody has shown in time that {host} is theirs, so it is free for others; set one of the records "
        "in status.verification, and it is reserved again."
    )
    return Refusal(DomainReason.CLAIM_EXPIRED, message)
