"""Keeps the routing tree equal to the claims: the only writer of the store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

import structlog

from frankenpanel_gateway.claims import Refusal, claimed_host, compile_claim
from frankenpanel_gateway.metrics import Metrics
from frankenpanel_gateway.object_event import ObjectEvent
from frankenpanel_gateway.store import TreeStore
from frankenpanel_gateway.upstreams import Network

_log = structlog.stdlib.get_logger(__name__)

# Far above the time that a request needs between finding a folder and reading it.
SUPERSEDED_TREE_SECONDS = 5.0


class TreeWriteError(RuntimeError):
    """The tree could not be written even as a whole; the last one stays in place."""


class RouteTable:
    """What is routed, in memory and on disk."""

    def __init__(self, store: TreeStore, metrics: Metrics, networks: Sequence[Network] = ()) -> None:
        self._store = store
        self._metrics = metrics
        self._networks = networks
        self._records: dict[str, str] | None = None
        self._refused: dict[str, str] = {}
        self._lock = asyncio.Lock()
        self._dropping: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Take over the tree of an earlier run, if there is one."""
        hosts = await asyncio.to_thread(self._store.open)
        self._metrics.routes.set(len(hosts))
        _log.info("tree opened", ready=self.is_ready(), hosts=len(hosts))

    async def close(self) -> None:
        """End what goes on in the background."""
        if self._dropping is not None:
            self._dropping.cancel()
            await asyncio.gather(self._dropping, return_exceptions=True)

    def is_ready(self) -> bool:
        """Say whether Caddy has a complete tree, however old."""
        return self._store.is_ready()

    async def replace(self, pages: AsyncIterator[Sequence[Mapping[str, Any]]]) -> None:
        """Make the tree equal to a complete listing; an error of the iterator leaves all as it was.

        Raises:
            TreeWriteError: the disk refuses.
        """
        async with self._lock:
            # Page by page: fifty thousand parsed claims at once are several times the memory of their routes.
            compiled: dict[str, str | Refusal | None] = {}
            async for page in pages:
                compiled |= {claimed_host(body): self._compile(body) for body in page}
            gone = (self._records or {}).keys() | self._refused.keys()
            compiled |= dict.fromkeys(gone - compiled.keys(), None)
            if self._records is None:
                await self._rebuild({host: record for host, record in _records(compiled) if record})
            else:
                await self._write(self._records, compiled)
            self._note(compiled)

    async def apply(self, events: Sequence[ObjectEvent]) -> None:
        """Bring changes of single claims to disk; of several for one claim, only the last counts.

        Raises:
            TreeWriteError: the disk refuses.
            RuntimeError: there was no complete listing before.
        """
        async with self._lock:
            if self._records is None:
                raise RuntimeError("changes need a listing to apply to")
            compiled = {
                claimed_host(event.body): None if event.is_deleted else self._compile(event.body)
                for event in events
            }
            with self._metrics.apply_seconds.time():
                await self._write(self._records, compiled)
            self._note(compiled)

    def _compile(self, body: Mapping[str, Any]) -> str | Refusal | None:
        return compile_claim(body, self._networks)

    async def _write(self, records: dict[str, str], compiled: Mapping[str, str | Refusal | None]) -> None:
        """Apply what differs; a tree that turns out not to be as remembered is written anew."""
        changes = {host: record for host, record in _records(compiled) if record != records.get(host)}
        if not changes:
            return
        try:
            await asyncio.to_thread(self._apply_changes, records, changes)
        except OSError as error:
            _log.warning("tree is not as remembered, writing it anew", error=str(error))
            merged = {**records, **changes}
            await self._rebuild({host: record for host, record in merged.items() if record is not None})
            return
        for host, record in changes.items():
            if record is None:
                del records[host]
            else:
                records[host] = record

    def _apply_changes(self, known: Mapping[str, str], changes: Mapping[str, str | None]) -> None:
        for host, record in changes.items():
            before = known.get(host)
            if record is None:
                self._store.remove(host)
                change = "removed"
            elif before is None:
                self._store.add(host, record)
                change = "added"
            else:
                self._store.change(host, before, record)
                change = "changed"
            self._metrics.route_changes.labels(change).inc()

    async def _rebuild(self, records: dict[str, str]) -> None:
        started = time.perf_counter()
        try:
            await asyncio.to_thread(self._store.replace_all, records)
        except OSError as error:
            raise TreeWriteError(f"cannot write the routing tree: {error}") from error
        self._records = records
        elapsed_seconds = time.perf_counter() - started
        self._metrics.rebuild_seconds.observe(elapsed_seconds)
        _log.info("tree rebuilt", hosts=len(records), seconds=round(elapsed_seconds, 3))
        if self._dropping is None or self._dropping.done():
            self._dropping = asyncio.create_task(self._drop_superseded())

    async def _drop_superseded(self) -> None:
        await asyncio.sleep(SUPERSEDED_TREE_SECONDS)
        async with self._lock:
            try:
                await asyncio.to_thread(self._store.drop_superseded)
            except OSError as error:
                # Only space is lost; the next start tries again.
                _log.warning("superseded tree not removed", error=str(error))

    def _note(self, compiled: Mapping[str, str | Refusal | None]) -> None:
        """Count, and tell of each refusal once."""
        for host, outcome in compiled.items():
            if not isinstance(outcome, Refusal):
                self._refused.pop(host, None)
            elif self._refused.get(host) != outcome.message:
                self._refused[host] = outcome.message
                _log.warning("claim refused", host=host, reason=outcome.message)
        self._metrics.routes.set(len(self._records or ()))
        self._metrics.refused_claims.set(len(self._refused))


def _records(compiled: Mapping[str, str | Refusal | None]) -> Iterator[tuple[str, str | None]]:
    for host, outcome in compiled.items():
        yield host, None if isinstance(outcome, Refusal) else outcome
