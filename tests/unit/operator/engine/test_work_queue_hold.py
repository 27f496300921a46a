from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from frankenpanel_operator.engine.backoff import Backoff
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.priority import Priority
from frankenpanel_operator.engine.work_queue import WorkQueue

Run = Callable[[Any], Any]
A, B, C = (Key("Site", "demo", name) for name in "abc")


class Bench:
    """A queue with three workers, each of which keeps what it gets until told to go on."""

    def __init__(self) -> None:
        self.queue = WorkQueue(Backoff(random=lambda: 0.0, base_seconds=1, cap_seconds=300))
        self.taken: list[Key] = []
        self.tasks = [asyncio.create_task(self._work()) for _ in range(3)]

    async def _work(self) -> None:
        while True:
            job = await self.queue.get()
            self.taken.append(job.key)
            await asyncio.sleep(1)
            self.queue.done(job.key)

    async def after(self, seconds: float) -> list[Key]:
        await asyncio.sleep(seconds)
        return self.taken

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def test_while_the_queue_is_held_nobody_gets_a_key_and_nothing_is_lost(run_virtually: Run) -> None:
    async def scenario() -> None:
        bench = Bench()
        bench.queue.hold()
        bench.queue.add(A)
        bench.queue.add_after(B, 5)
        assert await bench.after(10) == []
        assert (bench.queue.depth(Priority.LIVE), bench.queue.depth(Priority.RESYNC)) == (1, 1)
        bench.queue.release()
        assert await bench.after(2) == [A, B]
        await bench.stop()

    run_virtually(scenario())


def test_what_is_in_hand_when_the_queue_is_held_ends_as_usual(run_virtually: Run) -> None:
    async def scenario() -> None:
        bench = Bench()
        bench.queue.add(A)
        assert await bench.after(0.5) == [A]
        bench.queue.hold()
        bench.queue.add(A)
        assert await bench.after(10) == [A]
        bench.queue.release()
        assert await bench.after(2) == [A, A]
        await bench.stop()

    run_virtually(scenario())


def test_exactly_one_key_is_let_through_a_hold(run_virtually: Run) -> None:
    async def scenario() -> None:
        bench = Bench()
        bench.queue.hold()
        for key in (A, B, C):
            bench.queue.add(key, Priority.RESYNC)
        bench.queue.add(B)
        bench.queue.let_one_through()
        bench.queue.let_one_through()
        assert await bench.after(10) == [B]
        bench.queue.let_one_through()
        assert await bench.after(10) == [B, A]
        await bench.stop()

    run_virtually(scenario())


def test_a_pass_through_a_hold_waits_for_a_key_and_ends_with_the_hold(run_virtually: Run) -> None:
    async def scenario() -> None:
        bench = Bench()
        bench.queue.hold()
        bench.queue.let_one_through()
        await asyncio.sleep(10)
        bench.queue.add(A)
        bench.queue.add(B)
        assert await bench.after(10) == [A]
        bench.queue.let_one_through()
        assert await bench.after(10) == [A, B]
        bench.queue.let_one_through()
        bench.queue.release()
        bench.queue.hold()
        bench.queue.add(C)
        assert await bench.after(10) == [A, B]
        await bench.stop()

    run_virtually(scenario())


def test_clearing_leaves_only_what_is_in_hand(run_virtually: Run) -> None:
    async def scenario() -> None:
        bench = Bench()
        bench.queue.add(A)
        await bench.after(0.5)
        bench.queue.add(A)
        bench.queue.retry(B)
        bench.queue.hold()
        bench.queue.add(C, Priority.RESYNC)
        bench.queue.clear()
        bench.queue.release()
        assert (bench.queue.planned(), bench.queue.failures(B), bench.queue.is_idle()) == (0, 0, False)
        assert await bench.after(1000) == [A]
        assert bench.queue.is_idle()
        bench.queue.add(B)
        assert await bench.after(2) == [A, B]
        await bench.stop()

    run_virtually(scenario())


def test_the_queue_tells_its_age_and_what_is_planned(run_virtually: Run) -> None:
    async def scenario() -> None:
        queue = Bench().queue
        queue.hold()
        assert queue.oldest_age_seconds(Priority.RESYNC) == 0
        queue.add(A, Priority.RESYNC)
        await asyncio.sleep(3)
        queue.add(B, Priority.RESYNC)
        queue.add_after(C, 60)
        assert queue.oldest_age_seconds(Priority.RESYNC) == 3
        assert queue.oldest_age_seconds(Priority.LIVE) == 0
        assert (queue.is_planned(C), queue.is_planned(A)) == (True, False)

    run_virtually(scenario())
