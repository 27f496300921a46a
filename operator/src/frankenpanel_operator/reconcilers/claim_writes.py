"""The steps that change a DomainClaim, each at one place, whatever it is taken for."""

from __future__ import annotations

from frankenpanel_operator.failpoints import Failpoint, reached
from frankenpanel_operator.observed import Manifest, ObjectRef
from frankenpanel_operator.ports import Change, ObjectApplier


async def apply_claim(applier: ObjectApplier, manifest: Manifest, live: Manifest | None) -> None:
    """Create a claim, or bring `live` to what it should say."""
    change = await applier.apply(manifest, live)
    if change is Change.CREATED:
        reached(Failpoint.CLAIM_CREATED)
    elif change is Change.PATCHED:
        reached(Failpoint.CLAIM_PATCHED)


async def give_up_claim(applier: ObjectApplier, claim: Manifest) -> None:
    """Delete a claim which its own Domain, or its time, gives up."""
    await applier.delete(ObjectRef.of(claim), uid=claim["metadata"]["uid"])
    reached(Failpoint.CLAIM_DELETED)


async def take_claim_away(applier: ObjectApplier, claim: Manifest) -> None:
    """Delete a claim that stands in the way of another Domain."""
    await applier.delete(ObjectRef.of(claim), uid=claim["metadata"]["uid"])
    reached(Failpoint.RIVAL_CLAIM_DELETED)
