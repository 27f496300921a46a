"""Which passes are spared: only those that cannot find anything new."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog
from frankenpanel_operator.engine.backoff import Backoff
from frankenpanel_operator.engine.circuits import Circuits
from frankenpanel_operator.engine.dispatcher import Dispatcher, Limits
from frankenpanel_operator.engine.fingerprints import Fingerprints
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.outcome import Outcome
from frankenpanel_operator.engine.priority import Priority
from frankenpanel_operator.engine.work_queue import WorkQueue
from frankenpanel_operator.errors import SpecError

Run = Callable[[Any], Any]
SITE = Key("Site", "demo", "shop")
Step = Callable[["World"], Awaitable[Outcome]]


class World:
    """A cache with one number in it, its stamp, and a reconcile that reads the number first of all."""

    def __init__(self, step: Step | None = None, trust_seconds: float = 100_000) -> None:
        self.step = step
        self.value = self.stamp = 0
        self.seen: list[int] = []
        self.queue = WorkQueue(Backoff(random=lambda: 0.0, base_seconds=1, cap_seconds=300))
        loop = asyncio.get_running_loop()
        dispatcher = Dispatcher(
            self.queue,
            {"Site": self.reconcile},
            Limits(workers=2),
            circuits=Circuits(self.queue, Backoff(random=lambda: 0.0)),
            fingerprints=Fingerprints(loop.time, trust_seconds),
            inputs=lambda key: self.stamp or None,
        )
        self.task = loop.create_task(dispatcher.run())

    async def reconcile(self, key: Key) -> Outcome:
        self.seen.append(self.value)
        return await self.step(self) if self.step is not None else Outcome()

    def change(self, *, delay_seconds: float = 0.0) -> None:
        """A foreign hand changes something, and the watch tells of it."""
        self.write()
        self.queue.add_after(SITE, delay_seconds, Priority.LIVE)

    def write(self) -> None:
        """Our own hand writes: the cache knows at once, and nobody needs to be told."""
        self.value += 1
        self.stamp += 1

    async def resync(self) -> None:
        await asyncio.sleep(100)
        self.queue.add(SITE, Priority.RESYNC)
        await asyncio.sleep(100)


def test_a_resync_spares_what_has_not_changed(run_virtually: Run) -> None:
    async def scenario() -> None:
        world = World()
        world.change()
        for _ in range(3):
            await world.resync()
        assert world.seen == [1]
        world.change()
        await world.resync()
        assert world.seen == [1, 2]
        world.task.cancel()

    run_virtually(scenario())


def test_what_a_pass_wrote_itself_is_no_reason_for_another(run_virtually: Run) -> None:
    async def step(world: World) -> Outcome:
        await asyncio.sleep(1)
        world.write()
        return Outcome()

    async def scenario() -> None:
        world = World(step)
        world.change()
        await world.resync()
        assert world.seen == [1]
        world.task.cancel()

    run_virtually(scenario())


@pytest.mark.parametrize("delay_seconds", [0.0, 0.2, 7.0])
def test_a_change_during_a_pass_leads_to_another(run_virtually: Run, delay_seconds: float) -> None:
    async def step(world: World) -> Outcome:
        await asyncio.sleep(1)
        if len(world.seen) == 1:
            world.change(delay_seconds=delay_seconds)
        world.write()
        await asyncio.sleep(1)
        return Outcome()

    async def scenario() -> None:
        world = World(step)
        world.change()
        await world.resync()
        assert world.seen == [1, 3]
        world.task.cancel()

    run_virtually(scenario())


def test_being_asked_for_during_a_pass_without_any_change_costs_nothing(run_virtually: Run) -> None:
    async def step(world: World) -> Outcome:
        await asyncio.sleep(1)
        world.queue.add(SITE)
        return Outcome()

    async def scenario() -> None:
        world = World(step)
        world.change()
        await world.resync()
        assert world.seen == [1]
        world.task.cancel()

    run_virtually(scenario())


def test_a_pass_that_asks_for_another_gets_it_at_its_time(run_virtually: Run) -> None:
    times: list[float] = []

    async def step(world: World) -> Outcome:
        times.append(asyncio.get_running_loop().time())
        return Outcome(requeue_after_seconds=30 if len(world.seen) < 4 else None)

    async def scenario() -> None:
        world = World(step)
        world.change()
        await asyncio.sleep(1000)
        assert times == [0, 30, 60, 90]
        world.task.cancel()

    run_virtually(scenario())


def test_resyncs_neither_hasten_nor_swallow_a_look_that_is_due_later(run_virtually: Run) -> None:
    times: list[float] = []

    async def step(world: World) -> Outcome:
        times.append(asyncio.get_running_loop().time())
        return Outcome(requeue_after_seconds=950)

    async def scenario() -> None:
        world = World(step)
        world.change()
        for _ in range(15):
            await world.resync()
        assert times == [0, 950, 1900, 2850]
        world.task.cancel()

    run_virtually(scenario())


def test_a_change_comes_before_the_look_that_was_planned(run_virtually: Run) -> None:
    async def step(world: World) -> Outcome:
        return Outcome(requeue_after_seconds=1000)

    async def scenario() -> None:
        world = World(step)
        world.change()
        await world.resync()
        world.change()
        await world.resync()
        assert world.seen == [1, 2]
        await asyncio.sleep(1000)
        assert world.seen == [1, 2, 2]
        world.task.cancel()

    run_virtually(scenario())


def test_a_pass_that_failed_is_not_remembered_and_makes_what_was_known_void(run_virtually: Run) -> None:
    async def step(world: World) -> Outcome:
        if len(world.seen) == 2:
            raise SpecError("no")
        return Outcome()

    async def scenario() -> None:
        world = World(step)
        world.change()
        await world.resync()
        world.change()
        await asyncio.sleep(1)
        # There and back: the inputs are what they were when the first pass ended well.
        world.stamp = 1
        await asyncio.sleep(1000)
        assert len(world.seen) == 3
        world.task.cancel()

    run_virtually(scenario())


def test_what_was_remembered_is_looked_at_again_after_its_time(run_virtually: Run) -> None:
    async def scenario() -> None:
        world = World(trust_seconds=3600)
        world.change()
        for _ in range(36):
            await world.resync()
        assert 2 <= len(world.seen) <= 3
        world.task.cancel()

    run_virtually(scenario())


def test_without_inputs_every_pass_takes_place(run_virtually: Run) -> None:
    async def scenario() -> None:
        world = World()
        for _ in range(3):
            await world.resync()
        assert world.seen == [0, 0, 0]
        world.task.cancel()

    run_virtually(scenario())


def test_inputs_that_cannot_be_computed_do_not_end_the_worker(run_virtually: Run) -> None:
    async def scenario() -> None:
        world = World()
        world.change()
        del world.stamp
        with structlog.testing.capture_logs() as logs:
            await asyncio.sleep(10)
        assert world.seen == []
        assert {entry["log_level"] for entry in logs} == {"error"}
        world.stamp = 5
        await asyncio.sleep(1000)
        assert world.seen == [1]
        world.task.cancel()

    run_virtually(scenario())


def test_whatever_the_order_of_events_the_last_change_is_seen(run_virtually: Run) -> None:
    rng = random.Random(11)  # noqa: S311  a reproducible order, not a secret

    async def step(world: World) -> Outcome:
        for _ in range(rng.randrange(3)):
            await asyncio.sleep(rng.random())
            if rng.random() < 0.5:
                world.stamp += 1
        return Outcome()

    async def scenario() -> None:
        world = World(step)
        for _ in range(2000):
            match rng.randrange(4):
                case 0:
                    world.change()
                case 1:
                    world.change(delay_seconds=rng.random())
                case 2:
                    world.queue.add(SITE, Priority.RESYNC)
            await asyncio.sleep(rng.random() * 3)
            if rng.random() < 0.1:
                await asyncio.sleep(20)
                assert world.seen[-1] == world.value
        world.task.cancel()

    run_virtually(scenario())
