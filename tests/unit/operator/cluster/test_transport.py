"""Connections and the fence, against a small scripted server."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from frankenpanel_operator import metrics
from frankenpanel_operator.cluster.client import KubernetesClient, PatchType
from frankenpanel_operator.cluster.connection import Connection
from frankenpanel_operator.cluster.lease_store import LeaseRecord, LeaseStore
from frankenpanel_operator.cluster.resources import resource_of
from frankenpanel_operator.cluster.transport import ClientLimits, Fence
from frankenpanel_operator.engine.leadership import TERM, Leadership
from frankenpanel_operator.errors import ClusterUnavailableError, LeadershipLostError

CONFIG_MAP = resource_of("ConfigMap")
RECORD = LeaseRecord("a", 1, 4, "2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:00.000000Z")


class Server:
    """Notes each request that arrives, and answers it when told to."""

    def __init__(self) -> None:
        self.arrived: list[str] = []
        self.connections: set[object] = set()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def handle(self, request: web.Request) -> web.Response:
        self.arrived.append(f"{request.method} {request.path}")
        self.connections.add(request.transport)
        await request.read()
        await self.may_answer.wait()
        return web.json_response({"metadata": {"resourceVersion": "1"}, "spec": {}})

    async def until_arrived(self, count: int) -> None:
        async with asyncio.timeout(30):
            while len(self.arrived) < count:  # noqa: ASYNC110  a list is no event
                await asyncio.sleep(0.005)


Connect = Callable[..., Awaitable[KubernetesClient]]


@pytest.fixture
async def server() -> Server:
    return Server()


@asynccontextmanager
async def connected(
    server: Server, fence: Fence, limits: ClientLimits | None = None
) -> AsyncIterator[KubernetesClient]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    connection = Connection(f"http://127.0.0.1:{port}", ssl.create_default_context())
    try:
        async with KubernetesClient(connection, limits, fence=fence) as client:
            yield client
    finally:
        server.may_answer.set()
        await runner.cleanup()


def closed() -> None:
    raise LeadershipLostError("term 1 is over")


def fenced_writes() -> float:
    return metrics.FENCED_WRITES._value.get()


async def test_a_closed_fence_holds_back_every_write_and_no_read(server: Server) -> None:
    before = fenced_writes()
    async with connected(server, closed) as client:
        writes: list[Callable[[], Awaitable[object]]] = [
            lambda: client.create(CONFIG_MAP, "n", {"kind": "ConfigMap"}),
            lambda: client.patch(CONFIG_MAP, ("n", "c"), [], PatchType.JSON),
            lambda: client.delete(CONFIG_MAP, ("n", "c"), {}),
        ]
        for write in writes:
            with pytest.raises(LeadershipLostError):
                await write()
        await client.get(CONFIG_MAP, "n", "c")
    assert server.arrived == ["GET /api/v1/namespaces/n/configmaps/c"]
    assert fenced_writes() - before == 3


async def test_the_fence_is_asked_when_a_write_goes_out_and_not_when_it_was_queued(server: Server) -> None:
    leadership = Leadership(lambda: 0.0)
    leadership.begin(1, 100.0)
    server.may_answer.clear()
    async with connected(server, leadership.check, ClientLimits(request_connections=1)) as client:

        async def write(name: str) -> None:
            TERM.set(1)
            await client.create(CONFIG_MAP, "n", {"metadata": {"name": name}})

        first = asyncio.create_task(write("first"))
        await server.until_arrived(1)
        second = asyncio.create_task(write("second"))
        await asyncio.sleep(0)
        leadership.end()
        server.may_answer.set()
        await first
        with pytest.raises(LeadershipLostError):
            await second
    assert len(server.arrived) == 1


async def test_a_refused_write_leaves_the_client_in_working_order(server: Server) -> None:
    is_closed = False

    def fence() -> None:
        if is_closed:
            closed()

    async with connected(server, fence, ClientLimits(request_connections=1)) as client:
        for _ in range(3):
            is_closed = True
            with pytest.raises(LeadershipLostError):
                await client.patch(CONFIG_MAP, ("n", "c"), {}, PatchType.MERGE)
            is_closed = False
            await client.patch(CONFIG_MAP, ("n", "c"), {}, PatchType.MERGE)
    assert len(server.arrived) == 3


async def test_the_lease_passes_a_closed_fence_on_a_connection_of_its_own(server: Server) -> None:
    server.may_answer.clear()
    async with connected(server, closed, ClientLimits(request_connections=1)) as client:
        busy = asyncio.create_task(client.get(CONFIG_MAP, "n", "c"))
        await server.until_arrived(1)
        renewal = asyncio.create_task(LeaseStore(client.transport, "n").replace(RECORD, "1"))
        await server.until_arrived(2)
        server.may_answer.set()
        assert await renewal is not None
        await busy
    assert server.arrived[1].startswith("PUT /apis/coordination.k8s.io/v1/namespaces/n/leases/")
    assert len(server.connections) == 2


async def test_the_lease_does_not_wait_long_for_an_answer(server: Server) -> None:
    server.may_answer.clear()
    async with connected(server, closed, ClientLimits(lease_timeout_seconds=0.05)) as client:
        with pytest.raises(ClusterUnavailableError):
            await LeaseStore(client.transport, "n").read()


async def test_no_more_connections_than_allowed(server: Server) -> None:
    limits = ClientLimits(request_connections=3)
    server.may_answer.clear()
    async with connected(server, lambda: None, limits) as client:
        reads = [asyncio.create_task(client.get(CONFIG_MAP, "n", f"c{i}")) for i in range(12)]
        await server.until_arrived(3)
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert len(server.arrived) == 3
        server.may_answer.set()
        await asyncio.gather(*reads)
    assert len(server.connections) == 3
