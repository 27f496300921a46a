"""What an informer makes of what the API server says, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from frankenpanel_operator.cluster import informer as informer_module
from frankenpanel_operator.cluster.api_errors import ExpiredError
from frankenpanel_operator.cluster.cache import MemoryObjectCache
from frankenpanel_operator.cluster.informer import Informer
from frankenpanel_operator.cluster.resources import Resource, resource_of
from frankenpanel_operator.errors import ClusterRefusedError, ClusterUnavailableError
from frankenpanel_operator.observed import ObjectRef

Script = list[Any]
EXPIRED = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}}


def event(type_: str, name: str, version: int) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "n", "uid": name, "resourceVersion": str(version)}
    return {"type": type_, "object": {"kind": "ConfigMap", "metadata": metadata, "data": {"v": version}}}


def bookmark(version: int, *, ends_list: bool = False) -> dict[str, Any]:
    annotations = {"k8s.io/initial-events-end": "true"} if ends_list else {}
    return {
        "type": "BOOKMARK",
        "object": {"metadata": {"resourceVersion": str(version), "annotations": annotations}},
    }


class ScriptedClient:
    """Each watch plays one script: events, an error to end with, or silence after the last."""

    def __init__(self, *scripts: Script, pages: list[Any] | None = None) -> None:
        self.scripts = list(scripts)
        self.pages = pages or []
        self.watches: list[Mapping[str, str]] = []

    async def watch(
        self, resource: Resource, params: Mapping[str, str]
    ) -> AsyncGenerator[dict[str, Any], None]:
        self.watches.append(dict(params))
        for item in self.scripts.pop(0) if self.scripts else ():
            if isinstance(item, Exception):
                raise item
            yield item
        await asyncio.Event().wait()

    async def list_page(self, resource: Resource, params: Mapping[str, str]) -> dict[str, Any]:
        page = self.pages.pop(0)
        if isinstance(page, Exception):
            raise page
        return dict(page)


def page(version: int, *names: str, following: str = "") -> dict[str, Any]:
    items = [event("", name, version)["object"] for name in names]
    return {"metadata": {"resourceVersion": str(version), "continue": following}, "items": items}


@pytest.fixture
def cache() -> MemoryObjectCache:
    return MemoryObjectCache()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note how long an informer pauses, and let no time pass."""
    noted: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        noted.append(seconds)
        await sleep(0)

    monkeypatch.setattr(informer_module.asyncio, "sleep", note)
    return noted


@asynccontextmanager
async def running(client: ScriptedClient, cache: MemoryObjectCache) -> AsyncIterator[Informer]:
    informer = Informer(client, resource_of("ConfigMap"), cache, selector="", random=lambda: 1.0)  # type: ignore[arg-type]
    task = asyncio.create_task(informer.run())
    yield informer
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.get_running_loop().run_in_executor(None, lambda: None)


def names(cache: MemoryObjectCache) -> set[str]:
    return {ref.name for ref in cache.refs("ConfigMap")}


LIST = [event("ADDED", "a", 3), event("ADDED", "b", 4), bookmark(7, ends_list=True)]


async def test_a_streamed_list_is_complete_at_its_bookmark_and_the_watch_goes_on(
    cache: MemoryObjectCache,
) -> None:
    client = ScriptedClient([*LIST, event("MODIFIED", "a", 9), event("DELETED", "b", 10), bookmark(12)])
    async with running(client, cache) as informer:
        await until(lambda: informer.heard_version() == 12)
        assert informer.synced.is_set()
        assert names(cache) == {"a"}
        assert len(client.watches) == 1
        assert client.watches[0]["sendInitialEvents"] == "true"
        assert client.watches[0]["resourceVersionMatch"] == "NotOlderThan"


async def test_a_list_that_breaks_off_is_not_believed_complete(
    cache: MemoryObjectCache, pauses: list[float]
) -> None:
    cache.put(event("", "known", 1)["object"])
    client = ScriptedClient([LIST[0], ClusterUnavailableError("reset")], pages=[ClusterUnavailableError("")])
    async with running(client, cache) as informer:
        await until(lambda: not client.pages)
        assert not informer.synced.is_set()
        assert names(cache) == {"known", "a"}


async def test_after_a_failure_the_list_comes_in_pages(cache: MemoryObjectCache, pauses: list[float]) -> None:
    client = ScriptedClient(
        [ClusterUnavailableError("reset")], pages=[page(5, "a", following="more"), page(5, "b")]
    )
    async with running(client, cache) as informer:
        await until(informer.synced.is_set)
        await until(lambda: len(client.watches) == 2)
        assert names(cache) == {"a", "b"}
        assert client.watches[1]["resourceVersion"] == "5"
        assert "sendInitialEvents" not in client.watches[1]


@pytest.mark.parametrize(
    "answer", [[ClusterRefusedError("unknown field", status=422)], [LIST[0], bookmark(5)]], ids=str
)
async def test_a_server_that_streams_no_lists_is_asked_for_pages(
    cache: MemoryObjectCache, answer: Script
) -> None:
    client = ScriptedClient(answer, [EXPIRED], pages=[page(5, "a"), page(9, "b")])
    async with running(client, cache) as informer:
        await until(lambda: informer.heard_version() == 9)
        await until(lambda: len(client.watches) == 3)
        assert ["sendInitialEvents" in params for params in client.watches] == [True, False, False]
        assert names(cache) == {"b"}


@pytest.mark.parametrize("expired", [EXPIRED, ExpiredError("410")], ids=["event", "answer"])
async def test_lists_again_without_a_pause_when_the_version_is_too_old(
    cache: MemoryObjectCache, pauses: list[float], expired: Any
) -> None:
    second = [event("ADDED", "b", 4), bookmark(20, ends_list=True)]
    client = ScriptedClient([*LIST, expired], second)
    async with running(client, cache) as informer:
        await until(lambda: informer.heard_version() == 20)
        assert names(cache) == {"b"}
        assert not [pause for pause in pauses if pause]


async def test_a_server_that_finds_everything_too_old_is_not_asked_without_end(
    cache: MemoryObjectCache, pauses: list[float]
) -> None:
    client = ScriptedClient(*[[ExpiredError("410")] for _ in range(3)], pages=[page(5), page(6)])
    async with running(client, cache):
        await until(lambda: len(client.watches) == 4)
        assert len([pause for pause in pauses if pause]) == 2


async def test_pauses_grow_and_never_undercut_what_the_server_asked_for(
    cache: MemoryObjectCache, pauses: list[float]
) -> None:
    patient = ClusterUnavailableError("slow down", retry_after_seconds=7)
    failures = [[error] for error in (*[ClusterUnavailableError("down")] * 3, patient)]
    client = ScriptedClient([*LIST, ClusterUnavailableError("reset")], *failures)
    async with running(client, cache):
        await until(lambda: len(client.watches) == 6)
        waited = [pause for pause in pauses if pause]
        assert waited[:4] == sorted(waited[:4])
        assert waited[0] < waited[3]
        assert waited[4] >= 7


async def test_a_burst_leaves_turns_to_others(cache: MemoryObjectCache) -> None:
    burst = [event("MODIFIED", "a", number) for number in range(10, 3000)]
    client = ScriptedClient([*LIST, *burst])
    turns = 0
    async with running(client, cache) as informer:
        while informer.heard_version() < 2999:
            await asyncio.sleep(0)
            turns += 1
    assert turns > 3, "the others never ran in between"


async def test_restarts_are_asked_for_at_any_time(cache: MemoryObjectCache) -> None:
    client = ScriptedClient(LIST, [bookmark(30)], [event("ADDED", "c", 40), bookmark(41, ends_list=True)])
    async with running(client, cache) as informer:
        informer.restart()
        await until(informer.synced.is_set)
        informer.restart()
        await until(lambda: informer.heard_version() == 30)
        informer.restart(relist=True)
        await until(lambda: informer.heard_version() == 41)
        assert [params["resourceVersion"] for params in client.watches] == ["", "7", ""]
        assert cache.get(ObjectRef("ConfigMap", "n", "a")) is None
