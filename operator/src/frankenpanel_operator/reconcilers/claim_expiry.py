"""The end of a claim whose Domain went: the host is free again when its time is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from frankenpanel_operator.desired.holding import holding_of
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.outcome import Outcome
from frankenpanel_operator.observed import ObjectRef
from frankenpanel_operator.ports import Clock, ObjectApplier, ObjectCache
from frankenpanel_operator.reconcilers.claim_writes import give_up_claim


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimExpiry:
    """Lets go of one released claim after another; all others are their Domains' business."""

    cache: ObjectCache
    applier: ObjectApplier
    clock: Clock
    released_claim_seconds: float

    async def reconcile(self, key: Key) -> Outcome:
        """Delete the claim if it is time, or come back when it is."""
        ref = ObjectRef(key.kind, key.namespace, key.name)
        claim = self.cache.get(ref)
        released_at = holding_of(claim).released_at if claim is not None else None
        if claim is None or released_at is None or "deletionTimestamp" in claim["metadata"]:
            return Outcome()
        until = released_at + timedelta(seconds=self.released_claim_seconds)
        remaining = (until - self.clock.now()).total_seconds()
        if remaining > 0:
            return Outcome(requeue_after_seconds=remaining)
        await give_up_claim(self.applier, claim)
        return Outcome()
