"""Watches that hear, that lag, that are deaf until they are replaced, and that stay deaf."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from frankenpanel_operator.cluster.api_errors import NotFoundError
from frankenpanel_operator.cluster.cache import MemoryObjectCache
from frankenpanel_operator.cluster.canary import CANARY_NAME, Canary
from frankenpanel_operator.cluster.resources import Resource, resource_of
from frankenpanel_operator.errors import ClusterUnavailableError, FrankenPanelError

SHORT = 0.02


class Server:
    """Keeps the canary's object, and its version."""

    def __init__(self) -> None:
        self.version = 10
        self.objects: dict[str, Any] = {}
        self.error: FrankenPanelError | None = None

    async def patch(self, resource: Resource, target: tuple[str, str], body: Any, patch_type: str) -> Any:
        if self.error is not None:
            raise self.error
        if target[1] not in self.objects:
            raise NotFoundError("none")
        return self._store(target[1], body["data"])

    async def create(self, resource: Resource, namespace: str, manifest: Mapping[str, Any]) -> Any:
        return self._store(manifest["metadata"]["name"], manifest["data"])

    async def delete(self, resource: Resource, target: tuple[str, str], options: Mapping[str, Any]) -> None:
        del self.objects[target[1]]

    def _store(self, name: str, data: Mapping[str, str]) -> Any:
        assert self.objects.get(name) != data, "a write that changes nothing makes no event"
        self.objects[name] = data
        self.version += 1
        return {"metadata": {"resourceVersion": str(self.version)}}


class Watch:
    """Hears everything of the server, or nothing until a number of restarts."""

    def __init__(self, server: Server, kind: str, *, deaf_until: int = 0) -> None:
        self.resource = resource_of(kind)
        self.restarts: list[bool] = []
        self.is_failing = False
        self._server = server
        self._deaf_until = deaf_until

    def heard_version(self) -> int:
        return self._server.version if len(self.restarts) >= self._deaf_until else 0

    def is_interrupted(self) -> bool:
        return self.is_failing

    def restart(self, *, relist: bool = False) -> None:
        self.restarts.append(relist)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def cache() -> MemoryObjectCache:
    return MemoryObjectCache()


def canary_of(server: Server, cache: MemoryObjectCache, *watches: Watch) -> Canary:
    return Canary(server, cache, watches, namespace="system", identity="a")  # type: ignore[arg-type]


def write_own(cache: MemoryObjectCache, kind: str, version: int) -> None:
    metadata = {"name": "x", "namespace": "n", "uid": "u", "resourceVersion": str(version)}
    cache.put_own({"kind": kind, "metadata": metadata})


async def test_watches_that_hear_are_left_alone(server: Server, cache: MemoryObjectCache) -> None:
    watches = [Watch(server, "ConfigMap"), Watch(server, "Site")]
    canary = canary_of(server, cache, *watches)
    for _ in range(3):
        await canary.prove(SHORT)
    assert canary.deaf_kinds() == ()
    assert [watch.restarts for watch in watches] == [[], []]
    assert list(server.objects) == [CANARY_NAME]


async def test_all_watches_are_replaced_and_the_deaf_one_lists_again(
    server: Server, cache: MemoryObjectCache
) -> None:
    deaf, other = Watch(server, "ConfigMap", deaf_until=1), Watch(server, "Site")
    canary = canary_of(server, cache, deaf, other)
    await canary.prove(SHORT)
    assert (deaf.restarts, other.restarts) == ([True], [False])
    assert canary.deaf_kinds() == ()


async def test_a_watch_that_stays_deaf_is_named_until_it_hears(
    server: Server, cache: MemoryObjectCache
) -> None:
    deaf = Watch(server, "ConfigMap", deaf_until=2)
    canary = canary_of(server, cache, deaf)
    await canary.prove(SHORT)
    assert canary.deaf_kinds() == ("ConfigMap",)
    await canary.prove(SHORT)
    assert canary.deaf_kinds() == ()


async def test_our_own_writes_prove_the_watches_of_the_other_kinds(
    server: Server, cache: MemoryObjectCache
) -> None:
    deaf, quiet = Watch(server, "Site", deaf_until=9), Watch(server, "Job", deaf_until=9)
    canary = canary_of(server, cache, Watch(server, "ConfigMap"), deaf, quiet)
    await canary.prove(SHORT)
    assert canary.deaf_kinds() == (), "nothing was written that they could have missed"
    write_own(cache, "Site", 5)
    await canary.prove(SHORT)
    assert canary.deaf_kinds() == ("Site",)


async def test_nothing_is_said_while_nothing_can_be_written(server: Server, cache: MemoryObjectCache) -> None:
    deaf = Watch(server, "ConfigMap", deaf_until=9)
    server.error = ClusterUnavailableError("down")
    canary = canary_of(server, cache, deaf)
    await canary.prove(SHORT)
    assert (canary.deaf_kinds(), deaf.restarts) == ((), [])


async def test_a_watch_that_knows_of_its_trouble_is_not_deaf(
    server: Server, cache: MemoryObjectCache
) -> None:
    failing = Watch(server, "ConfigMap", deaf_until=9)
    failing.is_failing = True
    canary = canary_of(server, cache, failing)
    await canary.prove(SHORT)
    assert (canary.deaf_kinds(), failing.restarts) == ((), [])


async def test_the_object_goes_when_the_operator_stops(server: Server, cache: MemoryObjectCache) -> None:
    canary = canary_of(server, cache, Watch(server, "ConfigMap"))
    task = asyncio.create_task(canary.run(0.0))
    async with asyncio.timeout(30):
        while not server.objects:  # noqa: ASYNC110  nobody sets an event
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert server.objects == {}
