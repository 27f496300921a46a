"""Two replicas under load: one is killed, later one is asked to stop (O10)."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from audit import Record, changes_of_writer, overlaps, writes
from bench import Bench
from contenders import Replica
from population import (
    OWNED_OBJECTS,
    OWNED_RESOURCES,
    TAKEOVER,
    definitions,
    install_definition,
    path_of,
    site,
    site_name,
)

_PAUSE_SECONDS = 0.1
_STEADY_SECONDS = 3.0
_LIMIT_SECONDS = 90.0


async def takeover(bench: Bench) -> None:
    bench.kill_all()
    bench.running.clear()
    if bench.contender is not None and bench.contender.name == "twin":
        await _allow_peering(bench)
    replicas = {name: await bench.start(name, elects=True) for name in ("a", "b")}
    first = bench.audit.mark()
    async with _steady_load(bench) as created:
        leader = await _wait_for_leader(bench, replicas)
        if leader is None:
            bench.notes.append("takeover: nobody wrote anything")
            return
        at = time.time()
        replicas[leader].program.kill()
        bench.figures["takeover_seconds"] = await _first_write_of_another(bench, replicas[leader], at)
        replicas[leader] = await bench.start(leader, elects=True)
        leader = await _wait_for_leader(bench, replicas) or leader
        at = time.time()
        replicas[leader].program.send(signal.SIGTERM)
        bench.figures["handover_seconds"] = await _first_write_of_another(bench, replicas[leader], at)
    await _judge(bench, first, created)


async def _judge(bench: Bench, first: int, created: list[str]) -> None:
    """Look whether everything was made all the same, and by one writer at a time."""
    wanted = len(created) * OWNED_OBJECTS
    found = await bench.audit.wait_for(first, _makes_owned_object, wanted, _LIMIT_SECONDS)
    bench.figures["takeover_missing_objects"] = wanted - len(found)
    calls = bench.calls_since(first)
    bench.figures["overlapping_writes"] = overlaps(calls)
    bench.figures["changes_of_writer"] = changes_of_writer(calls)


def _makes_owned_object(record: Record) -> bool:
    is_made = record.verb == "create" and record.code == 201 and record.namespace == TAKEOVER
    return is_made and record.resource in OWNED_RESOURCES


async def _wait_for_leader(bench: Bench, replicas: dict[str, Replica]) -> str | None:
    """Return who made the last write, after some seconds of load."""
    mark = bench.audit.mark()
    await asyncio.sleep(_STEADY_SECONDS)
    deadline = time.monotonic() + _LIMIT_SECONDS
    while time.monotonic() < deadline:
        if made := writes(bench.calls_since(mark)):
            return next(name for name, replica in replicas.items() if replica.user == made[-1].user)
        await asyncio.sleep(_PAUSE_SECONDS)
    return None


async def _first_write_of_another(bench: Bench, ended: Replica, at: float) -> float | None:
    """Return the seconds from a moment to the first write by the other replica, None within the limit."""

    def counts(record: Record) -> bool:
        is_work = record.is_write and not record.is_housekeeping
        return is_work and record.received > at and "operator-" in record.user and record.user != ended.user

    found = await bench.audit.wait_for(bench.audit.mark(), counts, 1, _LIMIT_SECONDS, 0.02)
    return found[0].received - at if found else None


@asynccontextmanager
async def _steady_load(bench: Bench) -> AsyncIterator[list[str]]:
    """Create ten Sites a second until left; yield the names so far."""
    created: list[str] = []
    is_over = asyncio.Event()

    async def create() -> None:
        while not is_over.is_set():
            name = site_name(len(created))
            await bench.api.create(path_of("Site", TAKEOVER), site(name, TAKEOVER))
            created.append(name)
            await asyncio.sleep(_PAUSE_SECONDS)

    task = asyncio.create_task(create())
    try:
        yield created
    finally:
        is_over.set()
        await task


async def _allow_peering(bench: Bench) -> None:
    """Create what kopf's own leader election needs."""
    for definition in definitions(Path(__file__).parent):
        await install_definition(bench.api, definition)
    body = {"apiVersion": "kopf.dev/v1", "kind": "ClusterKopfPeering", "metadata": {"name": "twin"}}
    await bench.api.create("/apis/kopf.dev/v1/clusterkopfpeerings", body)
