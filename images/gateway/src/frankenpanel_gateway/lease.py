"""Which replica orders certificates: the holder of a Lease, by its own clock only."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import aiohttp
import structlog

from frankenpanel_gateway.api_client import ApiAccess, ApiClient, ApiError, ConflictError, NotFoundError
from frankenpanel_gateway.metrics import Metrics

_log = structlog.stdlib.get_logger(__name__)

_API_VERSION = "coordination.k8s.io/v1"
LEASE_NAME = "frankenpanel-certificates"
# The holder stops this part of the term earlier than others may begin.
_MARGIN = 0.25


class CertificateLease:
    """Takes the Lease and keeps it.

    A foreign one counts as expired once we have seen it unchanged for as long as it says. Two replicas that
    lead for a moment would order twice, and break nothing.

    Args:
        access: where the API server is.
        namespace: of the Lease.
        identity: who we are.
        term_seconds: how long a holder may be silent.
        now: the time of day, for people who read the Lease.
        metrics: says who leads.
    """

    def __init__(
        self,
        access: ApiAccess,
        namespace: str,
        identity: str,
        term_seconds: float,
        now: Callable[[], datetime],
        metrics: Metrics,
    ) -> None:
        self._access = access
        self._path = f"/apis/{_API_VERSION}/namespaces/{namespace}/leases"
        self._identity = identity
        self._term_seconds = term_seconds
        self._now = now
        self._metrics = metrics
        self._leads_until = -math.inf
        self._seen: tuple[Any, float] = (None, math.inf)

    def is_leading(self) -> bool:
        """Say whether this replica orders certificates."""
        return time.monotonic() < self._leads_until

    async def run(self) -> None:
        """Take the Lease whenever it is free, and keep it, for ever."""
        try:
            while True:
                was_leading = self.is_leading()
                try:
                    async with ApiClient.connect(self._access) as client:
                        await self._step(client)
                except (ApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
                    _log.debug("lease not renewed", error=repr(error))
                if self.is_leading() is not was_leading:
                    _log.info("orders certificates" if self.is_leading() else "no longer orders certificates")
                self._metrics.leads.set(self.is_leading())
                await asyncio.sleep(self._term_seconds / 4)
        finally:
            self._leads_until = -math.inf

    async def _step(self, client: ApiClient) -> None:
        asked_at = time.monotonic()
        try:
            lease = await client.read(f"{self._path}/{LEASE_NAME}")
        except NotFoundError:
            lease = {
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": LEASE_NAME},
            }
            await self._write(client, lease, asked_at, is_new=True)
            return
        spec = lease.get("spec") or {}
        if spec.get("holderIdentity") != self._identity and not self._has_expired(spec):
            return
        await self._write(client, lease, asked_at, is_new=False)

    async def _write(
        self, client: ApiClient, lease: dict[str, Any], asked_at: float, *, is_new: bool
    ) -> None:
        before = lease.get("spec") or {}
        moment = self._now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        is_ours = before.get("holderIdentity") == self._identity
        lease["spec"] = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": math.ceil(self._term_seconds),
            "renewTime": moment,
            "acquireTime": before["acquireTime"] if is_ours and "acquireTime" in before else moment,
            "leaseTransitions": int(before.get("leaseTransitions", 0)) + (not is_ours),
        }
        try:
            if is_new:
                await client.create(self._path, lease)
            else:
                await client.replace(f"{self._path}/{LEASE_NAME}", lease)
        except ConflictError:
            # Somebody was faster; the next look tells who.
            return
        self._leads_until = asked_at + self._term_seconds * (1 - _MARGIN)

    def _has_expired(self, spec: dict[str, Any]) -> bool:
        record = (spec.get("holderIdentity"), spec.get("renewTime"))
        now = time.monotonic()
        if record != self._seen[0]:
            self._seen = (record, now)
        duration_seconds = float(spec.get("leaseDurationSeconds") or self._term_seconds)
        return not spec.get("holderIdentity") or now - self._seen[1] > duration_seconds
