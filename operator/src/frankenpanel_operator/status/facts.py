"""What a Site's status is computed from: the decision, what was observed, and how the attempt went."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from frankenpanel_crds.conditions import SiteReason
from frankenpanel_crds.site import Site

from frankenpanel_operator.desired.resolution import Resolution, wants_database
from frankenpanel_operator.desired.site import DesiredSite
from frankenpanel_operator.errors import ClusterRefusedError, FrankenPanelError, ObjectNameTakenError
from frankenpanel_operator.observed import Manifest, ObjectRef, ObservedSite

# What the API server says about a refused object can be a page long.
_MAX_DETAIL_LENGTH = 300
_QUOTA_WORDS = "exceeded quota"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one reconcile got; nothing was tried where the Site is paused.

    `desired` saves computing it again where the reconcile has done so already.
    """

    is_database_ready: bool = False
    database_error: FrankenPanelError | None = None
    apply_error: FrankenPanelError | None = None
    desired: DesiredSite | None = None


@dataclass(frozen=True, slots=True)
class ApplyFailure:
    """An owned object that could not be written, and why; `kind` is None where the error does not tell."""

    kind: str | None
    reason: SiteReason
    message: str


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """Everything that the checks of a Site look at.

    `observed` is as old as the caches: what was written just now may show up by the event that follows.
    """

    resolution: Resolution
    desired: DesiredSite
    observed: ObservedSite
    is_database_ready: bool
    database_error: FrankenPanelError | None
    failure: ApplyFailure | None

    def failure_of(self, kinds: Iterable[str]) -> ApplyFailure | None:
        """Return the failure, if it is about one of these kinds."""
        return self.failure if self.failure is not None and self.failure.kind in frozenset(kinds) else None

    def live(self, desired: Manifest) -> Manifest | None:
        """Return the live body of a desired object."""
        return self.observed.objects.get(ObjectRef.of(desired))


def is_database_usable(site: Site, facts: SiteFacts) -> bool:
    """Say whether what needs the database can start; true as well where the Site wants none."""
    return facts.is_database_ready or not wants_database(site)


def apply_failure(error: FrankenPanelError | None) -> ApplyFailure | None:
    """Put an applier's error into a reason and a sentence."""
    if error is None:
        return None
    if isinstance(error, ObjectNameTakenError):
        message = f"{error.kind} {error.name} exists and belongs to somebody else; rename or delete it."
        return ApplyFailure(error.kind, SiteReason.OBJECT_NAME_TAKEN, message)
    if not isinstance(error, ClusterRefusedError):
        message = "A change could not be written to the cluster; it is tried again by itself."
        return ApplyFailure(None, SiteReason.CLUSTER_UNAVAILABLE, message)
    detail = str(error).strip().rstrip(".")
    if _QUOTA_WORDS in detail:
        message = (
            "The quota of the namespace leaves no room for what the Site needs; free some, or ask for more."
        )
        return ApplyFailure(None, SiteReason.QUOTA_EXCEEDED, message)
    message = f"The cluster refuses an object of the Site: {detail[:_MAX_DETAIL_LENGTH]}."
    return ApplyFailure(None, SiteReason.OBJECT_REFUSED, message)
