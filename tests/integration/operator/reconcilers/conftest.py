"""The operator as `main` wires it, between a real API server and a real MariaDB.

No controllers run in that API server: the fixture `controllers` does what they would do.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import pytest
from frankenpanel_operator import main
from frankenpanel_operator.cluster.connection import Connection
from frankenpanel_operator.handlers.runtime import Adapters, Runtime
from frankenpanel_operator.settings import Settings
from hanging_up import until_hung_up
from installation import Installation
from noted_operator import NotedOperator


@pytest.fixture
def operator(
    connection: Connection, installation: Installation
) -> Callable[..., AbstractAsyncContextManager[NotedOperator]]:
    """Return a function that starts an operator with an empty memory, and stops it after the block."""

    @asynccontextmanager
    async def running(**changes: Any) -> AsyncIterator[NotedOperator]:
        values = {
            "platform_namespace": installation.platform,
            "metrics_port": 0,
            "embedded_mariadb": False,
            # Some tests count writes.
            "canary_seconds": 3600,
        }
        settings = Settings(**{**values, **changes})
        databases: list[Any] = []

        def build(adapters: Adapters) -> Mapping[str, Any]:
            reconcilers = main.build_reconcilers(settings, adapters)
            databases.append(reconcilers["Site"].__self__.databases)  # type: ignore[attr-defined]
            return reconcilers

        runtime = Runtime(settings, connection, main.SystemClock(), build)
        operator = NotedOperator(runtime, installation.tenant)
        await runtime.open()
        try:
            await runtime.start()
            yield operator
        finally:
            await runtime.stop()
            await until_hung_up()
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

    async def wait(condition: Callable[[], Any], what: str, seconds: float = 60.0) -> float:
        started = time.monotonic()
        while not await asyncio.to_thread(condition):
            assert time.monotonic() - started < seconds, f"not within {seconds} s: {what}"
            await asyncio.sleep(0.01)
        return time.monotonic() - started

    return wait


@pytest.fixture
def settled(
    installation: Installation, until: Callable[..., Awaitable[float]]
) -> Callable[..., Awaitable[None]]:
    """Return a coroutine function that waits until a Site runs (or as told) and nothing is left to do."""

    def runs(site: str) -> bool:
        return installation.condition(site, "WorkloadAvailable") == "True Available"

    async def wait(running: NotedOperator, site: str, is_reached: Callable[[str], bool] = runs) -> None:
        await until(lambda: is_reached(site), f"{site} is where it should be")
        await until(running.is_idle, "nothing is left to do")

    return wait


@pytest.fixture
def process(installation: Any) -> Iterator[Any]:
    """Yield the database server's process, which runs again afterwards."""
    process = installation.database.process
    yield process
    process.stop()
    process.start()
