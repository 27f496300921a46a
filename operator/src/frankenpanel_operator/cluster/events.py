"""Posts Kubernetes Events: what happened, for those who run `kubectl describe`."""

from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta

import structlog
from frankenpanel_crds.labels import FIELD_MANAGER

from frankenpanel_operator.cluster.client import KubernetesClient
from frankenpanel_operator.cluster.resources import EVENT
from frankenpanel_operator.errors import FrankenPanelError
from frankenpanel_operator.failpoints import Failpoint, reached
from frankenpanel_operator.observed import Manifest
from frankenpanel_operator.ports import Clock

log = structlog.stdlib.get_logger(__name__)

# The same sentence about the same object is not news again for this long.
REPEAT_AFTER = timedelta(minutes=10)
_REMEMBERED_EVENTS = 10_000
# Events of cluster-scoped objects live in this namespace, by Kubernetes' convention.
_CLUSTER_EVENTS_NAMESPACE = "default"
_MAX_MESSAGE_CHARACTERS = 1024


class KubernetesEventRecorder:
    """Implements `ports.EventRecorder`; needs the right to create Events and no other."""

    def __init__(self, client: KubernetesClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._posted: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    async def record(self, subject: Manifest, *, type_: str, reason: str, message: str) -> None:
        """Post one Event ("Normal" or "Warning"); a failure is logged, never raised."""
        if self._is_repeated(subject["metadata"].get("uid", ""), reason, message):
            return
        manifest = self._build(subject, type_, reason, message)
        try:
            await self._client.create(EVENT, manifest["metadata"]["namespace"], manifest)
        except FrankenPanelError as error:
            log.warning("event not posted", reason=reason, cause=str(error))
        else:
            reached(Failpoint.EVENT_POSTED)

    def _is_repeated(self, uid: str, reason: str, message: str) -> bool:
        key, now = (uid, reason, message), self._clock.now().timestamp()
        posted = self._posted.get(key)
        if posted is not None and now - posted < REPEAT_AFTER.total_seconds():
            return True
        self._posted[key] = now
        self._posted.move_to_end(key)
        if len(self._posted) > _REMEMBERED_EVENTS:
            self._posted.popitem(last=False)
        return False

    def _build(self, subject: Manifest, type_: str, reason: str, message: str) -> Manifest:
        metadata = subject["metadata"]
        now = self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "generateName": f"{metadata['name'][:200]}.",
                "namespace": metadata.get("namespace") or _CLUSTER_EVENTS_NAMESPACE,
            },
            "involvedObject": {
                "apiVersion": subject["apiVersion"],
                "kind": subject["kind"],
                "name": metadata["name"],
                "namespace": metadata.get("namespace", ""),
                "uid": metadata.get("uid", ""),
                "resourceVersion": metadata.get("resourceVersion", ""),
            },
            "type": type_,
            "reason": reason,
            "message": message[:_MAX_MESSAGE_CHARACTERS],
            "source": {"component": FIELD_MANAGER},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
