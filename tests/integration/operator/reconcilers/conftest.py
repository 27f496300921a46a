"""The operator as `main` wires it, between a real API server and a real MariaDB.

No controllers run in that API server: `Installation.play_controllers` does what they would do.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import secrets
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from database_servers import ADMIN, ADMIN_PASSWORD, ServerUnderTest, mariadb_under_test
from frankenpanel_operator import main, naming
from frankenpanel_operator.cluster.connection import Connection
from frankenpanel_operator.handlers.runtime import Adapters, Runtime
from frankenpanel_operator.settings import Settings
from mariadb_process import ServerMissingError, running_server

OURS = "/apis/frankenpanel.io/v1alpha1"
MERGE_PATCH = "application/merge-patch+json"
CHILDREN = {
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "PersistentVolumeClaim": "/api/v1/namespaces/{}/persistentvolumeclaims",
    "Service": "/api/v1/namespaces/{}/services",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "Job": "/apis/batch/v1/namespaces/{}/jobs",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
}
PRESET = {
    "title": "WordPress",
    "defaultVersion": "6.8",
    "versions": [{"version": "6.8", "image": "frankenpanel/wordpress:test"}],
    "documentRoot": ".",
    "persistentPaths": [{"name": "content", "mountPath": "wp-content", "size": "1Gi"}],
    "configFormat": "WpConfig",
    "install": {"command": ["frankenpanel-php", "php-cli", "/app/install.php"]},
    "healthPath": "/wp-login.php",
}
FINISHED = {
    "succeeded": 1,
    "startTime": "2026-08-01T12:00:00Z",
    "completionTime": "2026-08-01T12:00:05Z",
    "conditions": [{"type": type_, "status": "True"} for type_ in ("SuccessCriteriaMet", "Complete")],
}


@dataclass(frozen=True)
class Write:
    """One writing request that was answered."""

    verb: str
    kind: str
    subresource: str
    succeeded: bool

    def __str__(self) -> str:
        refused = "" if self.succeeded else " (refused)"
        return f"{self.verb} {self.kind}{'/' * bool(self.subresource)}{self.subresource}{refused}"


class Operator:
    """A running operator; its writes to one namespace are noted, and after some of them it is dead."""

    def __init__(self, runtime: Runtime, namespace: str, die_after: int | None) -> None:
        self.runtime, self.writes, self.is_dead = runtime, list[Write](), asyncio.Event()
        self._namespace, self._die_after = namespace, die_after
        client = runtime.client
        for verb in ("create", "patch", "delete"):
            setattr(client, verb, self._noted(verb, getattr(client, verb)))

    def _noted(self, verb: str, send: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def call(resource: Any, target: Any, *arguments: Any, **options: Any) -> Any:
            await self._stop_if_dead()
            succeeded = False
            try:
                answer = await send(resource, target, *arguments, **options)
                succeeded = True
                return answer
            finally:
                if self._concerns_us(target, *arguments):
                    subresource = options.get("subresource", "")
                    self.writes.append(Write(verb, resource.kind, subresource, succeeded))
                if self._die_after is not None and len(self.writes) >= self._die_after:
                    self.is_dead.set()
                await self._stop_if_dead()

        return call

    async def _stop_if_dead(self) -> None:
        """A dead process does not even take note of the answer."""
        if self.is_dead.is_set():
            await asyncio.Future()

    def _concerns_us(self, target: Any, body: Any, *_: Any) -> bool:
        """Say whether a request is about the namespace, or about the claim of a host of it."""
        if isinstance(target, str):
            target = target, body["metadata"].get("name", "")
        return target[0] == self._namespace or self._namespace in target[1]

    def counts(self) -> Counter[str]:
        return Counter(map(str, self.writes))


class Installation:
    """People, kubelets and controllers around the operator: they create, edit and carry out."""

    def __init__(self, api: Any, platform: str, tenant: str, database: ServerUnderTest) -> None:
        self.api, self.platform, self.tenant, self.database = api, platform, tenant, database
        self.server_name = self.preset_name = platform

    def install(self) -> None:
        """Create what a chart creates."""
        self._put("databaseservers", "DatabaseServer", self.server_name, self._server_spec())
        self._put("sitepresets", "SitePreset", self.preset_name, PRESET)
        self.offer_php("frankenpanel/frankenphp:test")
        data = {"username": ADMIN, "password": ADMIN_PASSWORD}
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "admin-account"},
            "stringData": data,
        }
        self._ok(self.api.request("POST", f"/api/v1/namespaces/{self.platform}/secrets", body))

    def offer_php(self, image: str) -> None:
        spec = {"default": "8.4", "runtimes": [{"php": "8.4", "image": image}]}
        self._put("runtimecatalogs", "RuntimeCatalog", "default", spec)

    def uninstall(self) -> None:
        """Remove what later tests would see: without controllers a deleted namespace keeps its objects."""
        for plural in ("sites", "domains"):
            path = f"{OURS}/namespaces/{self.tenant}/{plural}"
            for item in self.api.request("GET", path).body["items"]:
                self._destroy(f"{path}/{item['metadata']['name']}")
        for claim in self.api.request("GET", f"{OURS}/domainclaims").body["items"]:
            if claim["spec"]["domainRef"]["namespace"] == self.tenant:
                self._destroy(f"{OURS}/domainclaims/{claim['metadata']['name']}")
        self._destroy(f"{OURS}/databaseservers/{self.server_name}")
        self._destroy(f"{OURS}/sitepresets/{self.preset_name}")
        self._destroy(f"{OURS}/runtimecatalogs/default")

    def create_site(self, name: str, **spec: Any) -> dict[str, Any]:
        spec = {"source": {"preset": {"name": self.preset_name}}, **spec}
        body = {
            "apiVersion": "frankenpanel.io/v1alpha1",
            "kind": "Site",
            "metadata": {"name": name},
            "spec": spec,
        }
        return self._ok(self.api.request("POST", f"{OURS}/namespaces/{self.tenant}/sites", body))

    def create_domain(self, site: str) -> str:
        host = f"{site}.{self.tenant}.example.com"
        body = {
            "apiVersion": "frankenpanel.io/v1alpha1",
            "kind": "Domain",
            "metadata": {"name": site},
            "spec": {"host": host, "siteRef": {"name": site}},
        }
        self._ok(self.api.request("POST", f"{OURS}/namespaces/{self.tenant}/domains", body))
        return host

    def site(self, name: str) -> dict[str, Any]:
        body: dict[str, Any] = self.api.request("GET", f"{OURS}/namespaces/{self.tenant}/sites/{name}").body
        return body

    def condition(self, site: str, type_: str, plural: str = "sites") -> str:
        """Return "<status> <reason>" of a condition, or nothing."""
        path = f"{OURS}/namespaces/{self.tenant}/{plural}/{site}"
        status = self.api.request("GET", path).body.get("status", {})
        found = {item["type"]: f"{item['status']} {item['reason']}" for item in status.get("conditions", [])}
        return found.get(type_, "")

    def children(self, site: str) -> list[dict[str, Any]]:
        """Return everything that carries the label of a Site of this name."""
        query = f"?labelSelector=frankenpanel.io/site={site}"
        return [
            {**item, "kind": kind}
            for kind, path in CHILDREN.items()
            for item in self.api.request("GET", path.format(self.tenant) + query).body["items"]
        ]

    def child(self, kind: str, site: str) -> dict[str, Any] | None:
        return next((item for item in self.children(site) if item["kind"] == kind), None)

    def patch_child(self, kind: str, name: str, patch: Mapping[str, Any], subresource: str = "") -> None:
        path = f"{CHILDREN[kind].format(self.tenant)}/{name}{subresource}"
        self._ok(self.api.request("PATCH", path, patch, content_type=MERGE_PATCH))

    def delete_child(self, body: Mapping[str, Any]) -> None:
        self._destroy(f"{CHILDREN[body['kind']].format(self.tenant)}/{body['metadata']['name']}")

    def delete_site(self, name: str) -> None:
        self._ok(self.api.request("DELETE", f"{OURS}/namespaces/{self.tenant}/sites/{name}"))

    async def play_controllers(self) -> None:
        """Bind volumes, finish Jobs and roll Deployments out until cancelled."""
        while True:
            await asyncio.to_thread(self._play_once)
            await asyncio.sleep(0.02)

    def values_of_secrets(self, site: str) -> dict[str, dict[str, str]]:
        """Return what the Secrets of a Site hold, by their names without the Site's."""
        return {
            item["metadata"]["name"]: {
                key: base64.b64decode(value).decode() for key, value in item["data"].items()
            }
            for item in self.children(site)
            if item["kind"] == "Secret"
        }

    def end_state(self, site: str) -> dict[str, Any]:
        """Return what a Site has come to, in a form that is the same for every Site that went well."""
        body = self.site(site)
        uid = body["metadata"]["uid"]
        data = naming.data_id(uid)
        children = sorted(
            (_without_server_fields(item) for item in self.children(site)),
            key=lambda item: (item["kind"], item["metadata"]["name"]),
        )
        state = {
            "children": [item for item in children if item["kind"] != "Secret"],
            "secrets": sorted(self.values_of_secrets(site)),
            "conditions": {
                item["type"]: f"{item['status']} {item['reason']}" for item in body["status"]["conditions"]
            },
            "finalizers": body["metadata"].get("finalizers"),
        }
        text = json.dumps(state, sort_keys=True).replace(uid, "UID").replace(site, "NAME")
        text = re.sub(r"install-[0-9a-f]{8}", "install-HASH", text.replace(data, "DATA"))
        plain: dict[str, Any] = json.loads(text.replace(data[:5], "SHORT"))
        return plain

    def _play_once(self) -> None:
        query = "?labelSelector=app.kubernetes.io/managed-by=frankenpanel-operator"
        for kind in ("PersistentVolumeClaim", "Job", "Deployment"):
            for item in self.api.request("GET", CHILDREN[kind].format(self.tenant) + query).body["items"]:
                if (status := _controller_status(kind, item)) is not None:
                    with suppress(AssertionError):  # it went or changed meanwhile
                        self.patch_child(kind, item["metadata"]["name"], {"status": status}, "/status")

    def _server_spec(self) -> dict[str, Any]:
        address = self.database.address
        return {
            "engine": "MariaDB",
            "host": address.host,
            "port": address.port,
            "adminSecretRef": {"name": "admin-account"},
        }

    def _put(self, plural: str, kind: str, name: str, spec: Mapping[str, Any]) -> None:
        body = {
            "apiVersion": "frankenpanel.io/v1alpha1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": spec,
        }
        self._ok(self.api.apply(f"{OURS}/{plural}/{name}", body))

    def _destroy(self, path: str) -> None:
        self.api.request("PATCH", path, {"metadata": {"finalizers": None}}, content_type=MERGE_PATCH)
        self.api.request("DELETE", path, {"gracePeriodSeconds": 0})

    @staticmethod
    def _ok(answer: Any) -> dict[str, Any]:
        assert answer.status < 300, answer.message
        body: dict[str, Any] = answer.body
        return body


def _controller_status(kind: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the status that a controller would write, or None where it wrote it before."""
    status = body.get("status", {})
    if kind == "PersistentVolumeClaim":
        bound = {"phase": "Bound", "capacity": body["spec"]["resources"]["requests"]}
        return None if status.get("phase") == "Bound" else bound
    if kind == "Job":
        return None if status.get("succeeded") else FINISHED
    if status.get("observedGeneration") == body["metadata"]["generation"]:
        return None
    names = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    counts = dict.fromkeys(names, body["spec"]["replicas"])
    return {"observedGeneration": body["metadata"]["generation"], **counts}


def _without_server_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """Drop times, versions, addresses and digests (which differ by uid) from an object."""
    kept = {key: body["metadata"].get(key) for key in ("name", "labels", "ownerReferences")}
    text = json.dumps({"kind": body["kind"], "metadata": kept, "spec": body.get("spec", body.get("data"))})
    text = re.sub(r'"(clusterIP|[a-z.-]+/[a-z-]*(digest|hash))": "[^"]*"', r'"\1": ""', text)
    text = re.sub(r'"[a-z.-]*/?controller-uid": "[^"]*"', '"controller-uid": ""', text)
    plain: dict[str, Any] = json.loads(re.sub(r'"clusterIPs": \["[^"]*"\]', '"clusterIPs": []', text))
    return plain


@pytest.fixture(scope="session")
def mariadb() -> Iterator[ServerUnderTest]:
    """Yield a MariaDB of these tests' own."""
    with tempfile.TemporaryDirectory(prefix="fp-mariadb-") as folder:
        try:
            with running_server(Path(folder)) as process:
                yield mariadb_under_test("mariadb", process)
        except ServerMissingError as error:
            pytest.skip(str(error))


@pytest.fixture
def installation(
    kubernetes_api: Any, namespace: str, mariadb: ServerUnderTest, installed_crds: list[str]
) -> Iterator[Installation]:
    """Yield a complete installation without an operator; `namespace` is the tenant's."""
    platform = f"platform-{secrets.token_hex(4)}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": platform}}
    assert kubernetes_api.request("POST", "/api/v1/namespaces", body).status == 201
    mariadb.clear()
    installation = Installation(kubernetes_api, platform, namespace, mariadb)
    try:
        installation.install()
        yield installation
    finally:
        installation.uninstall()
        kubernetes_api.request("DELETE", f"/api/v1/namespaces/{platform}")


@pytest.fixture
def operator(
    connection: Connection, installation: Installation
) -> Callable[..., AbstractAsyncContextManager[Operator]]:
    """Return a function that starts an operator with an empty memory, and stops it after the block."""

    @asynccontextmanager
    async def running(die_after: int | None = None, **changes: Any) -> AsyncIterator[Operator]:
        values = {"platform_namespace": installation.platform, "metrics_port": 0, "embedded_mariadb": False}
        settings = Settings(**{**values, **changes})
        databases: list[Any] = []

        def build(adapters: Adapters) -> Mapping[str, Any]:
            reconcilers = main.build_reconcilers(settings, adapters)
            databases.append(reconcilers["Site"].__self__.databases)  # type: ignore[attr-defined]
            return reconcilers

        runtime = Runtime(settings, connection, main.SystemClock(), build)
        operator = Operator(runtime, installation.tenant, die_after)
        await runtime.open()
        try:
            await runtime.start()
            yield operator
        finally:
            await runtime.stop()
            for database in databases:
                await database.close()

    return running


@pytest.fixture
async def controllers(installation: Installation) -> AsyncIterator[None]:
    """Let the controllers work for the length of a test."""
    task = asyncio.create_task(installation.play_controllers())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.fixture
def until() -> Callable[..., Awaitable[float]]:
    """Return a coroutine function that polls until a condition holds, and returns after how many seconds."""

    async def wait(condition: Callable[[], Any], what: str, seconds: float = 20.0) -> float:
        started = time.monotonic()
        while not await asyncio.to_thread(condition):
            assert time.monotonic() - started < seconds, f"not within {seconds} s: {what}"
            await asyncio.sleep(0.01)
        return time.monotonic() - started

    return wait
