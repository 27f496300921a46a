"""What the machine itself can do: plain requests over 16 connections, with nobody in between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from bench import Bench, Watch
from client import Api, in_parallel
from cluster import REPLICAS
from population import OWNED_OBJECTS, PATHS, Manifest, owned_objects, path_of, site, site_name, tenant

_WRITES = 2000
_SITES = (300, 1000)


async def ceiling(bench: Bench) -> None:
    """POST/s and PATCH/s of a 2 KB ConfigMap, and whole Sites a second, as the operator's own user."""
    async with Api(bench.cluster, REPLICAS["a"]) as api:
        await _rest(bench)
        number = 200 if bench.is_quick else _WRITES
        path = PATHS["ConfigMap"].format(tenant(0))

        async def post(each: int) -> None:
            await api.create(path, _two_kilobytes(each))

        async def patch(each: int) -> None:
            await api.merge(f"{path}/ceiling-{each:05d}", {"data": {"changed": "yes"}})

        async def whole_site(each: int) -> None:
            await _write_site(bench.api, api, each)

        await _rate(bench, "post_per_second", range(number), post)
        await _rate(bench, "patch_per_second", range(number), patch)
        began = time.time()
        await _rate(bench, "burst_sites_per_second", range(_number_of_sites(bench)), whole_site)
        bench.figures["others_burst_p99_ms"] = bench.others_p99_ms(began, time.time())
    bench.figures |= {"writes_per_site": OWNED_OBJECTS + 1, "reads_per_site": 0}


async def _rest(bench: Bench) -> None:
    began = time.time()
    await asyncio.sleep(3 if bench.is_quick else 10)
    bench.figures["others_idle_p99_ms"] = bench.others_p99_ms(began, time.time())


def _number_of_sites(bench: Bench) -> int:
    least, most = _SITES
    return bench.size if bench.is_quick else max(least, min(bench.size, most))


async def _rate(bench: Bench, name: str, items: Iterable[int], work: Callable[[int], Awaitable[Any]]) -> None:
    numbers, watch = list(items), Watch(bench)
    await in_parallel(numbers, work)
    bench.figures[name] = len(numbers) / watch.seconds
    bench.details[f"{name}_cpu_seconds"] = watch.cpu()


async def _write_site(creator: Api, operator: Api, number: int) -> None:
    """Make what a Site without data comes to in the fewest requests: its creation, its objects, a status."""
    name, namespace = site_name(number), tenant(number)
    body = await creator.create(path_of("Site", namespace), site(name, namespace))
    for manifest in owned_objects(name, namespace, body["metadata"]["uid"]):
        await operator.create(path_of(manifest["kind"], namespace), manifest)
    await operator.merge(f"{path_of('Site', namespace)}/{name}/status", {"status": _status()})


def _status() -> Manifest:
    condition = {
        "type": "Ready",
        "status": "False",
        "reason": "Progressing",
        "message": "The pods are being started.",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    types = ("Ready", "Reconciling", "SourceReady", "RuntimeReady", "StorageReady", "WorkloadAvailable")
    return {"observedGeneration": 1, "conditions": [{**condition, "type": type_} for type_ in types]}


def _two_kilobytes(number: int) -> Manifest:
    data = {f"key-{each:02d}": "0123456789abcdef" * 6 for each in range(18)}
    return {"metadata": {"name": f"ceiling-{number:05d}"}, "data": data}
