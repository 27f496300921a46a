"""The operator's own Kubernetes adapter, connected to the integration tests' API server."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import random
import re
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import kopf
import pytest
import pytest_asyncio
import yaml
from crowd import Crowd
from database_servers import ServerUnderTest, mariadb_under_test
from frankenpanel_operator import metrics
from frankenpanel_operator.cluster.applier import KubernetesApplier
from frankenpanel_operator.cluster.blind_writes import BlindWrites
from frankenpanel_operator.cluster.cache import MemoryObjectCache
from frankenpanel_operator.cluster.client import KubernetesClient
from frankenpanel_operator.cluster.connection import Connection
from frankenpanel_operator.cluster.informer import Informer
from frankenpanel_operator.cluster.resources import resource_of
from frankenpanel_operator.desired.certificate import READER_ROLE
from frankenpanel_operator.handlers.login import find_login, to_connection
from hanging_up import until_hung_up
from installation import Installation, leave_nothing_of_ours
from killable_operator import Nursery
from mariadb_process import ServerMissingError, running_server
from owned_objects import Bench

RBAC = "/apis/rbac.authorization.k8s.io/v1"
OPERATOR_ROLES = Path(__file__).parents[3] / "charts/frankenpanel/templates/operator-rbac.yaml"


@pytest.fixture
def connection(api_server: Path, monkeypatch: pytest.MonkeyPatch) -> Connection:
    """Sign in as the operator outside of a cluster does: by kopf, from a kubeconfig."""
    monkeypatch.setenv("KUBECONFIG", str(api_server))
    return to_connection(find_login(kopf.OperatorSettings()))


@pytest_asyncio.fixture
async def client(connection: Connection) -> AsyncIterator[KubernetesClient]:
    async with KubernetesClient(connection) as opened:
        yield opened
    await until_hung_up()


@pytest.fixture(scope="session")
def is_own_cluster(api_server: Path) -> bool:
    """Say whether the API server is the tests' own: on a cluster, the operator there would join in."""
    return str(api_server) not in (os.environ.get("FRANKENPANEL_KUBECONFIG"), os.environ.get("KUBECONFIG"))


@pytest.fixture
def own_cluster(is_own_cluster: bool, kubernetes_api: Any, installed_crds: list[str]) -> None:
    """Leave no Site of earlier tests; skip on a cluster that is not the tests' own."""
    if not is_own_cluster:
        pytest.skip("runs an operator: only for an API server that the tests started themselves")
    leave_nothing_of_ours(kubernetes_api)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[ServerUnderTest]:
    """Yield a MariaDB of these tests' own."""
    with tempfile.TemporaryDirectory(prefix="fp-mariadb-") as folder:
        try:
            with running_server(Path(folder)) as process:
                yield mariadb_under_test("mariadb", process)
        except ServerMissingError as error:
            pytest.skip(str(error))


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Yield what forks operators that are processes of their own."""
    # pytest's own folders may have names too long for a socket.
    with tempfile.TemporaryDirectory(prefix="fp-operators-") as folder:
        nursery = Nursery(Path(folder))
        yield nursery
        nursery.close()


@pytest.fixture
def platform_namespace(kubernetes_api: Any) -> Iterator[str]:
    """Yield the name of a namespace for what belongs to the platform."""
    name = f"platform-{secrets.token_hex(4)}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    assert kubernetes_api.request("POST", "/api/v1/namespaces", body).status == 201
    yield name
    kubernetes_api.request("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
def crowd(kubernetes_api: Any, namespace: str, installed_crds: list[str]) -> Iterator[Crowd]:
    """Yield people of one namespace, who have created nothing yet."""
    crowd = Crowd(kubernetes_api, namespace)
    crowd.install()
    yield crowd
    crowd.uninstall()


@pytest.fixture
def installation(
    kubernetes_api: Any,
    namespace: str,
    platform_namespace: str,
    mariadb: ServerUnderTest,
    installed_crds: list[str],
    own_cluster: None,
) -> Iterator[Installation]:
    """Yield a complete installation without an operator; `namespace` is the tenant's."""
    mariadb.clear()
    installation = Installation(kubernetes_api, platform_namespace, namespace, mariadb)
    try:
        installation.install()
        yield installation
    finally:
        installation.uninstall()


@pytest.fixture
def client_as(connection: Connection) -> Callable[[str], AbstractAsyncContextManager[KubernetesClient]]:
    """Return a function that opens a client as another user, by impersonation."""

    def connect(user: str) -> KubernetesClient:
        headers = {**connection.headers, "Impersonate-User": user}
        return KubernetesClient(dataclasses.replace(connection, headers=headers))

    return connect


@pytest.fixture
def cache() -> MemoryObjectCache:
    return MemoryObjectCache()


@pytest.fixture
def applier(client: KubernetesClient, cache: MemoryObjectCache) -> KubernetesApplier:
    return KubernetesApplier(client, cache, BlindWrites(time.monotonic))


@pytest.fixture
def bench(applier: KubernetesApplier, cache: MemoryObjectCache, kubernetes_api: Any, namespace: str) -> Bench:
    return Bench(applier, cache, kubernetes_api, namespace)


@pytest.fixture
def new_informer(client: KubernetesClient, cache: MemoryObjectCache) -> Callable[..., Informer]:
    def new(kind: str, selector: str = "app.kubernetes.io/managed-by=frankenpanel-operator") -> Informer:
        return Informer(client, resource_of(kind), cache, selector=selector, random=random.random)

    return new


@pytest.fixture
def eventually() -> Callable[..., Awaitable[None]]:
    """Return a coroutine function that waits until a condition holds, or fails and says which."""

    async def wait(condition: Callable[[], Any], what: str, seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
            await asyncio.sleep(0.01)

    return wait


@pytest.fixture
def count_requests() -> Callable[[], float]:
    """Return a function that tells how many requests our client sent since its last call."""
    return _counter({"get", "list", "watch", "create", "patch", "delete"})


@pytest.fixture
def count_writes() -> Callable[[], float]:
    """Return a function that tells how many writes our client sent since its last call."""
    return _counter({"create", "patch", "delete"})


def _counter(verbs: set[str]) -> Callable[[], float]:
    def total() -> float:
        return sum(
            sample.value
            for metric in metrics.API_REQUESTS.collect()
            for sample in metric.samples
            if sample.name.endswith("_total") and sample.labels["verb"] in verbs
        )

    last = total()

    def since_last() -> float:
        nonlocal last
        before, last = last, total()
        return last - before

    return since_last


@pytest.fixture
def chart_roles() -> list[dict[str, Any]]:
    """Return the roles that the chart binds to the operator."""
    return [role for role in _roles_of_chart() if role["metadata"]["name"] == "frankenpanel-operator"]


@pytest.fixture
def operator_user(
    kubernetes_api: Any, chart_roles: list[dict[str, Any]], platform_namespace: str
) -> Iterator[str]:
    """Yield a user who has exactly what the chart grants the operator."""
    user = f"operator-{secrets.token_hex(4)}"
    subjects = [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}]
    made = []
    for role in chart_roles:
        kind = role["kind"]
        scope = f"{RBAC}/namespaces/{platform_namespace}" if kind == "Role" else RBAC
        for binding in (False, True):
            body: dict[str, Any] = {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": f"{kind}Binding" if binding else kind,
                "metadata": {"name": user},
            }
            if binding:
                reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": user}
                body |= {"roleRef": reference, "subjects": subjects}
            else:
                body["rules"] = role["rules"]
            path = f"{scope}/{body['kind'].lower()}s"
            answer = kubernetes_api.request("POST", path, body)
            assert answer.status == 201, answer.message
            made.append(f"{path}/{user}")
    yield user
    for path in made:
        kubernetes_api.request("DELETE", path)


@pytest_asyncio.fixture
async def operator(
    operator_user: str, client_as: Callable[[str], AbstractAsyncContextManager[KubernetesClient]]
) -> AsyncIterator[KubernetesClient]:
    async with client_as(operator_user) as client:
        yield client


@pytest.fixture
def reader_role() -> dict[str, Any]:
    """Return the role that the chart leaves for tenants to bind."""
    (role,) = (role for role in _roles_of_chart() if role["metadata"]["name"] == READER_ROLE)
    return role


def _roles_of_chart() -> list[dict[str, Any]]:
    """Read roles as the chart has them, with blanks where helm would fill in names."""
    text = re.sub(r"\{\{.*?\}\}", "blank", OPERATOR_ROLES.read_text(encoding="utf-8"))
    documents = [document for document in yaml.safe_load_all(text) if document]
    return [document for document in documents if document["kind"] in ("ClusterRole", "Role")]
