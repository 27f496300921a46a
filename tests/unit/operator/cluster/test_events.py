from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from frankenpanel_operator import metrics
from frankenpanel_operator.cluster.events import KubernetesEventRecorder
from frankenpanel_operator.errors import ClusterUnavailableError


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 8, 1, tzinfo=UTC)


class Client:
    """An API server that takes Events, or refuses them, or never answers."""

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []
        self.error: Exception | None = None
        self.is_silent = False
        self.was_told = asyncio.Event()

    async def create(self, resource: Any, namespace: str, manifest: dict[str, Any]) -> dict[str, Any]:
        if self.is_silent:
            await asyncio.Future()
        if self.error is not None:
            raise self.error
        self.posted.append(manifest)
        self.was_told.set()
        return manifest


class Bench:
    def __init__(self) -> None:
        self.now, self.client = 0.0, Client()
        self.recorder = KubernetesEventRecorder(self.client, Clock(), lambda: self.now)  # type: ignore[arg-type]

    async def record(self, message: str, uid: str = "u1") -> bool:
        """Return whether an Event was posted."""
        before = len(self.client.posted)
        await self.recorder.record(subject(uid), type_="Warning", reason="X", message=message)
        return len(self.client.posted) > before


@pytest.fixture
def bench() -> Bench:
    return Bench()


def subject(uid: str) -> dict[str, Any]:
    metadata = {"name": "shop", "namespace": "demo", "uid": uid}
    return {"apiVersion": "frankenpanel.io/v1alpha1", "kind": "Site", "metadata": metadata}


def dropped() -> float:
    (metric,) = metrics.EVENTS_DROPPED.collect()
    return next(sample.value for sample in metric.samples if sample.name.endswith("_total"))


async def test_the_same_sentence_is_not_news_for_a_while(bench: Bench) -> None:
    before = dropped()
    assert await bench.record("a")
    assert not await bench.record("a")
    assert await bench.record("a", "u2"), "another object has its own news"
    bench.now = 601.0
    assert await bench.record("a")
    assert dropped() == before


async def test_one_object_may_say_25_things_and_then_one_in_five_minutes(bench: Bench) -> None:
    before = dropped()
    said = [await bench.record(str(number)) for number in range(30)]
    assert said == [True] * 25 + [False] * 5
    assert dropped() - before == 5
    bench.now = 300.0
    assert await bench.record("later")
    assert not await bench.record("and more")


async def test_all_objects_together_are_limited_as_well(bench: Bench) -> None:
    said = [await bench.record("down", f"u{number}") for number in range(150)]
    assert said == [True] * 100 + [False] * 50
    bench.now = 1.0
    assert await bench.record("down", "u200")


async def test_what_was_dropped_may_be_said_later(bench: Bench) -> None:
    for number in range(25):
        await bench.record(str(number))
    assert not await bench.record("important")
    bench.now = 300.0
    assert await bench.record("important")


async def test_a_note_is_not_waited_for_and_arrives(bench: Bench) -> None:
    bench.recorder.note(subject("u1"), type_="Normal", reason="Ready", message="it runs")
    assert bench.client.posted == []
    await asyncio.wait_for(bench.client.was_told.wait(), 30)
    (event,) = bench.client.posted
    assert (event["type"], event["reason"], event["involvedObject"]["uid"]) == ("Normal", "Ready", "u1")


async def test_a_refused_event_is_nobody_s_trouble(bench: Bench) -> None:
    bench.client.error = ClusterUnavailableError("down")
    assert not await bench.record("a")


async def test_notes_that_no_server_answers_end_with_the_operator(bench: Bench) -> None:
    bench.client.is_silent = True
    bench.recorder.note(subject("u1"), type_="Normal", reason="Ready", message="it runs")
    await asyncio.sleep(0)
    await asyncio.wait_for(bench.recorder.close(), 30)
