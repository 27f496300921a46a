"""List and watch against a real API server, with faults scripted where it cannot be asked for them."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any, cast

import pytest
from frankenpanel_operator import metrics
from frankenpanel_operator.cluster import listing as listing_module
from frankenpanel_operator.cluster.api_errors import ExpiredError
from frankenpanel_operator.cluster.cache import MemoryObjectCache
from frankenpanel_operator.cluster.canary import Canary
from frankenpanel_operator.cluster.client import KubernetesClient
from frankenpanel_operator.cluster.informer import Informer
from frankenpanel_operator.cluster.resources import Resource, resource_of
from frankenpanel_operator.errors import ClusterRefusedError, ClusterUnavailableError
from frankenpanel_operator.observed import ObjectRef

pytestmark = pytest.mark.integration

Eventually = Callable[..., Awaitable[None]]
NewInformer = Callable[..., Informer]
Requests = Callable[[], Mapping[str, float]]


class ConfigMaps:
    """The foreign hand: creates, edits and deletes ConfigMaps of one namespace."""

    def __init__(self, api: Any, namespace: str) -> None:
        self.api, self.namespace = api, namespace
        self.path = f"/api/v1/namespaces/{namespace}/configmaps"
        # Several tests share one server: each watches what only it labels.
        self.selector = f"app.kubernetes.io/managed-by=frankenpanel-operator,test={namespace}"

    def ref(self, name: str) -> ObjectRef:
        return ObjectRef("ConfigMap", self.namespace, name)

    def create(self, name: str, *, managed_by: str = "frankenpanel-operator") -> None:
        labels = {"app.kubernetes.io/managed-by": managed_by, "test": self.namespace}
        manifest = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "labels": labels},
            "data": {"n": "0"},
        }
        answer = self.api.request("POST", self.path, manifest)
        assert answer.status == 201, answer.message

    def edit(self, name: str, value: str) -> None:
        patch = {"data": {"n": value}}
        answer = self.api.request(
            "PATCH", f"{self.path}/{name}", patch, content_type="application/merge-patch+json"
        )
        assert answer.status == 200, answer.message

    def delete(self, name: str) -> None:
        assert self.api.request("DELETE", f"{self.path}/{name}").status == 200


@pytest.fixture
def maps(kubernetes_api: Any, namespace: str) -> ConfigMaps:
    return ConfigMaps(kubernetes_api, namespace)


@pytest.fixture
def requests_by_verb() -> Requests:
    """Return a function that tells how many requests about ConfigMaps were answered so far."""

    def count() -> Mapping[str, float]:
        counts: dict[str, float] = defaultdict(float)
        for metric in metrics.API_REQUESTS.collect():
            for sample in metric.samples:
                if sample.name.endswith("_total") and sample.labels["kind"] == "ConfigMap":
                    counts[sample.labels["verb"]] += sample.value
        return counts

    return count


@asynccontextmanager
async def running(informer: Informer) -> AsyncIterator[Informer]:
    task = asyncio.create_task(informer.run())
    try:
        await asyncio.wait_for(informer.synced.wait(), 20)
        yield informer
        assert not task.done(), "an informer never ends by itself"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_follows_creation_change_and_deletion_of_what_it_selects(
    maps: ConfigMaps, new_informer: NewInformer, cache: MemoryObjectCache, eventually: Eventually
) -> None:
    maps.create("before")
    maps.create("foreign", managed_by="helm")
    async with running(new_informer("ConfigMap", maps.selector)):
        before = cache.get(maps.ref("before"))
        assert before is not None
        assert before["kind"] == "ConfigMap"
        assert before["apiVersion"] == "v1"
        assert "managedFields" not in before["metadata"]
        maps.create("after")
        maps.edit("before", "1")
        await eventually(lambda: cache.get(maps.ref("after")), "the new object is seen")
        assert "managedFields" not in (cache.get(maps.ref("after")) or {})["metadata"]
        maps.delete("before")
        await eventually(lambda: not cache.get(maps.ref("before")), "the deletion is seen")
        assert cache.get(maps.ref("foreign")) is None


async def test_the_list_comes_through_the_watch(
    maps: ConfigMaps, new_informer: NewInformer, cache: MemoryObjectCache, requests_by_verb: Requests
) -> None:
    for number in range(7):
        maps.create(f"m{number}")
    before = requests_by_verb()
    async with running(new_informer("ConfigMap", maps.selector)) as informer:
        assert cache.count("ConfigMap") == 7
        assert informer.heard_version() > 0
    sent = requests_by_verb()
    assert sent["watch"] - before["watch"] == 1
    assert sent["list"] == before["list"]


class PagingClient(KubernetesClient):
    """The real client of an API server that streams no lists."""

    async def watch(
        self, resource: Resource, params: Mapping[str, str]
    ) -> AsyncGenerator[dict[str, Any], None]:
        if "sendInitialEvents" in params:
            raise ClusterRefusedError("sendInitialEvents is forbidden", status=422)
        async with aclosing(super().watch(resource, params)) as events:
            async for event in events:
                yield event


async def test_lists_in_pages_where_lists_are_not_streamed(
    maps: ConfigMaps,
    client: KubernetesClient,
    cache: MemoryObjectCache,
    monkeypatch: pytest.MonkeyPatch,
    requests_by_verb: Requests,
    eventually: Eventually,
) -> None:
    monkeypatch.setattr(listing_module, "PAGE_SIZE", 3)
    for number in range(7):
        maps.create(f"m{number}")
    before = requests_by_verb()
    client.__class__ = PagingClient
    async with running(informer_of(client, cache, maps)):
        assert cache.count("ConfigMap") == 7
        assert requests_by_verb()["list"] - before["list"] == 3
        maps.create("after")
        await eventually(lambda: cache.get(maps.ref("after")), "the watch goes on where the list ended")


async def test_own_write_is_known_before_the_watch_and_told_once(
    maps: ConfigMaps, new_informer: NewInformer, cache: MemoryObjectCache, eventually: Eventually
) -> None:
    told: list[str] = []
    cache.listen(lambda change: told.append(change.ref.name))
    async with running(new_informer("ConfigMap", maps.selector)):
        maps.create("own")
        cache.put(maps.api.request("GET", f"{maps.path}/own").body)
        maps.create("marker")
        await eventually(lambda: "marker" in told, "the watch has passed our own object")
        assert told.count("own") == 1


class FaultyClient(KubernetesClient):
    """The real client, but its next watches fail as scripted; notes from which version each began."""

    faults: list[Exception]
    watches: list[str]

    async def watch(
        self, resource: Resource, params: Mapping[str, str]
    ) -> AsyncGenerator[dict[str, Any], None]:
        self.watches.append(params["resourceVersion"])
        if self.faults:
            raise self.faults.pop(0)
        async with aclosing(super().watch(resource, params)) as events:
            async for event in events:
                yield event


@pytest.fixture
async def faulty(client: KubernetesClient) -> FaultyClient:
    faulty = FaultyClient.__new__(FaultyClient)
    faulty.__dict__.update(client.__dict__)
    faulty.faults, faulty.watches = [], []
    return faulty


def informer_of(client: KubernetesClient, cache: MemoryObjectCache, maps: ConfigMaps) -> Informer:
    return Informer(client, resource_of("ConfigMap"), cache, selector=maps.selector, random=lambda: 0.0)


async def test_relists_after_410_and_finds_what_vanished_meanwhile(
    maps: ConfigMaps, faulty: FaultyClient, cache: MemoryObjectCache, eventually: Eventually
) -> None:
    maps.create("stays")
    maps.create("vanishes")
    gone: list[str] = []
    cache.listen(lambda change: gone.append(change.ref.name) if change.new is None else None)
    async with running(informer_of(faulty, cache, maps)) as informer:
        # Deleted while nobody watches, and the next watch is told that its version is too old.
        faulty.faults = [ExpiredError("410")]
        informer.restart()
        maps.delete("vanishes")
        await eventually(lambda: gone == ["vanishes"], "it is known to be gone")
        assert cache.get(maps.ref("stays"))
        await eventually(lambda: faulty.watches[-1] == "", "listed again")


async def test_a_restart_goes_on_from_the_last_version_on_a_new_connection(
    maps: ConfigMaps, faulty: FaultyClient, cache: MemoryObjectCache, eventually: Eventually
) -> None:
    async with running(informer_of(faulty, cache, maps)) as informer:
        informer.restart()
        await eventually(lambda: len(faulty.watches) == 2, "a second watch")
        assert faulty.watches[1] != ""
        maps.create("after")
        await eventually(lambda: cache.get(maps.ref("after")), "seen by the new watch")
        informer.restart(relist=True)
        await eventually(lambda: len(faulty.watches) == 3, "a third watch")
        assert faulty.watches[2] == ""


async def test_a_broken_watch_goes_on_where_it_was_without_a_list(
    maps: ConfigMaps,
    faulty: FaultyClient,
    cache: MemoryObjectCache,
    eventually: Eventually,
) -> None:
    async with running(informer_of(faulty, cache, maps)) as informer:
        faulty.faults = [ClusterUnavailableError("reset"), ClusterUnavailableError("reset")]
        informer.restart()
        maps.create("while-it-was-broken")
        await eventually(lambda: cache.get(maps.ref("while-it-was-broken")), "seen after the reconnect")
        assert faulty.watches[0] == ""
        assert "" not in faulty.watches[1:], "no second list"


class DeafClient(KubernetesClient):
    """The real client, whose first watch stands and brings nothing once it is deaf."""

    is_deaf: bool
    watches: int

    async def watch(
        self, resource: Resource, params: Mapping[str, str]
    ) -> AsyncGenerator[dict[str, Any], None]:
        self.watches += 1
        is_first = self.watches == 1
        async with aclosing(super().watch(resource, params)) as events:
            async for event in events:
                if not (is_first and self.is_deaf):
                    yield event


async def test_a_deaf_watch_is_found_by_the_canary_and_replaced(
    maps: ConfigMaps, client: KubernetesClient, cache: MemoryObjectCache
) -> None:
    client.__class__ = DeafClient
    deaf = cast(DeafClient, client)
    deaf.is_deaf, deaf.watches = False, 0
    # The canary is labelled as everything of ours, and as nothing else.
    maps.selector = "app.kubernetes.io/managed-by=frankenpanel-operator"
    async with running(informer_of(client, cache, maps)) as informer:
        canary = Canary(client, cache, [informer], namespace=maps.namespace, identity="test")
        await canary.prove(30)
        assert deaf.watches == 1, "a watch that hears is left alone"
        deaf.is_deaf = True
        maps.create("unheard")
        await canary.prove(5)
        assert deaf.watches == 2
        assert canary.deaf_kinds() == ()
        assert cache.get(maps.ref("unheard")), "the list after it brings what was missed"


async def test_an_unreachable_server_is_an_error_of_ours(connection: Any) -> None:
    nowhere = dataclasses.replace(connection, server="https://127.0.0.1:9")
    async with KubernetesClient(nowhere) as unreachable:
        with pytest.raises(ClusterUnavailableError):
            await unreachable.get(resource_of("ConfigMap"), "default", "x")
        with pytest.raises(ClusterUnavailableError):
            async for _ in unreachable.watch(resource_of("ConfigMap"), {}):
                pass
