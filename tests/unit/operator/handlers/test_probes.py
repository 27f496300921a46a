from __future__ import annotations

import asyncio
from typing import Any

import kopf
import pytest
from frankenpanel_operator.cluster.resources import resource_of
from frankenpanel_operator.handlers import probes


class FakeInformer:
    """Stands for an informer in a state that a real one reaches only after minutes."""

    def __init__(self, *, silence: float = 0.0, is_synced: bool = True) -> None:
        self.resource = resource_of("Pod")
        self.synced = asyncio.Event()
        if is_synced:
            self.synced.set()
        self._silence = silence

    def silence_seconds(self) -> float:
        return self._silence


def health(*informers: FakeInformer, tasks: Any = (), is_settled: bool = True) -> probes.Health:
    return probes.Health(informers, lambda: tasks, lambda: is_settled)  # type: ignore[arg-type]


async def test_alive_and_ready_when_all_parts_run() -> None:
    task = asyncio.create_task(asyncio.sleep(60), name="workers")
    judged = health(FakeInformer(), tasks=[task])
    assert judged.dead_parts() == []
    assert judged.missing_parts() == []
    task.cancel()


async def test_a_stuck_watch_and_an_ended_task_are_dead() -> None:
    task = asyncio.create_task(asyncio.sleep(0), name="workers")
    await task
    judged = health(FakeInformer(silence=500), tasks=[task])
    assert judged.dead_parts() == ["watch of Pod silent for 500 s", "task workers ended"]


async def test_not_ready_before_every_list_and_before_it_is_known_who_leads() -> None:
    assert health(FakeInformer(is_synced=False)).missing_parts() == ["Pod not listed yet"]
    assert health(FakeInformer(), is_settled=False).missing_parts() == ["neither leading nor standing by yet"]


async def test_kopfs_probe_fails_for_good_instead_of_being_repeated() -> None:
    registry = kopf.OperatorRegistry()
    probes.register(registry)
    (handler,) = registry._activities.get_all_handlers()
    memo = kopf.Memo(health=health(FakeInformer(silence=500)))
    with pytest.raises(kopf.PermanentError, match="silent"):
        await handler.fn(memo=memo)
    memo.health = health(FakeInformer())
    assert await handler.fn(memo=memo) == "none"
