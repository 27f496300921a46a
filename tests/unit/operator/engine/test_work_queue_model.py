"""The queue against a model that is too simple to be wrong: four dictionaries and a clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from frankenpanel_operator.engine.backoff import Backoff
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.priority import Priority
from frankenpanel_operator.engine.work_queue import LIVE_KEYS_IN_A_ROW, Job, WorkQueue
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Run = Callable[[Any], Any]

KEYS = [Key("Site", "demo", name) for name in "abcde"]
PRIORITIES = st.sampled_from(list(Priority))
STEPS = st.one_of(
    st.tuples(st.just("add"), st.sampled_from(KEYS), PRIORITIES),
    st.tuples(st.just("add_after"), st.sampled_from(KEYS), PRIORITIES, st.integers(1, 20)),
    st.tuples(st.just("get")),
    st.tuples(st.just("get")),
    st.tuples(st.just("done")),
    st.tuples(st.just("wait"), st.integers(1, 20)),
    st.tuples(st.sampled_from(["hold", "release", "let_one_through", "clear"])),
)


class Model:
    """Does each step to a queue and to its own idea of one, and compares."""

    def __init__(self) -> None:
        self.queue = WorkQueue(Backoff(random=lambda: 0.0))
        self.ready: dict[Key, Priority] = {}
        self.planned: dict[Key, tuple[float, Priority]] = {}
        self.in_hand: dict[Key, Priority] = {}
        self.dirty: dict[Key, Priority] = {}
        self.is_held = False
        self.passes = 0
        self.live_in_a_row = 0

    async def do(self, name: str, *arguments: Any) -> None:
        await getattr(self, name)(*arguments)
        for priority in Priority:
            assert self.queue.depth(priority) == list(self.ready.values()).count(priority)
        assert self.queue.planned() == len(self.planned)
        assert all(self.queue.is_planned(key) == (key in self.planned) for key in KEYS)
        assert self.queue.is_idle() == (not self.ready and not self.in_hand)
        for key in self.in_hand:
            assert self.queue.is_wanted_again(key) == (key in self.dirty or key in self.planned)

    async def add(self, key: Key, priority: Priority) -> None:
        self.queue.add(key, priority)
        self._becomes_ready(key, priority)

    async def add_after(self, key: Key, priority: Priority, seconds: int) -> None:
        self.queue.add_after(key, seconds, priority)
        due = asyncio.get_running_loop().time() + seconds
        standing = self.planned.get(key, (due, priority))
        self.planned[key] = min(due, standing[0]), min(priority, standing[1])

    async def get(self) -> None:
        asked = asyncio.create_task(self.queue.get())
        for _ in range(5):
            await asyncio.sleep(0)
        if self.ready and (self.passes or not self.is_held):
            self._is_given(asked.result())
        else:
            assert not asked.done()
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)

    def _is_given(self, job: Job) -> None:
        assert self.ready.pop(job.key) is job.priority
        assert job.key not in self.in_hand
        is_overtaken = job.priority is Priority.RESYNC and Priority.LIVE in self.ready.values()
        assert not is_overtaken or self.live_in_a_row >= LIVE_KEYS_IN_A_ROW
        self.live_in_a_row = self.live_in_a_row + 1 if job.priority is Priority.LIVE else 0
        self.passes = 0
        self.planned.pop(job.key, None)
        self.in_hand[job.key] = job.priority

    async def done(self) -> None:
        if not self.in_hand:
            return
        key = next(iter(self.in_hand))
        del self.in_hand[key]
        self.queue.done(key)
        if key in self.dirty:
            self._becomes_ready(key, self.dirty.pop(key))

    async def wait(self, seconds: int) -> None:
        await asyncio.sleep(seconds)
        now = asyncio.get_running_loop().time()
        for key, (due, priority) in list(self.planned.items()):
            if due <= now:
                del self.planned[key]
                self._becomes_ready(key, priority)

    async def hold(self) -> None:
        self.queue.hold()
        self.is_held, self.passes = True, 0

    async def release(self) -> None:
        self.queue.release()
        self.is_held = False

    async def let_one_through(self) -> None:
        self.queue.let_one_through()
        self.passes = 1

    async def clear(self) -> None:
        self.queue.clear()
        self.ready.clear()
        self.planned.clear()
        self.dirty.clear()

    def _becomes_ready(self, key: Key, priority: Priority) -> None:
        place = self.dirty if key in self.in_hand else self.ready
        place[key] = min(priority, place.get(key, priority))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(steps=st.lists(STEPS, max_size=80))
def test_the_queue_does_what_its_model_does(run_virtually: Run, steps: list[tuple[Any, ...]]) -> None:
    async def scenario() -> None:
        model = Model()
        for step in steps:
            await model.do(*step)

    run_virtually(scenario())
