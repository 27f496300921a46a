"""Posts Kubernetes Events: what happened, for those who run `kubectl describe`."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from frankenpanel_crds.labels import FIELD_MANAGER

from frankenpanel_operator import metrics
from frankenpanel_operator.cluster.client import KubernetesClient
from frankenpanel_operator.cluster.resources import EVENT
from frankenpanel_operator.engine.token_bucket import TokenBucket
from frankenpanel_operator.errors import FrankenPanelError
from frankenpanel_operator.failpoints import Failpoint, reached
from frankenpanel_operator.observed import Manifest
from frankenpanel_operator.ports import Clock

log = structlog.stdlib.get_logger(__name__)

# The same sentence about the same object is not news again for this long.
REPEAT_AFTER = timedelta(minutes=10)
_REMEMBERED = 10_000
# Per object as Kubernetes' own clients limit themselves; overall what a mass failure may add to the load.
_OBJECT_BURST, _OBJECT_REFILL_SECONDS = 25, 300.0
_BURST, _REFILL_SECONDS = 100, 1.0
_PATIENCE_SECONDS = 5.0
# Events of cluster-scoped objects live in this namespace, by Kubernetes' convention.
_CLUSTER_EVENTS_NAMESPACE = "default"
_MAX_MESSAGE_CHARACTERS = 1024


class KubernetesEventRecorder:
    """Implements `ports.EventRecorder`; needs the right to create Events and no other.

    Args:
        client: speaks to the API server.
        clock: the time of day, for the Events themselves.
        monotonic: seconds on a clock that never jumps, for the limits.
    """

    def __init__(
        self, client: KubernetesClient, clock: Clock, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._clock = clock
        self._monotonic = monotonic
        self._posted: OrderedDict[tuple[str, str, str], float] = OrderedDict()
        self._of_object: OrderedDict[str, TokenBucket] = OrderedDict()
        self._overall = TokenBucket(monotonic, _BURST, _REFILL_SECONDS)
        self._under_way: set[asyncio.Task[None]] = set()

    def note(self, subject: Manifest, *, type_: str, reason: str, message: str) -> None:
        """Post one Event ("Normal" or "Warning") soon, without anybody waiting; too many are dropped."""
        if self._may_post(subject, reason, message):
            posting = asyncio.create_task(self._post(self._build(subject, type_, reason, message)))
            self._under_way.add(posting)
            posting.add_done_callback(self._under_way.discard)

    async def record(self, subject: Manifest, *, type_: str, reason: str, message: str) -> None:
        """Post one Event before going on; a failure is logged, never raised, and the wait is short."""
        if self._may_post(subject, reason, message):
            await self._post(self._build(subject, type_, reason, message))

    async def close(self) -> None:
        """Give up what is still under way: it is news only as long as somebody works on it."""
        for posting in self._under_way:
            posting.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _post(self, manifest: Manifest) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._client.create(EVENT, manifest["metadata"]["namespace"], manifest)
        except (FrankenPanelError, TimeoutError) as error:
            log.warning("event not posted", reason=manifest["reason"], cause=str(error))
        else:
            reached(Failpoint.EVENT_POSTED)

    def _may_post(self, subject: Manifest, reason: str, message: str) -> bool:
        """Say whether it is news, and whether there is room for it."""
        uid = subject["metadata"].get("uid", "")
        key = (uid, reason, message)
        posted = self._posted.get(key)
        if posted is not None and self._monotonic() - posted < REPEAT_AFTER.total_seconds():
            return False
        if not (self._bucket_of(uid).take() and self._overall.take()):
            metrics.EVENTS_DROPPED.inc()
            return False
        self._posted[key] = self._monotonic()
        _keep_latest(self._posted, key)
        return True

    def _bucket_of(self, uid: str) -> TokenBucket:
        bucket = self._of_object.get(uid)
        if bucket is None:
            bucket = TokenBucket(self._monotonic, _OBJECT_BURST, _OBJECT_REFILL_SECONDS)
            self._of_object[uid] = bucket
        _keep_latest(self._of_object, uid)
        return bucket

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


def _keep_latest(memory: OrderedDict[Any, Any], key: object) -> None:
    """Count a key as used just now, and forget the one that was not for the longest time."""
    memory.move_to_end(key)
    if len(memory) > _REMEMBERED:
        memory.popitem(last=False)
