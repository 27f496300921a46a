"""Composition root: reads the settings, wires the parts, runs until told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from aiohttp import web

from frankenpanel_gateway.api_client import ApiAccess
from frankenpanel_gateway.log_config import configure_logging
from frankenpanel_gateway.metrics import Metrics
from frankenpanel_gateway.permission import permission_app
from frankenpanel_gateway.probes import probes_app
from frankenpanel_gateway.route_table import RouteTable
from frankenpanel_gateway.settings import Settings
from frankenpanel_gateway.store import TreeStore
from frankenpanel_gateway.watcher import ClaimWatcher, WatchTiming

_log = structlog.stdlib.get_logger(__name__)


def main() -> None:
    """Run the agent."""
    settings = Settings()
    configure_logging(settings.log_level)
    asyncio.run(run_agent(settings))


async def run_agent(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; an error that would leave the tree behind ends the process."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    metrics = Metrics()
    table = RouteTable(TreeStore(settings.routes_root), metrics, settings.upstream_networks)
    watcher = ClaimWatcher(_api_access(settings), table, _watch_timing(settings), metrics)
    async with AsyncExitStack() as stack:
        await table.open()
        stack.push_async_callback(table.close)
        permission = permission_app(table.serves, metrics)
        await stack.enter_async_context(
            _listen(permission, settings.permission_host, settings.permission_port)
        )
        probes = probes_app(watcher.is_alive, table.is_ready, metrics)
        await stack.enter_async_context(_listen(probes, settings.probes_host, settings.probes_port))
        await _run_until(stop, watcher)
    _log.info("stopped")


async def _run_until(stop: asyncio.Event, watcher: ClaimWatcher) -> None:
    watching = asyncio.create_task(watcher.run(), name="watch")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    await asyncio.wait({watching, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if watching.done():
        stopping.cancel()
        await watching
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


@asynccontextmanager
async def _listen(app: web.Application, host: str | None, port: int) -> AsyncIterator[None]:
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()


def _api_access(settings: Settings) -> ApiAccess:
    token = settings.api_token
    return ApiAccess(
        url=settings.api_url,
        ca_file=settings.api_ca_file,
        token_file=settings.api_token_file,
        tls_server_name=settings.api_tls_server_name,
        token=None if token is None else token.get_secret_value(),
    )


def _watch_timing(settings: Settings) -> WatchTiming:
    return WatchTiming(
        page_size=settings.list_page_size,
        watch_seconds=settings.watch_seconds,
        backoff_max_seconds=settings.backoff_max_seconds,
    )
