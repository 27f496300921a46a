"""The operator as kopf runs it, against a real API server, with reconcilers that only take notes."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import kopf
import pytest
from frankenpanel_operator import main
from frankenpanel_operator.engine.dispatcher import Reconcile
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.outcome import Outcome
from frankenpanel_operator.handlers.runtime import Adapters
from frankenpanel_operator.observed import ObjectRef
from frankenpanel_operator.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("installed_crds", "own_cluster")]

Eventually = Callable[..., Awaitable[None]]
API = "/apis/frankenpanel.io/v1alpha1"
MERGE_PATCH = "application/merge-patch+json"


class Notes:
    """Reconcilers that note each pass, and the adapters they were given."""

    def __init__(self) -> None:
        self.passes: list[Key] = []
        self.adapters: Adapters | None = None

    def build(self, adapters: Adapters) -> Mapping[str, Reconcile]:
        self.adapters = adapters

        async def reconcile(key: Key) -> Outcome:
            self.passes.append(key)
            return Outcome()

        return dict.fromkeys(("Site", "Domain", "DatabaseServer"), reconcile)

    def count(self, kind: str, name: str) -> int:
        return sum(1 for key in self.passes if (key.kind, key.name) == (kind, name))

    def uid(self, kind: str, namespace: str, name: str) -> str:
        uid: str = self.adapters.cache.get(ObjectRef(kind, namespace, name))["metadata"]["uid"]
        return uid


class Cluster:
    """The people who write our kinds, and the controllers that write what a Site owns."""

    def __init__(self, api: Any, namespace: str) -> None:
        self.api, self.namespace = api, namespace

    def create_site(self, name: str, **metadata: Any) -> None:
        self._post(f"{API}/namespaces/{self.namespace}/sites", "Site", name, metadata, SITE_SPEC)

    def create_domain(self, name: str, site: str) -> None:
        spec = {"host": f"{name}-{self.namespace}.example.com", "siteRef": {"name": site}}
        self._post(f"{API}/namespaces/{self.namespace}/domains", "Domain", name, {}, spec)

    def create_config_map(self, name: str, site: str, site_uid: str) -> None:
        labels = {
            "app.kubernetes.io/managed-by": "frankenpanel-operator",
            "frankenpanel.io/site": site,
            "frankenpanel.io/site-uid": site_uid,
        }
        path = f"/api/v1/namespaces/{self.namespace}/configmaps"
        self._post(path, "ConfigMap", name, {"labels": labels}, None)

    def patch_site(self, name: str, patch: Mapping[str, Any]) -> None:
        path = f"{API}/namespaces/{self.namespace}/sites/{name}"
        answer = self.api.request("PATCH", path, patch, content_type=MERGE_PATCH)
        assert answer.status == 200, answer.message

    def delete_site(self, name: str) -> None:
        self.api.request("DELETE", f"{API}/namespaces/{self.namespace}/sites/{name}")

    def _post(self, path: str, kind: str, name: str, metadata: Mapping[str, Any], spec: Any) -> None:
        version = "v1" if kind == "ConfigMap" else "frankenpanel.io/v1alpha1"
        body = {"apiVersion": version, "kind": kind, "metadata": {"name": name, **metadata}}
        if spec is not None:
            body["spec"] = spec
        answer = self.api.request("POST", path, body)
        assert answer.status == 201, answer.message


SITE_SPEC = {"source": {"preset": {"name": "wordpress"}}}


@pytest.fixture
def cluster(kubernetes_api: Any, namespace: str) -> Cluster:
    return Cluster(kubernetes_api, namespace)


class Running:
    """A running operator: its notes, and its endpoints."""

    def __init__(self, notes: Notes, liveness: str, endpoint: str, task: asyncio.Task[None]) -> None:
        self.notes, self.liveness, self.endpoint, self.task = notes, liveness, endpoint, task

    async def status(self, url: str) -> int:
        try:
            async with aiohttp.ClientSession() as session, session.get(url) as response:
                return response.status
        except aiohttp.ClientConnectionError:
            return 0

    async def until_ready(self) -> None:
        async with asyncio.timeout(40):
            while await self.status(f"{self.endpoint}/readyz") != 200:
                if self.task.done():
                    self.task.result()
                await asyncio.sleep(0.05)


@pytest.fixture
def start(api_server: Path, namespace: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.setenv("KUBECONFIG", str(api_server))

    @asynccontextmanager
    async def running(**changes: Any) -> AsyncIterator[Running]:
        liveness_port, metrics_port = _free_port(), _free_port()
        # Some tests count writes.
        quiet = {"canary_seconds": 3600}
        values = {"platform_namespace": namespace, "metrics_port": metrics_port, **quiet, **changes}
        notes, registry, stop = Notes(), kopf.OperatorRegistry(), asyncio.Event()
        main.register(registry, Settings(**values), notes.build)
        liveness = f"http://127.0.0.1:{liveness_port}/healthz"
        operator = kopf.operator(
            registry=registry,
            clusterwide=True,
            standalone=True,
            liveness_endpoint=liveness,
            stop_flag=stop,
        )
        task = asyncio.create_task(operator)
        try:
            yield Running(notes, liveness, f"http://127.0.0.1:{metrics_port}", task)
        finally:
            stop.set()
            await asyncio.wait([task], timeout=30)

    return running


async def test_reconciles_what_exists_and_then_what_changes(
    start: Any, cluster: Cluster, eventually: Eventually
) -> None:
    cluster.create_site("shop")
    cluster.create_domain("www", "shop")
    async with start() as operator:
        await operator.until_ready()
        notes = operator.notes
        await eventually(lambda: notes.count("Site", "shop") and notes.count("Domain", "www"), "first round")
        assert len(notes.adapters.platform_key) == 32
        cluster.create_site("second")
        await eventually(lambda: notes.count("Site", "second"), "a new Site")
        before = notes.count("Site", "shop")
        cluster.create_config_map("shop-config", "shop", notes.uid("Site", cluster.namespace, "shop"))
        await eventually(lambda: notes.count("Site", "shop") > before, "an owned object leads to its Site")
        before = notes.count("Site", "second")
        cluster.create_domain("late", "second")
        await eventually(lambda: notes.count("Site", "second") > before, "a Domain leads to its Site")
        before = notes.count("Domain", "late")
        cluster.delete_site("second")
        await eventually(lambda: notes.count("Domain", "late") > before, "a Site leads to its Domains")
        ref = ObjectRef("Site", cluster.namespace, "second")
        await eventually(lambda: notes.adapters.cache.get(ref) is None, "gone from the cache")


async def test_endpoints_tell_the_truth(start: Any, cluster: Cluster, eventually: Eventually) -> None:
    async with start() as operator:
        await operator.until_ready()
        assert await operator.status(f"{operator.endpoint}/livez") == 200
        assert await operator.status(operator.liveness) == 200
        url = f"{operator.endpoint}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            text = await response.text()
        assert 'frankenpanel_cached_objects{kind="Site"}' in text
        assert 'frankenpanel_queue_depth{place="live"} 0.0' in text
        assert "frankenpanel_operator_build_info" in text


async def test_a_restart_with_nothing_changed_writes_nothing(
    start: Any, cluster: Cluster, eventually: Eventually, count_writes: Callable[[], float]
) -> None:
    cluster.create_site("shop")
    async with start() as operator:
        await operator.until_ready()
    count_writes()
    async with start() as operator:
        await operator.until_ready()
        await eventually(lambda: operator.notes.count("Site", "shop"), "first round")
    assert count_writes() == 0


async def test_a_resync_looks_at_everything_again(
    start: Any, cluster: Cluster, eventually: Eventually
) -> None:
    cluster.create_site("shop")
    # Nothing changes: only the doubt in what was learned long ago makes it look again.
    async with start(resync_seconds=1, secret_rewrite_seconds=1) as operator:
        await operator.until_ready()
        await eventually(lambda: operator.notes.count("Site", "shop") >= 3, "two resyncs")


async def test_a_standby_is_ready_reconciles_nothing_and_takes_over_what_is_given_back(
    start: Any, cluster: Cluster, eventually: Eventually, kubernetes_api: Any
) -> None:
    cluster.create_site("shop")
    path = f"/apis/coordination.k8s.io/v1/namespaces/{cluster.namespace}/leases"
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "frankenpanel-operator"},
        "spec": {"holderIdentity": "another", "leaseDurationSeconds": 3600, "leaseTransitions": 6},
    }
    assert kubernetes_api.request("POST", path, lease).status == 201
    async with start(identity="standby") as operator:
        await operator.until_ready()
        cluster.create_site("second")
        cluster.create_domain("www", "shop")
        assert operator.notes.passes == []
        assert operator.notes.adapters is None
        release = {"spec": {"holderIdentity": ""}}
        kubernetes_api.request("PATCH", f"{path}/frankenpanel-operator", release, content_type=MERGE_PATCH)
        notes = operator.notes
        await eventually(lambda: notes.count("Site", "shop"), "what was there before")
        await eventually(lambda: notes.count("Site", "second"), "what came while it stood by")
        await eventually(lambda: notes.count("Domain", "www"), "Domains as well")
        taken = kubernetes_api.request("GET", f"{path}/frankenpanel-operator").body["spec"]
        assert (taken["holderIdentity"], taken["leaseTransitions"]) == ("standby", 7)
    given_back = kubernetes_api.request("GET", f"{path}/frankenpanel-operator").body["spec"]
    assert given_back.get("holderIdentity", "") == ""


async def test_an_operator_that_is_told_to_be_alone_asks_for_no_lease(
    start: Any, cluster: Cluster, eventually: Eventually, kubernetes_api: Any
) -> None:
    cluster.create_site("shop")
    async with start(leader_election=False) as operator:
        await eventually(lambda: operator.notes.count("Site", "shop"), "first round")
    path = f"/apis/coordination.k8s.io/v1/namespaces/{cluster.namespace}/leases"
    assert kubernetes_api.request("GET", path).body["items"] == []


async def test_refuses_to_start_when_the_platform_key_is_lost(start: Any, cluster: Cluster) -> None:
    cluster.create_site(f"shop-{secrets.token_hex(2)}", finalizers=["frankenpanel.io/data"])
    async with start() as operator:
        await asyncio.wait([operator.task], timeout=40)
        assert operator.task.done()
        with pytest.raises(Exception, match="failed"):
            operator.task.result()
    async with start(allow_new_platform_key=True) as operator:
        await operator.until_ready()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
