"""Stage one: many Sites at once (O5, O1), then their Domains; and what others feel of it (O11)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial

from audit import Record, reads, tally, writes
from bench import Bench, Watch
from client import in_parallel
from population import (
    DOMAINS_PER_SITE,
    OWNED_OBJECTS,
    OWNED_RESOURCES,
    Manifest,
    domain,
    path_of,
    site,
    site_name,
    tenant,
)

# What the slowest operator worth measuring needs.
_LIMIT_SECONDS, _LIMIT_SECONDS_PER_SITE = 120.0, 0.25
_QUIET_LIMIT_SECONDS = 120.0


async def burst(bench: Bench) -> None:
    replica = await bench.start()
    await replica.wait_until_quiet(bench.audit, 30)
    await _rest(bench)
    first = bench.audit.mark()
    async with _connections_watched(bench):
        await _burst_of_sites(bench)
        await _burst_of_domains(bench)
    refused = [record for record in bench.calls_since(first) if record.code == 429]
    bench.figures["refused_429"] = len(refused)
    bench.figures["burst_rss_mb"] = replica.program.rss_mb()
    bench.figures["burst_peak_mb"] = replica.program.peak_mb()


async def _rest(bench: Bench) -> None:
    """Measure what everybody does while nothing happens."""
    watch = Watch(bench)
    await asyncio.sleep(3 if bench.is_quick else 10)
    bench.idle_rate = watch.cpu()["operator"] / watch.seconds
    bench.figures["idle_cpu_percent"] = bench.idle_rate * 100
    bench.figures["others_idle_p99_ms"] = bench.others_p99_ms(watch.since, time.time())


async def _burst_of_sites(bench: Bench) -> None:
    bodies = (site(site_name(number), tenant(number)) for number in range(bench.size))
    sites = await _create_and_wait(bench, "sites", bodies, bench.size * OWNED_OBJECTS, _makes_owned_object)
    calls = bench.calls_since(sites.mark)
    made = sites.done / OWNED_OBJECTS
    bench.figures |= {
        "burst_seconds": sites.seconds,
        "burst_sites_per_second": made / sites.seconds if sites.seconds else None,
        "writes_per_site": len(writes(calls)) / bench.size,
        "reads_per_site": len(reads(calls)) / bench.size,
        "others_burst_p99_ms": bench.others_p99_ms(sites.began, sites.ended),
        "others_after_creation_p99_ms": bench.others_p99_ms(sites.created, sites.ended),
    }


async def _burst_of_domains(bench: Bench) -> None:
    number = bench.size * DOMAINS_PER_SITE
    bodies = (domain(owner, each) for owner in range(bench.size) for each in range(DOMAINS_PER_SITE))
    domains = await _create_and_wait(bench, "domains", bodies, number, _makes_claim)
    calls = bench.calls_since(domains.mark)
    bench.figures |= {
        "domains_seconds": domains.seconds,
        "domains_per_second": domains.done / domains.seconds if domains.seconds else None,
        "writes_per_domain": len(writes(calls)) / number,
        "reads_per_domain": len(reads(calls)) / number,
    }


class _Burst:
    """What came of a burst: times of the epoch, and how many objects the operator made."""

    def __init__(self, mark: int, began: float, created: float, made: list[Record]) -> None:
        self.mark, self.began, self.created, self.done = mark, began, created, len(made)
        self.ended = max((record.completed for record in made), default=began)

    @property
    def seconds(self) -> float:
        return self.ended - self.began


async def _create_and_wait(
    bench: Bench,
    what: str,
    bodies: Iterable[Manifest],
    number: int,
    counts: Callable[[Record], bool],
) -> _Burst:
    """Create objects as fast as it goes, and wait until the operator has made what belongs to them."""

    async def create(body: Manifest) -> None:
        await bench.api.create(path_of(body["kind"], body["metadata"]["namespace"]), body)

    watch, mark, began = Watch(bench), bench.audit.mark(), time.time()
    await in_parallel(bodies, create)
    created = time.time()
    limit = _LIMIT_SECONDS + _LIMIT_SECONDS_PER_SITE * bench.size
    is_ours = partial(_is_made_by, {replica.user for replica in bench.running}, counts)
    made = await bench.audit.wait_for(mark, is_ours, number, limit)
    if len(made) < number:
        bench.notes.append(f"{what}: {len(made)} of {number} objects after {limit:.0f} s")
    bench.details[f"{what}_creation_seconds"] = round(created - began, 2)
    bench.figures |= {f"{what}_cpu_{name}_seconds": used for name, used in watch.cpu().items()}
    if not (
        await bench.replica.wait_until_quiet(bench.audit, _QUIET_LIMIT_SECONDS, bench.idle_rate)
    ).is_reached:
        bench.notes.append(f"{what}: no rest {_QUIET_LIMIT_SECONDS:.0f} s after the last object")
    bench.details[f"{what}_calls"] = tally(bench.calls_since(mark))
    return _Burst(mark, began, created, made)


def _is_made_by(users: set[str], counts: Callable[[Record], bool], record: Record) -> bool:
    return record.verb == "create" and record.code == 201 and record.user in users and counts(record)


def _makes_owned_object(record: Record) -> bool:
    return record.resource in OWNED_RESOURCES and not record.is_housekeeping


def _makes_claim(record: Record) -> bool:
    return record.resource == "domainclaims"


@asynccontextmanager
async def _connections_watched(bench: Bench) -> AsyncIterator[None]:
    """Note the most connections that the operator has at once."""

    async def look() -> None:
        while True:
            seen = bench.replica.program.connections_to(bench.cluster.port)
            bench.figures["connections_max"] = max(seen, bench.figures.get("connections_max") or 0)
            await asyncio.sleep(0.5)

    task = asyncio.create_task(look())
    try:
        yield
    finally:
        task.cancel()
