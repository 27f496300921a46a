"""A real Caddy with the shipped configuration, moved to free ports and a temporary folder."""

from __future__ import annotations

import asyncio
import ctypes
import functools
import json
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from frankenpanel_gateway.block_store import BlockStore
from frankenpanel_gateway.edge_config import configured
from frankenpanel_gateway.store import TreeStore
from frankenpanel_gateway.tree import proxy_record

GATEWAY = Path(__file__).parents[3] / "images" / "gateway"
PR_SET_PDEATHSIG = 1
CADDY = Path(sys.executable).with_name("caddy")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def eventually(check: Callable[[], Awaitable[bool]], within_seconds: float = 15.0) -> float:
    """Poll until the check holds; return how long it took."""
    started = time.monotonic()
    while not await check():
        elapsed_seconds = time.monotonic() - started
        assert elapsed_seconds < within_seconds, f"not within {within_seconds} s"
        await asyncio.sleep(0.005)
    return time.monotonic() - started


def start_program(
    arguments: list[str], log_path: Path, environment: dict[str, str]
) -> subprocess.Popen[bytes]:
    """Start a program that dies with the test run, however that ends."""
    die_with_parent = functools.partial(ctypes.CDLL(None).prctl, PR_SET_PDEATHSIG, signal.SIGKILL)
    with log_path.open("ab") as log:
        return subprocess.Popen(
            arguments, stdout=log, stderr=log, env=environment, preexec_fn=die_with_parent
        )


@pytest.fixture(name="start_program")
def start_program_fixture() -> Callable[..., subprocess.Popen[bytes]]:
    return start_program


@pytest.fixture(name="eventually")
def eventually_fixture() -> Callable[..., Awaitable[float]]:
    return eventually


@dataclass
class Gateway:
    """Folders, ports and the Caddy process of one gateway."""

    folder: Path
    http: int = field(default_factory=free_port)
    https: int = field(default_factory=free_port)
    local: int = field(default_factory=free_port)
    permission: int = field(default_factory=free_port)
    probes: int = field(default_factory=free_port)
    max_body_bytes: int = 536870912
    environment: dict[str, str] = field(default_factory=dict)
    """What the chart gives the container."""
    limits: dict[str, Any] = field(default_factory=dict)
    """Fields of the server that a test cannot wait for."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def routes(self) -> Path:
        return self.folder / "routes"

    @property
    def log_path(self) -> Path:
        return self.folder / "caddy.log"

    def configuration(self) -> dict[str, Any]:
        moved = {
            "/srv/routes": str(self.routes),
            "/run/gateway": str(self.folder),
            "/etc/gateway/pages": str(GATEWAY / "pages"),
            "/data/caddy": str(self.folder / "data"),
            '":8080"': f'"127.0.0.1:{self.http}"',
            '":8443"': f'"127.0.0.1:{self.https}"',
            '":19180"': f'"127.0.0.1:{self.local}"',
            "127.0.0.1:19191": f"127.0.0.1:{self.permission}",
            '"max_size": 536870912': f'"max_size": {self.max_body_bytes}',
            '"alternate_port": 8080': f'"alternate_port": {self.http}',
            '"http_port": 8080': f'"http_port": {self.http}',
            '"https_port": 8443': f'"https_port": {self.https}',
        }
        text = (GATEWAY / "gateway.json").read_text()
        for before, after in moved.items():
            assert before in text, f"{before} is no longer in gateway.json"
            text = text.replace(before, after)
        parsed = configured(json.loads(text), self.environment)
        edge = parsed["apps"]["http"]["servers"]["edge"]
        assert self.limits.keys() <= edge.keys()
        edge.update(self.limits)
        return parsed

    async def start(self) -> None:
        path = self.folder / "gateway.json"
        path.write_text(json.dumps(self.configuration()))
        homes = {"XDG_CONFIG_HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder)}
        command = [str(CADDY), "run", "--config", str(path)]
        self.process = start_program(command, self.log_path, {**homes, **self.environment})
        await eventually(self.is_live)

    async def restart(self, **limits: Any) -> None:
        """Start anew, with other limits and what has been put into the environment."""
        self.stop()
        self.limits = limits
        await self.start()

    async def is_ready(self) -> bool:
        return await self.local_status("/readyz") == 200

    async def is_live(self) -> bool:
        return await self.local_status("/livez") == 200

    async def local_status(self, path: str) -> int:
        try:
            async with aiohttp.request("GET", f"http://127.0.0.1:{self.local}{path}") as response:
                return response.status
        except aiohttp.ClientError:
            return 0

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(20)
            self.process = None

    async def get(self, host: str, path: str = "/", **options: Any) -> tuple[int, str]:
        """Request over a fresh session; the Host header as given."""
        headers = {"Host": host, **options.pop("headers", {})}
        url = f"http://127.0.0.1:{self.http}{path}"
        async with aiohttp.request("GET", url, headers=headers, allow_redirects=False, **options) as response:
            return response.status, await response.text()

    async def raw(self, request: bytes, *, sni: str | None = None) -> bytes:
        """Send bytes as they are, by https where a server name is given; return all until the end."""
        reader, writer = await self.connect(sni)
        writer.write(request)
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        return answer

    async def connect(self, sni: str | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection; no certificate is checked."""
        if sni is None:
            return await asyncio.open_connection("127.0.0.1", self.http)
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        return await asyncio.open_connection("127.0.0.1", self.https, ssl=trusting, server_hostname=sni)

    async def ask(self, host: str, path: str = "/", *, is_secure: bool = False) -> tuple[int, dict[str, str]]:
        """Return status and headers, by https where asked for; names of headers in lower case."""
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        answer = await self.raw(request, sni=host.partition(":")[0] if is_secure else None)
        status_line, *lines = answer.partition(b"\r\n\r\n")[0].decode().split("\r\n")
        pairs = [line.partition(": ")[::2] for line in lines]
        assert len({name.lower() for name, _ in pairs}) == len(pairs), f"a header came twice: {lines}"
        return int(status_line.split()[1]), {name.lower(): value for name, value in pairs}

    def access_log(self) -> list[dict[str, Any]]:
        """Return what is logged of requests; Caddy writes lines of its own between, which are no JSON."""
        complete = self.log_path.read_text().rpartition("\n")[0].splitlines()
        lines = [json.loads(line) for line in complete if line.startswith("{")]
        return [line for line in lines if line.get("logger", "").startswith("http.log.access")]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: a unix socket is made in it."""
    path = Path(tempfile.mkdtemp(prefix="gateway-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def stopped_gateway(folder: Path) -> Iterator[Gateway]:
    """A gateway that is not started yet and has no tree."""
    gateway = Gateway(folder)
    yield gateway
    gateway.stop()


@pytest.fixture
async def gateway(stopped_gateway: Gateway) -> Gateway:
    """A running Caddy with an empty, ready tree."""
    store = TreeStore(stopped_gateway.routes)
    store.open()
    store.replace_all({})
    await stopped_gateway.start()
    return stopped_gateway


@pytest.fixture
def store(gateway: Gateway) -> TreeStore:
    store = TreeStore(gateway.routes)
    store.open()
    return store


@pytest.fixture
def block_store(gateway: Gateway) -> BlockStore:
    return BlockStore(gateway.routes)


def self_signed(host: str) -> str:
    """Return a certificate for a host and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=90))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    form, no_password = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return (certificate.public_bytes(pem) + key.private_bytes(pem, form, no_password)).decode()


@pytest.fixture
async def certificates(gateway: Gateway) -> AsyncIterator[set[str]]:
    """Hosts for which Caddy gets certificates; a test adds to them."""
    hosts: set[str] = set()

    async def permission(request: web.Request) -> web.Response:
        return web.Response(status=200 if request.query.get("domain") in hosts else 403)

    async def certificate(request: web.Request) -> web.Response:
        host = request.query.get("server_name", "")
        return web.Response(text=self_signed(host)) if host in hosts else web.Response(status=204)

    app = web.Application()
    app.router.add_get("/permission", permission)
    app.router.add_get("/certificate", certificate)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", gateway.permission).start()
    yield hosts
    await runner.cleanup()


@dataclass
class Upstream:
    """A site that answers with its name and with what it was asked."""

    name: str
    port: int = 0
    received_bytes: int = 0
    received_requests: int = 0
    answer_headers: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def record(self, site: str = "demo.shop") -> str:
        return proxy_record(site, self.address)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.received_requests += 1
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self.echo(request)
        size = 0
        async for chunk in request.content.iter_any():
            size += len(chunk)
        self.received_bytes += size
        return web.json_response(
            {"site": self.name, "headers": dict(request.headers), "path": request.path_qs, "size": size},
            headers=self.answer_headers,
        )

    async def echo(self, request: web.Request) -> web.WebSocketResponse:
        channel = web.WebSocketResponse()
        await channel.prepare(request)
        async for message in channel:
            await channel.send_str(f"{self.name}:{message.data}")
        return channel


@asynccontextmanager
async def run_upstream(name: str) -> AsyncIterator[Upstream]:
    upstream = Upstream(name)
    app = web.Application(client_max_size=2**30)
    app.router.add_route("*", "/{path:.*}", upstream.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    upstream.port = runner.addresses[0][1]
    try:
        yield upstream
    finally:
        await runner.cleanup()


@pytest.fixture
async def shop() -> AsyncIterator[Upstream]:
    async with run_upstream("shop") as upstream:
        yield upstream


@pytest.fixture
async def blog() -> AsyncIterator[Upstream]:
    async with run_upstream("blog") as upstream:
        yield upstream
