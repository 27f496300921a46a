"""CPU time of the engine's parts per object, without a cluster: queue, cache, keys, comparison.

Run by `make bench-operator_engine`. Figures are microseconds of process CPU per item, the best of three.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from typing import Any

import orjson
from frankenpanel_operator.cluster.cache import MemoryObjectCache
from frankenpanel_operator.cluster.patches import build_patch
from frankenpanel_operator.desired.metadata import seal
from frankenpanel_operator.engine.backoff import Backoff
from frankenpanel_operator.engine.circuits import Circuits
from frankenpanel_operator.engine.dispatcher import Dispatcher, Limits
from frankenpanel_operator.engine.fingerprints import Fingerprints
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.outcome import Outcome
from frankenpanel_operator.engine.priority import Priority
from frankenpanel_operator.engine.work_queue import WorkQueue
from frankenpanel_operator.handlers.keys import keys_for

SITES = 10_000


def deployment(number: int, version: int) -> dict[str, Any]:
    labels = {
        "app.kubernetes.io/managed-by": "frankenpanel-operator",
        "frankenpanel.io/site": f"site-{number}",
        "frankenpanel.io/site-uid": f"uid-{number}",
    }
    container = {
        "name": "php",
        "image": "frankenpanel/frankenphp:tag",
        "env": [{"name": f"VARIABLE_{n}", "value": "value"} for n in range(10)],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": f"site-{number}",
            "namespace": f"tenant-{number % 50}",
            "uid": f"d-{number}",
            "resourceVersion": str(version),
            "labels": labels,
        },
        "spec": {
            "replicas": 1,
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def cpu_microseconds(work: Callable[[], None], items: int = SITES) -> float:
    rounds = []
    for _ in range(3):
        started = time.process_time()
        work()
        rounds.append(time.process_time() - started)
    return round(min(rounds) / items * 1e6, 2)


def queue_round_trip() -> None:
    async def run() -> None:
        queue = WorkQueue(Backoff(random.random))
        for number in range(SITES):
            queue.add(Key("Site", "demo", f"site-{number}"), Priority(number % 2))
        for _ in range(SITES):
            job = await queue.get()
            queue.add_after(job.key, 600)
            queue.done(job.key)

    asyncio.run(run())


def spared_passes() -> None:
    """A resync of keys whose inputs are what they were after their last pass."""

    async def nothing(_: Key) -> Outcome:
        return Outcome()

    async def run() -> None:
        loop = asyncio.get_running_loop()
        queue = WorkQueue(Backoff(random.random), most_resync_in_hand=12)
        fingerprints = Fingerprints(loop.time, 3600)
        dispatcher = Dispatcher(
            queue,
            {"Site": nothing},
            Limits(workers=16),
            circuits=Circuits(queue, Backoff(random.random)),
            fingerprints=fingerprints,
            inputs=lambda key: (1, 2),
        )
        for number in range(SITES):
            key = Key("Site", "demo", f"site-{number}")
            fingerprints.remember(key, (1, 2))
            queue.add(key, Priority.RESYNC)
        workers = asyncio.create_task(dispatcher.run())
        while not queue.is_idle():  # noqa: ASYNC110  the queue tells nobody, and need not
            await asyncio.sleep(0)
        workers.cancel()

    asyncio.run(run())


def main() -> None:
    cache = MemoryObjectCache()
    for number in range(SITES):
        cache.put(deployment(number, 1))
    lines = [orjson.dumps({"type": "MODIFIED", "object": deployment(n, 1)}) for n in range(SITES)]
    version = iter(range(2, 100))

    def echoes() -> None:
        for line in lines:
            cache.put(orjson.loads(line)["object"])

    def changes() -> None:
        at = next(version)
        cache.listen(lambda change: list(keys_for(change, cache)).clear())
        for number in range(SITES):
            cache.put(deployment(number, at))

    desired = seal(deployment(1, 1))

    def comparisons() -> None:
        for _ in range(SITES):
            build_patch(desired, desired)

    results = {
        "queue: add, get, plan, done": cpu_microseconds(queue_round_trip),
        "pass that is spared: add, get, compare, count, done": cpu_microseconds(spared_passes),
        "event that is an echo: decode and drop": cpu_microseconds(echoes),
        "event that is new: build, index, keys": cpu_microseconds(changes),
        "apply of an unchanged Deployment": cpu_microseconds(comparisons),
    }
    print(json.dumps({"objects": SITES, "cpu_microseconds_per_item": results}, indent=2))


if __name__ == "__main__":
    main()
