from __future__ import annotations

import asyncio

import pytest
from frankenpanel_operator.engine.leadership import TERM
from frankenpanel_operator.handlers.leader import LeaderCycle


class ScriptedElector:
    """Gives out terms as the test says, and notes what happens in which order."""

    def __init__(self, notes: list[str]) -> None:
        self.standing_by = asyncio.Event()
        self.may_lead, self.is_lost = asyncio.Event(), asyncio.Event()
        self.term = 0
        self._notes = notes

    async def acquire(self) -> int:
        await self.may_lead.wait()
        self.may_lead.clear()
        self.term += 1
        self._notes.append(f"acquired {self.term}")
        return self.term

    async def keep(self) -> None:
        await self.is_lost.wait()
        self.is_lost.clear()

    async def release(self) -> None:
        self._notes.append("released")


class Scene:
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.elector = ScriptedElector(self.notes)
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(LeaderCycle(self.elector, self.lead, self.drain).run())

    async def lead(self) -> None:
        self.notes.append(f"working in {TERM.get()}")
        try:
            await asyncio.shield(self.failure)
        finally:
            await asyncio.sleep(0)
            self.notes.append("stopped working")

    async def drain(self) -> None:
        self.notes.append("drained")

    async def until(self, note: str) -> None:
        async with asyncio.timeout(30):
            while note not in self.notes:  # noqa: ASYNC110  notes are no events
                await asyncio.sleep(0)


@pytest.fixture
async def scene() -> Scene:
    return Scene()


async def end(scene: Scene) -> None:
    scene.task.cancel()
    await asyncio.wait([scene.task])


async def test_a_standby_does_nothing(scene: Scene) -> None:
    for _ in range(10):
        await asyncio.sleep(0)
    assert scene.notes == []
    await end(scene)


async def test_what_was_begun_ends_before_the_term_is_given_back(scene: Scene) -> None:
    scene.elector.may_lead.set()
    await scene.until("working in 1")
    await end(scene)
    assert scene.notes == ["acquired 1", "working in 1", "drained", "stopped working", "released"]


async def test_a_lost_term_ends_the_work_at_once_and_the_next_one_is_awaited(scene: Scene) -> None:
    scene.elector.may_lead.set()
    await scene.until("working in 1")
    scene.elector.is_lost.set()
    await scene.until("released")
    assert scene.notes == ["acquired 1", "working in 1", "stopped working", "released"]
    scene.elector.may_lead.set()
    await scene.until("working in 2")
    await end(scene)


async def test_work_that_fails_gives_its_term_back_and_ends_the_cycle(scene: Scene) -> None:
    scene.elector.may_lead.set()
    await scene.until("working in 1")
    scene.failure.set_exception(ValueError("a defect"))
    with pytest.raises(ValueError, match="a defect"):
        await scene.task
    assert scene.notes[-1] == "released"
