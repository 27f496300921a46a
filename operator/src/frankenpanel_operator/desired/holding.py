"""What a DomainClaim says about its holder, read so that no claim can be unreadable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from frankenpanel_operator.observed import Manifest


@dataclass(frozen=True, slots=True)
class Holding:
    """Who holds a host, and how firmly; empty names where a foreign hand made the claim unreadable.

    `verified_at` is when the namespace proved the host, `released_at` when the Domain went.
    """

    namespace: str
    name: str
    uid: str
    verified_at: datetime | None
    released_at: datetime | None
    created_at: datetime | None

    @property
    def is_proven(self) -> bool:
        """Say whether the namespace has shown that the host is its own."""
        return self.verified_at is not None

    @property
    def is_released(self) -> bool:
        """Say whether the Domain has gone, and the claim only keeps others away for a while."""
        return self.released_at is not None


def holding_of(claim: Manifest) -> Holding:
    """Return what a claim says."""
    owner, spec = claim_owner(claim), _mapping(claim.get("spec"))
    return Holding(
        namespace=str(owner.get("namespace", "")),
        name=str(owner.get("name", "")),
        uid=str(owner.get("uid", "")),
        verified_at=_moment(spec.get("verifiedAt")),
        released_at=_moment(spec.get("releasedAt")),
        created_at=_moment(claim["metadata"].get("creationTimestamp")),
    )


def claim_owner(claim: Manifest) -> Mapping[str, Any]:
    """Return the reference (namespace, name, uid) to the Domain that a claim belongs to.

    It is empty where a foreign hand made it unreadable; such a claim is nobody's.
    """
    return _mapping(_mapping(claim.get("spec")).get("domainRef"))


def is_held_by(claim: Manifest | None, uid: str | None) -> bool:
    """Say whether a claim is this very Domain's, not one of the same name before it, and not given up."""
    if claim is None:
        return False
    holding = holding_of(claim)
    return bool(uid) and holding.uid == uid and not holding.is_released


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
