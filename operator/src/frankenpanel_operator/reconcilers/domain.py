"""The reconcile of a Domain: claim its host, and keep the route to its Site in the claim."""

from __future__ import annotations

from dataclasses import dataclass

from frankenpanel_crds import labels
from frankenpanel_crds.domain import Domain
from frankenpanel_crds.domainclaim import DomainClaim, Route
from frankenpanel_crds.hosts import normalise_host
from frankenpanel_crds.site import Site

from frankenpanel_operator import naming
from frankenpanel_operator.desired.claim import build_domain_claim, holds_claim, route_to
from frankenpanel_operator.desired.domains import leading_primary
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.outcome import Outcome
from frankenpanel_operator.errors import HostTakenError, ObjectNameTakenError
from frankenpanel_operator.observed import Manifest, ObjectRef, OwnedKind
from frankenpanel_operator.ports import Clock, EventRecorder, ObjectApplier, ObjectCache
from frankenpanel_operator.reconcilers.finalizers import ensure_finalizer, release_finalizer
from frankenpanel_operator.status.domain import DomainScene, domain_status

# A host becomes free without an event that names the Domain which waits for it.
TAKEN_RETRY_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainReconciler:
    """Claims and routes one Domain after another."""

    cache: ObjectCache
    applier: ObjectApplier
    events: EventRecorder
    clock: Clock
    platform: Platform
