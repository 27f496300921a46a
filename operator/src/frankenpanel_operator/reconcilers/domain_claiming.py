"""Looks at the claim of a Domain's host and at the world outside, and carries out what the rules say."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from frankenpanel_crds.conditions import DomainReason
from frankenpanel_crds.domain import Domain
from frankenpanel_crds.domainclaim import DomainClaim
from frankenpanel_crds.hosts import hosts_above
from pydantic import ValidationError

from frankenpanel_operator import naming
from frankenpanel_operator.desired.claim import Content, build_domain_claim, build_released_claim
from frankenpanel_operator.desired.claiming import (
    Rival,
    Ruling,
    Standing,
    Step,
    expiry,
    is_expired,
    proof_needed,
    rule,
    rule_unseen,
    standing_of,
)
from frankenpanel_operator.desired.holding import Holding, holding_of
from frankenpanel_operator.desired.overlap import Overlap, overlap_of
from frankenpanel_operator.errors import ObjectNameTakenError
from frankenpanel_operator.findings import HostChecks, Ownership, Proof
from frankenpanel_operator.observed import Manifest, ObjectRef
from frankenpanel_operator.ports import Clock, ObjectApplier, ObjectCache
from frankenpanel_operator.reconcilers.claim_writes import apply_claim, give_up_claim, take_claim_away


class Checks(Protocol):
    """Asks the world outside about a host."""

    async def look(
        self, domain: Domain, host: str, claim: Manifest | None, proof: Proof = Proof.ANY
    ) -> HostChecks:
        """Return what is known about a host; `claim` is whoever's claim of it there is."""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What was found out about a host, and what follows from it; `claim` is whoever's there was."""

    claim: Manifest | None
    standing: Standing
    ruling: Ruling
    checks: HostChecks | None

    @property
    def own_claim(self) -> Manifest | None:
        """Return the claim, if it is this Domain's."""
        return self.claim if self.standing is Standing.OWN else None

    @property
    def proven(self) -> HostChecks | None:
        """Return the checks, if the host is this Domain's and proven, so that visitors may be served."""
        has_host = self.ruling.refusal is None and self.checks is not None
        return self.checks if has_host and self.checks and self.checks.ownership.is_proven else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainClaiming:
    """Claims the host of one Domain after another."""

    cache: ObjectCache
    applier: ObjectApplier
    clock: Clock
    checks: Checks
    unproven_claim_seconds: float

    async def look(self, domain: Domain, host: str) -> Inquiry:
        """Find out what a host is to a Domain, and rule; nothing is written."""
        claim = self.claim_of(host)
        holding = holding_of(claim) if claim is not None else None
        standing = standing_of(domain, self._rival(claim))
        unseen = rule_unseen(host, standing)
        if unseen is not None:
            return Inquiry(claim, standing, unseen, None)
        overlap = overlap_of(domain.metadata.namespace or "", self._claims_above(host))
        checks = await self._check(domain, host, claim, proof_needed(standing, holding, overlap), overlap)
        own = holding if standing is Standing.OWN else None
        is_over = is_expired(domain, own, self.clock.now(), self.unproven_claim_seconds)
        ruling = rule(host, standing, checks, overlap, is_expired=is_over)
        return Inquiry(claim, standing, ruling, checks)

    async def carry_out(
        self, domain: Domain, host: str, inquiry: Inquiry, content: Content
    ) -> Manifest | None:
        """Write the claim, if the ruling says so; return the claim that there is now, whoever's."""
        claim = inquiry.claim
        match inquiry.ruling.step:
            case Step.WRITE:
                await self._apply(build_domain_claim(domain, host, content), claim)
            case Step.REPLACE if claim is not None:
                await take_claim_away(self.applier, claim)
                # At once, or whoever lost the host would reserve it once more.
                await self._apply(build_domain_claim(domain, host, content), None)
            case Step.COOL_DOWN if claim is not None and not holding_of(claim).is_released:
                await self._cool_down(claim)
            case _:
                pass
        return self.claim_of(host)

    async def release(self, inquiry: Inquiry) -> None:
        """Give up the Domain's own claim where the ruling says so; after the status has said why.

        Otherwise a death in between would let the next pass claim the host anew, for its whole time.
        """
        claim = inquiry.own_claim
        if inquiry.ruling.step is Step.RELEASE and claim is not None:
            await give_up_claim(self.applier, claim)

    def verified_since(self, inquiry: Inquiry) -> Holding | None:
        """Return what shows since when the namespace has proven the host, if anything does."""
        if inquiry.claim is None or inquiry.standing not in (Standing.OWN, Standing.INHERITABLE):
            return None
        holding = holding_of(inquiry.claim)
        return holding if holding.is_proven else None

    def seconds_left(self, domain: Domain, claim: Manifest | None, inquiry: Inquiry) -> float | None:
        """Return how long an unproven claim is kept from now on; None where no such clock runs."""
        if claim is None or inquiry.ruling.refusal is not None or inquiry.proven is not None:
            return None
        now = self.clock.now()
        until = expiry(domain, holding_of(claim), now, self.unproven_claim_seconds)
        return max((until - now).total_seconds(), 1.0)

    def claim_of(self, host: str) -> Manifest | None:
        """Return the claim of a host as it is known now."""
        return self.cache.get(ObjectRef(DomainClaim.NAMES.kind, "", naming.claim_name(host)))

    async def _check(
        self, domain: Domain, host: str, claim: Manifest | None, proof: Proof, overlap: Overlap
    ) -> HostChecks:
        checks = await self.checks.look(domain, host, claim, proof)
        leads_here = checks.resolution.reason == DomainReason.RESOLVES
        if proof is Proof.RECORD and overlap.proof is not Proof.RECORD and not leads_here:
            # It was given up, and visitors do not come here any more: nobody can be tricked.
            checks = await self.checks.look(domain, host, claim, overlap.proof)
            proof = overlap.proof
        if proof is not Proof.NOTHING:
            return checks
        message = f"Nothing has to be shown below {overlap.above}, which this namespace has proven."
        return HostChecks(
            Ownership(is_proven=True, reason=DomainReason.VERIFIED, message=message),
            checks.resolution,
            checks.next_look_seconds,
        )

    def _claims_above(self, host: str) -> list[tuple[str, Manifest]]:
        found = ((above, self.claim_of(above)) for above in hosts_above(host))
        return [(above, claim) for above, claim in found if claim is not None]

    def _rival(self, claim: Manifest | None) -> Rival | None:
        if claim is None:
            return None
        holding = holding_of(claim)
        body = self.cache.get(ObjectRef(Domain.NAMES.kind, holding.namespace, holding.name))
        return Rival(
            holding,
            has_domain=body is not None and body["metadata"]["uid"] == holding.uid,
            is_leaving="deletionTimestamp" in claim["metadata"],
        )

    async def _apply(self, manifest: Manifest, live: Manifest | None) -> None:
        # Refused: somebody was faster than the watch that would have told us, and tells us now.
        with suppress(ObjectNameTakenError):
            await apply_claim(self.applier, manifest, live)

    async def _cool_down(self, claim: Manifest) -> None:
        """Let the time of an orphan's claim run; one that cannot be read is nobody's and goes at once."""
        try:
            released = build_released_claim(claim, self.clock.now())
        except ValidationError:
            await take_claim_away(self.applier, claim)
        else:
            await self._apply(released, claim)
