"""What costs nothing, or should: events that need nothing (O2), a restart (O7, O9), a resync (O3)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from audit import reads, tally, writes
from bench import Bench
from client import APPLY_PATCH, in_parallel
from population import DOMAINS_PER_SITE, Manifest, domain, path_of

_EVENTS = (1000, 5000)
_QUIET_LIMIT_SECONDS, _QUIET_LIMIT_SECONDS_PER_SITE = 120.0, 0.3
Touch = Callable[[Bench, Manifest, int], Awaitable[None]]


async def events(bench: Bench) -> None:
    """O2: touch Domains in ways that ask for nothing; return to rest; divide."""
    await _touch_all(bench, "event", _own_a_field)
    await _touch_all(bench, "annotation_event", _annotate)


async def _touch_all(bench: Bench, name: str, touch: Touch) -> None:
    program = bench.replica.program
    least, most = _EVENTS
    number = 300 if bench.is_quick else max(least, min(most, bench.size * DOMAINS_PER_SITE))

    async def one(each: int) -> None:
        turn, index = divmod(each, bench.size * DOMAINS_PER_SITE)
        await touch(bench, domain(*divmod(index, DOMAINS_PER_SITE)), turn)

    mark, before, began = bench.audit.mark(), program.cpu_seconds(), program.age_seconds()
    await in_parallel(range(number), one)
    quiet = await bench.replica.wait_until_quiet(bench.audit, _quiet_limit(bench), bench.idle_rate)
    seconds = quiet.age_seconds - began
    busy = quiet.cpu_seconds - before - bench.idle_rate * seconds
    calls = bench.calls_since(mark)
    bench.figures[f"{name}_cpu_ms"] = busy / number * 1000
    bench.figures[f"{name}_calls"] = len(calls) / number
    bench.details[f"{name}s"] = {"number": number, "seconds": round(seconds, 2), "calls": tally(calls)}


async def _own_a_field(bench: Bench, body: Manifest, turn: int) -> None:
    """Apply what is there already: only metadata.managedFields and the version change."""
    query = f"?fieldManager=somebody-{turn}&force=true"
    await bench.api.request("PATCH", _path(body) + query, body, APPLY_PATCH)


async def _annotate(bench: Bench, body: Manifest, turn: int) -> None:
    """Write an annotation that is none of the operator's business."""
    await bench.api.merge(_path(body), {"metadata": {"annotations": {"example.com/looked-at": str(turn)}}})


def _path(body: Manifest) -> str:
    return f"{path_of(body['kind'], body['metadata']['namespace'])}/{body['metadata']['name']}"


async def restart(bench: Bench) -> None:
    """O7: kill the operator and start it again while nothing has changed; O9: what it weighs then."""
    if bench.contender is None:
        raise RuntimeError("nobody is under test")
    bench.kill_all()
    mark = bench.audit.mark()
    replica = await bench.start(resync_seconds=bench.contender.resync_seconds(bench.size))
    quiet = await replica.wait_until_quiet(bench.audit, _quiet_limit(bench), bench.idle_rate)
    if not quiet.is_reached:
        bench.notes.append(f"restart: no rest after {_quiet_limit(bench):.0f} s")
    calls = bench.calls_since(mark)
    bench.figures |= {
        "restart_seconds": quiet.age_seconds,
        "restart_cpu_seconds": quiet.cpu_seconds,
        "restart_writes": len(writes(calls)),
        "restart_reads": len(reads(calls)),
        "restart_passes": await replica.passes(),
    }
    bench.details["restart_calls"] = tally(calls)
    _note_memory(bench)


async def resync(bench: Bench) -> None:
    """O3: the processor time of one interval of the periodic resync, in which each object comes up once."""
    if bench.contender is None:
        raise RuntimeError("nobody is under test")
    program, interval = bench.replica.program, bench.contender.resync_seconds(bench.size)
    passes = await bench.replica.passes()
    mark, before, began = bench.audit.mark(), program.cpu_seconds(), program.age_seconds()
    rounds = 2 if bench.contender.name == "ours" else 1
    await asyncio.sleep(rounds * interval)
    seconds = program.age_seconds() - began
    busy = program.cpu_seconds() - before - bench.idle_rate * seconds
    calls = bench.calls_since(mark)
    bench.figures["resync_cpu_seconds"] = busy / rounds
    bench.figures["resync_calls"] = len(calls) / rounds
    bench.figures["resync_passes"] = (await bench.replica.passes() - passes) / rounds
    bench.details["resync_calls"] = tally(calls)
    _note_memory(bench)


def _quiet_limit(bench: Bench) -> float:
    return _QUIET_LIMIT_SECONDS + _QUIET_LIMIT_SECONDS_PER_SITE * bench.size


def _note_memory(bench: Bench) -> None:
    bench.figures["rss_mb"] = bench.replica.program.rss_mb()
    bench.figures["peak_mb"] = bench.replica.program.peak_mb()
