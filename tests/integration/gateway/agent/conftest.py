"""The agent as a process, a real API server behind a relay that a test can cut, and claims in it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import yaml
from frankenpanel_gateway.tree import claim_of_host


@dataclass
class Relay:
    """The way to the API server."""

    host: str
    port: int
    listen_port: int = 0
    server: asyncio.Server | None = None
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def open(self) -> None:
        self.server = await asyncio.start_server(self._join, "127.0.0.1", self.listen_port)
        self.listen_port = self.server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        if self.server is not None:
            self.server.close()
            self.server = None
        for writer in self.writers:
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self.host, self.port)
        pair = {writer, far_writer}
        self.writers |= pair
        await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer))
        self.writers -= pair

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()


@pytest.fixture
async def relay(kubernetes_api) -> AsyncIterator[Relay]:
    server = urlsplit(kubernetes_api.server)
    relay = Relay(str(server.hostname), server.port or 443)
    await relay.open()
    yield relay
    await relay.cut()


@dataclass
class Agent:
    """The agent's process beside a gateway."""

    gateway: Any
    environment: dict[str, str]
    start_program: Callable[..., subprocess.Popen[bytes]]
    eventually: Callable[..., Any]
    process: subprocess.Popen[bytes] | None = None

    @property
    def log_path(self) -> Path:
        return Path(self.gateway.folder) / "agent.log"

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    async def start(self) -> None:
        arguments = [sys.executable, "-m", "frankenpanel_gateway"]
        self.process = self.start_program(arguments, self.log_path, self.environment)
        await self.eventually(self.is_alive)

    def stop(self, how: signal.Signals = signal.SIGKILL) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        code = self.process.wait(10)
        self.process = None
        return code

    async def is_alive(self) -> bool:
        return await self.status(self.gateway.probes, "/livez") == 200

    async def is_ready(self) -> bool:
        return await self.status(self.gateway.probes, "/readyz") == 200

    async def status(self, port: int, path: str) -> int:
        try:
            async with aiohttp.request("GET", f"http://127.0.0.1:{port}{path}") as response:
                return response.status
        except aiohttp.ClientError:
            return 0


@pytest.fixture
def agent_token(kubernetes_api, installed_crds, namespace) -> Iterator[str]:
    """The token of a service account that may do what the agent needs, and nothing else."""
    group = "rbac.authorization.k8s.io"
    name, rbac = f"gateway-{namespace}", f"/apis/{group}/v1"
    claims = {"apiGroups": ["frankenpanel.io"], "resources": ["domainclaims"], "verbs": ["list", "watch"]}
    status = {"apiGroups": ["frankenpanel.io"], "resources": ["domainclaims/status"], "verbs": ["patch"]}
    secrets_verbs = ["list", "watch", "create", "patch", "delete"]
    secrets_rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": secrets_verbs}
    leases = {
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "verbs": ["get", "create", "update"],
    }
    subject = {"kind": "ServiceAccount", "name": "gateway", "namespace": namespace}
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    own = f"{rbac}/namespaces/{namespace}"

    def bound(kind: str) -> dict[str, Any]:
        role = {"apiGroup": group, "kind": kind, "name": name}
        return {"metadata": {"name": name}, "roleRef": role, "subjects": [subject]}

    for path, body in (
        (accounts, {"metadata": {"name": "gateway"}}),
        (f"{rbac}/clusterroles", {"metadata": {"name": name}, "rules": [claims, status]}),
        (f"{rbac}/clusterrolebindings", bound("ClusterRole")),
        (f"{own}/roles", {"metadata": {"name": name}, "rules": [secrets_rule, leases]}),
        (f"{own}/rolebindings", bound("Role")),
    ):
        answer = kubernetes_api.request("POST", path, body)
        assert answer.status == 201, answer.message
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    answer = kubernetes_api.request("POST", f"{accounts}/gateway/token", request)
    assert answer.status == 201, answer.message
    yield answer.body["status"]["token"]
    for kind in ("clusterroles", "clusterrolebindings"):
        kubernetes_api.request("DELETE", f"{rbac}/{kind}/{name}")


@pytest.fixture
def agent_environment(stopped_gateway, relay, api_server, agent_token, namespace) -> dict[str, str]:
    folder = stopped_gateway.folder
    cluster = yaml.safe_load(api_server.read_text())["clusters"][0]["cluster"]
    authority = folder / "ca.crt"
    if "certificate-authority-data" in cluster:
        authority.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    else:
        shutil.copy(cluster["certificate-authority"], authority)
    (folder / "token").write_text(agent_token)
    settings = {
        "ROUTES_ROOT": stopped_gateway.routes,
        "BLOCKED_NETWORKS_FILE": folder / "networks",
        "PERMISSION_PORT": stopped_gateway.permission,
        "PROBES_HOST": "127.0.0.1",
        "PROBES_PORT": stopped_gateway.probes,
        "API_SERVER": f"https://127.0.0.1:{relay.listen_port}",
        "API_TLS_SERVER_NAME": relay.host,
        "API_TOKEN_FILE": folder / "token",
        "API_CA_FILE": authority,
        "BACKOFF_MAX_SECONDS": 0.5,
        "LIST_PAGE_SIZE": 7,
        "UPSTREAM_NETWORKS": "127.0.0.0/8",
        "CERTIFICATES_NAMESPACE": namespace,
        "CERTIFICATES_ROOT": folder / "certificates",
    }
    return {f"FRANKENPANEL_GATEWAY_{name}": str(value) for name, value in settings.items()}


@pytest.fixture
def agent(stopped_gateway, agent_environment, start_program, eventually) -> Iterator[Agent]:
    """An agent that is not started yet, with the way to a real API server through the relay."""
    agent = Agent(stopped_gateway, agent_environment, start_program, eventually)
    yield agent
    if agent.process is not None:
        agent.stop()


@dataclass
class Claims:
    """DomainClaims in the real API server, under hosts that no other test uses."""

    api: Any
    suffix: str
    names: set[str] = field(default_factory=set)
    path: str = "/apis/frankenpanel.io/v1alpha1/domainclaims"

    def host(self, label: str) -> str:
        return f"{label}.{self.suffix}.example"

    def put(self, label: str, upstream: str | None, **spec: Any) -> str:
        if upstream is not None:
            spec["route"] = {"site": f"demo.{label}", "upstream": upstream}
        return self.claim(self.host(label), label, **spec)

    def claim(self, host: str, domain: str, **spec: Any) -> str:
        """Write a claim on a host or a wildcard."""
        name = claim_of_host(host)
        spec |= {"host": host, "domainRef": {"namespace": "demo", "name": domain, "uid": "1"}}
        body = {
            "apiVersion": "frankenpanel.io/v1alpha1",
            "kind": "DomainClaim",
            "metadata": {"name": name},
            "spec": spec,
        }
        answer = self.api.apply(f"{self.path}/{name}", body)
        assert answer.status in {200, 201}, answer.message
        self.names.add(name)
        return host

    def delete(self, label: str) -> None:
        host = self.host(label)
        answer = self.api.request("DELETE", f"{self.path}/{host}")
        assert answer.status == 200, answer.message
        self.names.discard(host)


@pytest.fixture
def claims(kubernetes_api, installed_crds) -> Iterator[Claims]:
    claims = Claims(kubernetes_api, f"t{secrets.token_hex(4)}")
    yield claims
    for host in claims.names:
        kubernetes_api.request("DELETE", f"{claims.path}/{host}")
