"""Single new Sites: on an idle cluster (O4), during a mass resync (O8), beside hopeless ones; and drift."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from audit import Record, tally
from bench import Bench
from client import in_parallel
from cluster import CREATOR
from population import (
    API,
    CATALOG,
    HOPELESS,
    OWNED_OBJECTS,
    OWNED_RESOURCES,
    PATHS,
    PROBES,
    path_of,
    site,
    site_name,
)

_PROBE_LIMIT_SECONDS = 60.0
_ALL_PROBES_LIMIT_SECONDS = 90.0
_SHORT_TIMER_SECONDS = 10.0
_POLL_SECONDS = 0.004
_REPAIRS = 20
_HOPELESS_SITES = 1000
_WATCHED_SECONDS = 20.0


async def idle(bench: Bench) -> None:
    """O4: one new Site after the other while nothing else happens."""
    bench.note_latencies("site", await _probe(bench, "idle"))


async def drift(bench: Bench) -> None:
    """How long a foreign hand's change of an owned object lasts; a timer's answer is its interval."""
    names = [f"idle-{number:02d}-config" for number in range(5 if bench.is_quick else _REPAIRS)]
    took = [await _repair(bench, name, delete=bool(number % 2)) for number, name in enumerate(names)]
    bench.note_latencies("repair", [item for item in took if item is not None])
    if None in took:
        bench.notes.append(f"drift: {took.count(None)} of {len(took)} changes were not put right")


async def mass(bench: Bench) -> None:
    """O8: one new Site after the other while all others are gone through."""
    if bench.contender is not None and bench.contender.name == "twin":
        # It goes through all objects when it starts, and by its timers: so often that they never rest.
        bench.kill_all()
        await bench.start(resync_seconds=_SHORT_TIMER_SECONDS)
        bench.note_latencies("mass_site", await _probe(bench, "mass"))
        return
    before = await bench.replica.passes()
    async with _catalog_edited_for_ever(bench):
        bench.note_latencies("mass_site", await _probe(bench, "mass"))
    bench.figures["mass_passes"] = await bench.replica.passes() - before


async def hopeless(bench: Bench) -> None:
    """New Sites beside a thousand whose names are taken by foreign objects, so that they fail for ever."""
    number = min(bench.size, _HOPELESS_SITES)

    async def create(name: str) -> None:
        body = {"metadata": {"name": f"{name}-config"}, "data": {"somebody": "else's"}}
        await bench.api.create(PATHS["ConfigMap"].format(HOPELESS), body)
        await bench.api.create(path_of("Site", HOPELESS), site(name, HOPELESS))

    # The operator of the stages before resyncs every few seconds, and looks at hopeless Sites too.
    bench.kill_all()
    await bench.start()
    await in_parallel((site_name(each) for each in range(number)), create)
    await bench.replica.wait_until_quiet(bench.audit, 120, bench.idle_rate)
    mark, cpu = bench.audit.mark(), bench.replica.program.cpu_seconds()
    await asyncio.sleep(5 if bench.is_quick else _WATCHED_SECONDS)
    bench.figures["hopeless_sites"] = number
    calls = bench.calls_since(mark)
    bench.figures["hopeless_calls"] = len(calls)
    bench.details["hopeless_calls"] = tally(calls)
    bench.figures["hopeless_cpu_seconds"] = bench.replica.program.cpu_seconds() - cpu
    bench.note_latencies("hopeless_site", await _probe(bench, "hopeless"))


async def _probe(bench: Bench, prefix: str) -> list[float]:
    """Create Sites one after the other; return the milliseconds until each had its last owned object."""
    took: list[float] = []
    deadline = time.monotonic() + _ALL_PROBES_LIMIT_SECONDS
    for number in range(10 if bench.is_quick else 50):
        if time.monotonic() > deadline:
            bench.notes.append(f"{prefix}: only {len(took)} Sites in {_ALL_PROBES_LIMIT_SECONDS:.0f} s")
            break
        milliseconds = await _probe_once(bench, f"{prefix}-{number:02d}")
        if milliseconds is None:
            bench.notes.append(f"{prefix}: Site {number} was not whole after {_PROBE_LIMIT_SECONDS:.0f} s")
            break
        took.append(milliseconds)
        await asyncio.sleep(0.05)
    return took


async def _probe_once(bench: Bench, name: str) -> float | None:
    def counts(record: Record) -> bool:
        is_asked = record.user == CREATOR and record.resource == "sites"
        is_owned = record.resource in OWNED_RESOURCES and record.user != CREATOR
        is_it = record.namespace == PROBES and (record.name == name or record.name.startswith(f"{name}-"))
        return record.verb == "create" and record.code == 201 and is_it and (is_asked or is_owned)

    mark = bench.audit.mark()
    await bench.api.create(path_of("Site", PROBES), site(name, PROBES))
    found = await bench.audit.wait_for(mark, counts, OWNED_OBJECTS + 1, _PROBE_LIMIT_SECONDS, _POLL_SECONDS)
    if len(found) <= OWNED_OBJECTS:
        return None
    asked = next(record.received for record in found if record.user == CREATOR)
    return (max(record.completed for record in found) - asked) * 1000


async def _repair(bench: Bench, name: str, *, delete: bool) -> float | None:
    """Damage a ConfigMap; return the milliseconds until it is whole again, None after 20 s."""

    def counts(record: Record) -> bool:
        return record.resource == "configmaps" and record.name == name and record.code < 300

    mark, path = bench.audit.mark(), f"{PATHS['ConfigMap'].format(PROBES)}/{name}"
    if delete:
        await bench.api.request("DELETE", path)
    else:
        await bench.api.merge(path, {"data": {"Caddyfile": "a foreign hand was here"}})
    found = await bench.audit.wait_for(mark, counts, 2, 20, _POLL_SECONDS)
    if len(found) < 2:
        return None
    return (found[1].completed - found[0].completed) * 1000


@asynccontextmanager
async def _catalog_edited_for_ever(bench: Bench) -> AsyncIterator[None]:
    """Change what every Site reads, again as soon as the last of them was looked at."""

    async def edit() -> None:
        number = 0
        while True:
            number += 1
            unused = {"php": "8.3", "image": f"frankenpanel/frankenphp:unused-{number}"}
            spec = {"runtimes": [*CATALOG["spec"]["runtimes"], unused]}
            await bench.api.merge(f"{API}/runtimecatalogs/default", {"spec": spec})
            await asyncio.sleep(0.5)
            await _until_all_were_looked_at(bench)

    task = asyncio.create_task(edit())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _until_all_were_looked_at(bench: Bench) -> None:
    gauge = 'frankenpanel_queue_depth{place="resync"'
    while sum((await bench.replica.samples(gauge)).values()):  # noqa: ASYNC110  another process's gauge
        await asyncio.sleep(0.5)
