"""Who is served first, and how much of the event loop the queue's work may take.

The loop's clock stands still unless somebody burns time on it, so what fits into a turn can be counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from frankenpanel_operator.engine.backoff import Backoff
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.priority import Priority
from frankenpanel_operator.engine.work_queue import LIVE_KEYS_IN_A_ROW, Job, WorkQueue

Run = Callable[[Any], Any]


def keys(count: int, kind: str = "Site") -> list[Key]:
    return [Key(kind, "demo", f"{kind}-{number}") for number in range(count)]


def new_queue(most_resync_in_hand: int | None = None) -> WorkQueue:
    return WorkQueue(Backoff(random=lambda: 0.0), most_resync_in_hand=most_resync_in_hand)


def burn(seconds: float) -> None:
    """Compute for a while, without giving anybody else a turn."""
    loop: Any = asyncio.get_running_loop()
    loop._jumping.now += seconds


class Rounds:
    """Workers whose passes only compute; notes how many keys were begun in each round of the loop."""

    def __init__(self, queue: WorkQueue, seconds_per_pass: float, workers: int = 4) -> None:
        self.queue, self.seconds_per_pass = queue, seconds_per_pass
        self.per_round = [0]
        loop = asyncio.get_running_loop()
        self.tasks = [loop.create_task(self._work()) for _ in range(workers)]
        self.tasks.append(loop.create_task(self._count_rounds()))

    async def _work(self) -> None:
        while True:
            job = await self.queue.get()
            self.per_round[-1] += 1
            burn(self.seconds_per_pass)
            self.queue.done(job.key)

    async def _count_rounds(self) -> None:
        while True:
            self.per_round.append(0)
            await asyncio.sleep(0)

    async def until_idle(self) -> list[int]:
        while not self.queue.is_idle():  # noqa: ASYNC110  each time round is one round of the loop
            await asyncio.sleep(0)
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        return self.per_round


def test_a_resync_leaves_turns_to_everybody_else(run_virtually: Run) -> None:
    async def scenario() -> None:
        queue = new_queue()
        for key in keys(200):
            queue.add(key, Priority.RESYNC)
        counts = await Rounds(queue, seconds_per_pass=0.0005).until_idle()
        assert sum(counts) == 200
        # Two milliseconds, and two neighbouring turns may fall into one of the rounds that are counted here.
        assert max(counts) <= 2 * 5

    run_virtually(scenario())


def test_live_keys_have_longer_turns(run_virtually: Run) -> None:
    async def scenario() -> None:
        queue = new_queue()
        for key in keys(200):
            queue.add(key)
        counts = await Rounds(queue, seconds_per_pass=0.001).until_idle()
        assert sum(counts) == 200
        assert 20 <= max(counts) <= 2 * 20

    run_virtually(scenario())


def test_a_live_pass_that_waits_has_the_loop_nearly_to_itself(run_virtually: Run) -> None:
    async def scenario() -> None:
        queue = new_queue()
        queue.add(Key("Site", "demo", "new"))
        live = await queue.get()
        for key in keys(50):
            queue.add(key, Priority.RESYNC)
        rounds = Rounds(queue, seconds_per_pass=0.00001)
        while queue.depth(Priority.RESYNC):  # noqa: ASYNC110  as above
            await asyncio.sleep(0)
        queue.done(live.key)
        assert max(await rounds.until_idle()) <= 2

    run_virtually(scenario())


def test_while_changes_keep_coming_one_key_in_seventeen_is_a_resync_key(run_virtually: Run) -> None:
    async def scenario() -> None:
        queue, order = new_queue(), []
        for key in keys(100):
            queue.add(key)
        for key in keys(3, "Domain"):
            queue.add(key, Priority.RESYNC)
        while not queue.is_idle():
            job = await queue.get()
            order.append(job.priority)
            queue.done(job.key)
            await asyncio.sleep(0)
        places = [place for place, priority in enumerate(order) if priority is Priority.RESYNC]
        step = LIVE_KEYS_IN_A_ROW + 1
        assert places == [step - 1, 2 * step - 1, 3 * step - 1]

    run_virtually(scenario())


def test_resync_keys_never_have_every_worker_in_hand(run_virtually: Run) -> None:
    async def scenario() -> None:
        queue, in_hand = new_queue(most_resync_in_hand=3), list[Job]()

        async def take() -> None:
            in_hand.append(await queue.get())

        for key in keys(10):
            queue.add(key, Priority.RESYNC)
        workers = [asyncio.create_task(take()) for _ in range(4)]
        await asyncio.sleep(1)
        assert [job.priority for job in in_hand] == [Priority.RESYNC] * 3
        queue.add(Key("Site", "demo", "new"))
        await asyncio.sleep(1)
        assert in_hand[3] == Job(Key("Site", "demo", "new"), Priority.LIVE)
        workers.append(asyncio.create_task(take()))
        await asyncio.sleep(1)
        assert len(in_hand) == 4
        queue.done(in_hand[0].key)
        await asyncio.sleep(1)
        assert in_hand[4].priority is Priority.RESYNC
        assert all(worker.done() for worker in workers)

    run_virtually(scenario())
