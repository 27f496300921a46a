"""The operator as `main` wires it, with a proxy that does harm between it and a real API server."""

from __future__ import annotations

import asyncio
import dataclasses
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from crowd import Crowd
from database_servers import ServerUnderTest, mariadb_under_test
from fault_proxy import FaultProxy
from frankenpanel_operator import main
from frankenpanel_operator.cluster.connection import Connection
from frankenpanel_operator.handlers.runtime import Runtime
from frankenpanel_operator.settings import Settings
from hanging_up import until_hung_up
from installation import Installation
from mariadb_process import UNSAFE, ServerMissingError, make_data_folder, running_server

# Far above anything seen: two busy cores of a shared machine must not make a test fail.
PATIENCE_SECONDS = 90.0

# Short enough for a test, and in the same proportions as in an installation.
QUICK = {
    "metrics_port": 0,
    "embedded_mariadb": False,
    "backoff_base_seconds": 0.1,
    "backoff_cap_seconds": 2.0,
    "refused_retry_seconds": 3.0,
}

Until = Callable[..., Awaitable[None]]
StartOperator = Callable[..., AbstractAsyncContextManager[Runtime]]


@pytest.fixture
def proxy(api_server: Path) -> Iterator[FaultProxy]:
    """Yield the way to the API server that the operator takes; the tests themselves take the straight one."""
    with FaultProxy(api_server) as running:
        yield running


@pytest.fixture
def proxied(connection: Connection, proxy: FaultProxy) -> Connection:
    return dataclasses.replace(connection, server=proxy.url)


@pytest.fixture
def platform(own_cluster: None, platform_namespace: str) -> str:
    """Return a namespace for what belongs to the platform, beside no Site of another one."""
    return platform_namespace


@pytest.fixture
def operator(proxied: Connection, platform: str) -> StartOperator:
    """Return a function that runs an operator with an empty memory for a block, once it reconciles."""

    @asynccontextmanager
    async def running(**changes: Any) -> AsyncIterator[Runtime]:
        settings = Settings(**{"platform_namespace": platform, **QUICK, **changes})
        runtime = Runtime(
            settings,
            proxied,
            main.SystemClock(),
            lambda adapters: main.build_reconcilers(settings, adapters),
        )
        await runtime.open()
        try:
            await asyncio.wait_for(runtime.start(), PATIENCE_SECONDS)
            await asyncio.wait_for(runtime.leading.wait(), PATIENCE_SECONDS)
            yield runtime
        finally:
            await runtime.stop()
            await until_hung_up()

    return running


@pytest.fixture
def until() -> Until:
    """Return a coroutine function that polls until a condition holds, in a thread of its own."""

    async def wait(condition: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not (found := await asyncio.to_thread(condition)):
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}; last: {found!r}"
            await asyncio.sleep(0.05)

    return wait


@pytest.fixture
def whole(crowd: Crowd, until: Until) -> Callable[[], Awaitable[None]]:
    """Return a coroutine function that waits until nothing is wrong with anybody of the crowd."""

    async def wait() -> None:
        try:
            await until(crowd.is_whole, "everybody is whole")
        except AssertionError as error:
            raise AssertionError(f"{error}: {crowd.unfinished()}") from error

    return wait


@pytest.fixture(scope="session")
def servers() -> Iterator[list[ServerUnderTest]]:
    """Yield two MariaDBs that a test may freeze."""
    with ExitStack() as stack:
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fp-m-"))) for _ in range(3)]
        try:
            make_data_folder(folders[0] / "data")
        except ServerMissingError as error:
            pytest.skip(str(error))
        template = folders[0] / "data"
        started = [running_server(folder, template, *UNSAFE) for folder in folders[1:]]
        yield [mariadb_under_test("mariadb", stack.enter_context(server)) for server in started]


@pytest.fixture
def installation(
    kubernetes_api: Any, platform: str, namespace: str, servers: list[ServerUnderTest]
) -> Iterator[Installation]:
    """Yield an installation with the first server, whose name comes after that of any other."""
    for server in servers:
        server.clear()
    installation = Installation(kubernetes_api, platform, namespace, servers[0])
    installation.server_name = f"z-{platform}"
    try:
        installation.install()
        yield installation
    finally:
        installation.uninstall()


@pytest.fixture
async def controllers(installation: Installation) -> AsyncIterator[None]:
    """Let the controllers work for the length of a test."""
    task = asyncio.create_task(installation.play_controllers())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
