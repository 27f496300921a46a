"""The proxy itself: what it does to requests is what its rules say, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from fault_proxy import FaultProxy
from fault_rules import Cut, Delay, Interference, Refusal, Rule, Silence
from frankenpanel_operator.cluster.api_errors import ExpiredError
from frankenpanel_operator.cluster.client import KubernetesClient
from frankenpanel_operator.cluster.connection import Connection
from frankenpanel_operator.cluster.resources import resource_of
from frankenpanel_operator.errors import ClusterUnavailableError

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("installed_crds", "own_cluster")]

MAPS = frozenset({"configmaps"})
RESOURCE = resource_of("ConfigMap")


@pytest.fixture
async def through(proxied: Connection) -> AsyncIterator[KubernetesClient]:
    """Yield a client on the operator's side of the proxy."""
    async with KubernetesClient(proxied) as client:
        yield client


class Maps:
    """ConfigMaps of one namespace, as somebody else sees them."""

    def __init__(self, api: Any, namespace: str) -> None:
        self.api, self.namespace = api, namespace
        self.path = f"/api/v1/namespaces/{namespace}/configmaps"

    def manifest(self, name: str) -> dict[str, Any]:
        metadata = {"name": name, "namespace": self.namespace, "labels": {"test": self.namespace}}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}

    def create(self, name: str) -> None:
        assert self.api.request("POST", self.path, self.manifest(name)).status == 201

    def exists(self, name: str) -> bool:
        return bool(self.api.request("GET", f"{self.path}/{name}").status == 200)

    def watch_parameters(self) -> dict[str, str]:
        version = self.api.request("GET", self.path).body["metadata"]["resourceVersion"]
        return {"resourceVersion": version, "labelSelector": f"test={self.namespace}"}


@pytest.fixture
def maps(kubernetes_api: Any, namespace: str) -> Maps:
    return Maps(kubernetes_api, namespace)


async def test_passes_on_and_records_what_no_rule_names(
    proxy: FaultProxy, through: KubernetesClient, maps: Maps
) -> None:
    stored = await through.create(RESOURCE, maps.namespace, maps.manifest("plain"))
    assert stored["metadata"]["uid"]
    (exchange,) = proxy.exchanges(verbs=["create"])
    assert (exchange.status, exchange.request.object_id) == (201, ("configmaps", maps.namespace, "plain"))
    assert exchange.arrived_at <= exchange.answered_at


async def test_refuses_in_the_servers_words(proxy: FaultProxy, through: KubernetesClient, maps: Maps) -> None:
    with (
        proxy.rules.during(Rule(Refusal(429, retry_after=7), plurals=MAPS, times=1)),
        pytest.raises(ClusterUnavailableError) as caught,
    ):
        await through.create(RESOURCE, maps.namespace, maps.manifest("refused"))
    assert caught.value.retry_after_seconds == 7
    assert not maps.exists("refused")


async def test_cuts_before_or_after_the_request_is_carried_out(
    proxy: FaultProxy, through: KubernetesClient, maps: Maps
) -> None:
    for name, after in (("before", False), ("after", True)):
        with (
            proxy.rules.during(Rule(Cut(after_forwarding=after), verbs=frozenset({"create"}), plurals=MAPS)),
            pytest.raises(ClusterUnavailableError),
        ):
            await through.create(RESOURCE, maps.namespace, maps.manifest(name))
        assert maps.exists(name) is after


async def test_delays_and_lets_others_interfere(
    proxy: FaultProxy, through: KubernetesClient, maps: Maps
) -> None:
    seen: list[str] = []
    rules = [
        Rule(Delay(0.2), plurals=MAPS, times=1),
        Rule(Interference(lambda request: seen.append(request.name)), plurals=MAPS),
    ]
    with proxy.rules.during(*rules):
        await through.create(RESOURCE, maps.namespace, maps.manifest("late"))
        await through.create(RESOURCE, maps.namespace, maps.manifest("disturbed"))
    late = proxy.exchanges(verbs=["create"])[0]
    assert late.answered_at - late.arrived_at >= 0.2
    assert seen == ["disturbed"]


async def test_a_watch_is_passed_on_silenced_ended_and_cut(
    proxy: FaultProxy, through: KubernetesClient, maps: Maps, eventually: Any
) -> None:
    parameters = await asyncio.to_thread(maps.watch_parameters)
    names: list[str] = []

    async def follow() -> None:
        async with aclosing(through.watch(RESOURCE, parameters)) as events:
            async for event in events:
                if event["type"] == "ERROR":
                    raise ExpiredError(str(event["object"]["code"]))
                names.append(event["object"]["metadata"]["name"])

    task = asyncio.create_task(follow())
    await eventually(lambda: "configmaps" in proxy.watched_plurals(), "a watch stands")
    maps.create("heard")
    await eventually(lambda: names == ["heard"], "the event came through")
    proxy.end_watches("configmaps", saying=Refusal(410))
    with pytest.raises(ExpiredError, match="410"):
        await asyncio.wait_for(task, 30)

    task = asyncio.create_task(follow())
    await eventually(lambda: names == ["heard", "heard"], "it stands again")
    with proxy.rules.during(Rule(Silence(), plurals=MAPS)):
        maps.create("unheard")
        await eventually(lambda: not proxy.watched_plurals(), "the watch is deaf")
    maps.create("unheard-too")
    assert not task.done()
    proxy.hang_up()
    with pytest.raises(ClusterUnavailableError):
        await asyncio.wait_for(task, 30)
    assert names == ["heard", "heard"]
