from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from frankenpanel_operator.cluster.write_gate import WriteGate
from frankenpanel_operator.engine.priority import CURRENT_PRIORITY, Priority
from frankenpanel_operator.errors import (
    KUBERNETES,
    ClusterUnavailableError,
    ConflictError,
    LeadershipLostError,
)


class Slots:
    """A fixed number of writes at once, and what was learned from each."""

    def __init__(self, limit: int) -> None:
        self.limit, self.count, self.most = limit, 0, 0
        self.learned: list[str] = []

    @property
    def is_full(self) -> bool:
        return self.count >= self.limit

    def begin(self) -> float:
        self.count += 1
        self.most = max(self.most, self.count)
        return 0.0

    def end(self, began: float, *, is_overload: bool = False) -> None:
        self.count -= 1
        self.learned.append("overload" if is_overload else "answer")

    def abandon(self) -> None:
        self.count -= 1
        self.learned.append("nothing")


class Writers:
    """Writes that end when the test says so."""

    def __init__(self, gate: WriteGate) -> None:
        self.gate = gate
        self.sent: list[str] = []
        self.ends: dict[str, asyncio.Future[None]] = {}

    def start(self, name: str, priority: Priority = Priority.LIVE) -> asyncio.Task[None]:
        self.ends[name] = asyncio.get_running_loop().create_future()

        async def send() -> None:
            self.sent.append(name)
            await self.ends[name]

        async def write() -> None:
            CURRENT_PRIORITY.set(priority)
            await self.gate.run(send)

        return asyncio.create_task(write())

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


def gate_of(limit: int) -> tuple[WriteGate, Slots, Writers]:
    slots = Slots(limit)
    gate = WriteGate(slots)
    return gate, slots, Writers(gate)


def failing(error: Exception) -> Callable[[], Awaitable[None]]:
    async def send() -> None:
        raise error

    return send


async def test_no_more_are_under_way_than_the_limit_allows() -> None:
    _, slots, writers = gate_of(2)
    tasks = [writers.start(name) for name in "abcde"]
    await writers.settle()
    assert writers.sent == ["a", "b"]
    for name in "abcde":
        writers.ends[name].set_result(None)
    await asyncio.gather(*tasks)
    assert writers.sent == list("abcde")
    assert slots.most == 2
    assert slots.count == 0


async def test_a_raised_limit_lets_several_pass_at_once() -> None:
    _, slots, writers = gate_of(1)
    tasks = [writers.start(name) for name in "abcd"]
    await writers.settle()
    slots.limit = 3
    writers.ends["a"].set_result(None)
    await writers.settle()
    assert writers.sent == list("abcd")
    for name in "bcd":
        writers.ends[name].set_result(None)
    await asyncio.gather(*tasks)


async def test_a_persons_change_goes_before_a_resync_that_waits_longer() -> None:
    _, _, writers = gate_of(1)
    tasks = [
        writers.start("first"),
        writers.start("resync", Priority.RESYNC),
        writers.start("live", Priority.LIVE),
    ]
    await writers.settle()
    for future in writers.ends.values():
        future.set_result(None)
    await asyncio.gather(*tasks)
    assert writers.sent == ["first", "live", "resync"]


async def test_a_wish_of_the_server_holds_back_everybody_for_as_long() -> None:
    gate, slots, writers = gate_of(4)
    loop = asyncio.get_running_loop()
    busy = ClusterUnavailableError("busy", retry_after_seconds=0.2, dependency=KUBERNETES)
    with pytest.raises(ClusterUnavailableError):
        await gate.run(failing(busy))
    refused_at = loop.time()
    task = writers.start("a")
    writers.ends["a"].set_result(None)
    await writers.settle()
    assert writers.sent == []
    await task
    assert loop.time() >= refused_at + 0.19
    assert slots.learned == ["overload", "answer"]


async def test_a_shorter_wish_does_not_undo_a_longer_one() -> None:
    gate, _, writers = gate_of(4)
    for seconds in (60.0, 0.001):
        error = ClusterUnavailableError("busy", retry_after_seconds=seconds, dependency=KUBERNETES)
        gate._leave(gate.in_flight.begin(), error)
    task = writers.start("a")
    await asyncio.sleep(0.05)
    assert writers.sent == []
    task.cancel()


@pytest.mark.parametrize(
    ("error", "learned"),
    [
        (ClusterUnavailableError("timeout", dependency=KUBERNETES), "overload"),
        (ClusterUnavailableError("a webhook failed", retry_after_seconds=60.0), "nothing"),
        (LeadershipLostError("term 1 is over"), "nothing"),
        (ConflictError("409"), "answer"),
    ],
)
async def test_what_each_end_teaches(error: Exception, learned: str) -> None:
    gate, slots, writers = gate_of(1)
    with pytest.raises(type(error)):
        await gate.run(failing(error))
    assert slots.learned == [learned]
    # None of them keeps the next one waiting.
    task = writers.start("next")
    writers.ends["next"].set_result(None)
    await task


async def test_who_gives_up_while_waiting_keeps_nobody_else_waiting() -> None:
    _, slots, writers = gate_of(1)
    first, gone, last = (writers.start(name) for name in ("first", "gone", "last"))
    await writers.settle()
    gone.cancel()
    writers.ends["first"].set_result(None)
    writers.ends["last"].set_result(None)
    await asyncio.gather(first, last)
    assert writers.sent == ["first", "last"]
    assert slots.count == 0


async def test_who_is_stopped_just_when_its_turn_came_passes_it_on() -> None:
    gate, slots, writers = gate_of(1)
    began = slots.begin()
    gone, last = writers.start("gone"), writers.start("last")
    await writers.settle()
    gate._leave(began, None)
    gone.cancel()
    writers.ends["last"].set_result(None)
    await last
    assert writers.sent == ["last"]
    assert slots.count == 0


async def test_draining_waits_for_what_is_under_way_and_lets_nothing_follow() -> None:
    gate, _, writers = gate_of(1)
    first, second = writers.start("first"), writers.start("second")
    await writers.settle()
    draining = asyncio.create_task(gate.drain(30))
    await writers.settle()
    assert not draining.done()
    writers.ends["first"].set_result(None)
    await draining
    assert writers.sent == ["first"]
    gate.open()
    writers.ends["second"].set_result(None)
    await asyncio.gather(first, second)


async def test_draining_ends_at_once_where_nothing_is_under_way_and_soon_where_an_answer_hangs() -> None:
    gate, _, writers = gate_of(1)
    await gate.drain(3600)
    gate.open()
    hung = writers.start("hung")
    await writers.settle()
    await gate.drain(0.01)
    hung.cancel()
    await asyncio.wait([hung])
    assert gate.in_flight.count == 0
