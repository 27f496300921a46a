"""How long an end may wait for what it needs: patience, and the annotation that ends it.

docs/deletion.md is the page about this for people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from frankenpanel_crds.labels import ANNOTATION_FORCE_DELETE

from frankenpanel_operator.errors import (
    KUBERNETES,
    ConflictError,
    FrankenPanelError,
    LeadershipLostError,
    TransientError,
)
from frankenpanel_operator.observed import Manifest
from frankenpanel_operator.ports import Clock

# A deletion that waits is looked at again after half the time that it has waited already.
_SHORTEST_PAUSE_SECONDS = 5.0
_LONGEST_PAUSE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Patience:
    """Decides by the time of the deletion itself, so that a restart begins nothing anew.

    Attributes:
        clock: the time of day, the API server's and ours being about the same.
        seconds: how long a deletion waits for what does not answer.
    """

    clock: Clock
    seconds: float

    def is_over(self, body: Manifest) -> bool:
        """Say whether the deletion goes on without what does not answer."""
        return is_forced(body) or self.clock.now() >= self.deadline(body)

    def deadline(self, body: Manifest) -> datetime:
        """Return when the deletion goes on in any case."""
        return _asked_at(body) + timedelta(seconds=self.seconds)

    def pause_seconds(self, body: Manifest) -> float:
        """Return when to try again: rarely where it takes long, and in time for the deadline."""
        now = self.clock.now()
        waited = (now - _asked_at(body)).total_seconds()
        remaining = (self.deadline(body) - now).total_seconds()
        pause = min(max(waited / 2, _SHORTEST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS)
        return max(min(pause, remaining), 0.1)


def is_forced(body: Manifest) -> bool:
    """Say whether somebody wants the object gone whatever stays behind.

    The annotation has to name the object, so that one which was copied with it does not go by mistake.
    """
    annotations = body["metadata"].get("annotations")
    if not isinstance(annotations, Mapping):
        return False
    return bool(annotations.get(ANNOTATION_FORCE_DELETE) == body["metadata"]["name"])


def can_be_left_behind(error: FrankenPanelError) -> bool:
    """Say whether an error is about something that a deletion can go on without.

    The cluster itself is none of these, nor are errors that mean "read again" or "not you any more".
    """
    if isinstance(error, ConflictError | LeadershipLostError):
        return False
    return not (isinstance(error, TransientError) and error.dependency == KUBERNETES)


def _asked_at(body: Manifest) -> datetime:
    return datetime.fromisoformat(body["metadata"]["deletionTimestamp"])
