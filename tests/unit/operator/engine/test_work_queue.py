from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from frankenpanel_operator.engine.backoff import Backoff
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.priority import Priority
from frankenpanel_operator.engine.work_queue import WorkQueue

Run = Callable[[Any], Any]


def key(name: str) -> Key:
    return Key("Site", "demo", name)


A, B, C = key("a"), key("b"), key("c")


def new_queue(**kwargs: Any) -> WorkQueue:
    return WorkQueue(Backoff(random=lambda: 0.0, base_seconds=1, cap_seconds=300), **kwargs)


async def drain(queue: WorkQueue) -> list[Key]:
    found = []
    while any(queue.depth(p) for p in Priority):
        found.append((await queue.get()).key)
        queue.done(found[-1])
    return found


def test_many_changes_of_one_object_are_one_entry(run_virtually: Run) -> None:
    async def scenario() -> list[Key]:
        queue = new_queue()
        for added in (A, B, A, A, B):
            queue.add(added)
        return await drain(queue)

    assert run_virtually(scenario()) == [A, B]


def test_live_changes_overtake_resync_and_lift_what_waits_there(run_virtually: Run) -> None:
    async def scenario() -> list[Key]:
        queue = new_queue()
        for added in (A, B, C):
            queue.add(added, Priority.RESYNC)
        queue.add(C)
        queue.add(C, Priority.RESYNC)
        return await drain(queue)

    assert run_virtually(scenario()) == [C, A, B]


def test_no_second_worker_gets_a_key_in_work_and_changes_meanwhile_are_not_lost(run_virtually: Run) -> None:
    async def scenario() -> None:
        queue = new_queue()
        queue.add(A)
        assert (await queue.get()).key == A
        queue.add(A, Priority.RESYNC)
        queue.add(A)
        assert queue.depth(Priority.LIVE) == 0
        queue.done(A)
        assert queue.depth(Priority.LIVE) == 1
        assert await drain(queue) == [A]
        queue.done(A)
        assert await drain(queue) == []

    run_virtually(scenario())


def test_add_after_waits_and_the_earliest_plan_stands(run_virtually: Run) -> None:
    async def scenario() -> list[tuple[float, Key]]:
        queue, loop, seen = new_queue(), asyncio.get_running_loop(), []
        queue.add_after(A, 50)
        queue.add_after(A, 10)
        queue.add_after(A, 30)
        queue.add_after(B, 20)
        queue.add_after(C, 0)
        for _ in range(3):
            taken = (await queue.get()).key
            seen.append((loop.time(), taken))
            queue.done(taken)
        assert queue.planned() == 0
        return seen

    assert run_virtually(scenario()) == [(0, C), (10, A), (20, B)]


def test_a_pass_drops_the_plan_that_stood_before_it(run_virtually: Run) -> None:
    async def scenario() -> None:
        queue = new_queue()
        queue.add_after(A, 600)
        queue.add(A)
        assert (await queue.get()).key == A
        assert queue.planned() == 0
        queue.add_after(A, 5)
        queue.done(A)
        assert (await queue.get()).key == A
        assert asyncio.get_running_loop().time() == 5

    run_virtually(scenario())


def test_retries_back_off_per_key_and_forget_starts_anew(run_virtually: Run) -> None:
    async def scenario() -> None:
        queue = new_queue()
        delays = []
        for _ in range(4):
            delays.append(queue.retry(A))
            queue.done((await queue.get()).key)
        assert delays == [1, 2, 4, 8]
        assert queue.retry(B) == 1
        queue.forget(A)
        assert queue.failures(A) == 0
        assert queue.retry(A) == 1

    run_virtually(scenario())


def test_a_named_retry_time_is_a_lower_bound(run_virtually: Run) -> None:
    async def scenario() -> None:
        queue = new_queue()
        assert queue.retry(A, at_least_seconds=30) == 30
        for _ in range(8):
            queue.count_failure(B)
        assert queue.retry(B, at_least_seconds=30) == 256

    run_virtually(scenario())


def test_waiting_time_is_told_from_the_moment_of_readiness(run_virtually: Run) -> None:
    async def scenario() -> None:
        waits: list[tuple[Priority, float]] = []
        queue = new_queue(on_wait=lambda priority, seconds: waits.append((priority, seconds)))
        queue.add(A, Priority.RESYNC)
        await asyncio.sleep(3)
        queue.add(A)
        await queue.get()
        assert waits == [(Priority.LIVE, 3)]

    run_virtually(scenario())


def test_a_cancelled_worker_passes_its_wake_up_on(run_virtually: Run) -> None:
    async def scenario() -> Key:
        queue = new_queue()
        first, second = (asyncio.create_task(queue.get()) for _ in range(2))
        await asyncio.sleep(0)
        queue.add(A)
        first.cancel()
        return (await second).key

    assert run_virtually(scenario()) == A


def test_dropped_plans_do_not_pile_up(run_virtually: Run) -> None:
    async def scenario() -> int:
        queue = new_queue()
        for _ in range(10_000):
            queue.add_after(A, 600)
            queue.add(A)
            queue.done((await queue.get()).key)
        return len(queue._plans._timeline)

    assert run_virtually(scenario()) < 100


def test_every_key_is_served_whatever_the_order_of_events(run_virtually: Run) -> None:
    """Four workers, random adds during work: each key ends with a pass that began after its last change."""

    async def scenario() -> None:
        rng = random.Random(7)  # noqa: S311  a reproducible order, not a secret
        queue = new_queue()
        keys = [key(f"site-{number}") for number in range(20)]
        changed: dict[Key, float] = {}
        seen: dict[Key, float] = {}
        busy: set[Key] = set()

        async def work() -> None:
            while True:
                taken = (await queue.get()).key
                assert taken not in busy
                busy.add(taken)
                began = asyncio.get_running_loop().time()
                await asyncio.sleep(rng.random())
                seen[taken] = began
                busy.discard(taken)
                queue.done(taken)

        workers = [asyncio.create_task(work()) for _ in range(4)]
        for _ in range(500):
            chosen = rng.choice(keys)
            changed[chosen] = asyncio.get_running_loop().time()
            queue.add(chosen, rng.choice(list(Priority)))
            await asyncio.sleep(rng.random() / 20)
        await asyncio.sleep(60)
        assert all(seen[k] >= changed[k] for k in changed)
        for worker in workers:
            worker.cancel()

    run_virtually(scenario())
