"""Composition root: reads the settings, wires the parts, runs until told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import structlog
from aiohttp import web

from frankenpanel_gateway.api_client import ApiAccess
from frankenpanel_gateway.block_store import BlockStore
from frankenpanel_gateway.block_watcher import BlockListWatcher
from frankenpanel_gateway.certificate_agent import CertificateAgent
from frankenpanel_gateway.claim_sinks import CLAIMS_PATH, ClaimSinks
from frankenpanel_gateway.log_config import configure_logging
from frankenpanel_gateway.metrics import Metrics
from frankenpanel_gateway.probes import probes_app
from frankenpanel_gateway.route_table import RouteTable
from frankenpanel_gateway.settings import Settings
from frankenpanel_gateway.store import TreeStore
from frankenpanel_gateway.watcher import Watcher, WatchTiming

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
    metrics, access, timing = Metrics(), _api_access(settings), _watch_timing(settings)
    table = RouteTable(TreeStore(settings.routes_root), metrics, settings.upstream_networks)
    certificates = CertificateAgent(settings, access, timing, metrics, _now)
    claims = Watcher(access, CLAIMS_PATH, ClaimSinks(table, certificates.claims), timing, metrics)

    blocked = BlockListWatcher(settings.blocked_networks_file, BlockStore(settings.routes_root), metrics)

    def is_alive() -> bool:
        return claims.is_alive() and certificates.is_alive()

    async with AsyncExitStack() as stack:
        for part in (table, certificates):
            await part.open()
            stack.push_async_callback(part.close)
        await stack.enter_async_context(
            _listen(certificates.app(), settings.permission_host, settings.permission_port)
        )
        probes = probes_app(is_alive, table.is_ready, metrics)
        await stack.enter_async_context(_listen(probes, settings.probes_host, settings.probes_port))
        await _run_until(stop, [claims.run(), blocked.run(), *certificates.loops()])
    _log.info("stopped")


def _now() -> datetime:
    return datetime.now(UTC)


async def _run_until(stop: asyncio.Event, loops: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run the loops until the event; one that ends before was stopped by an error, which is raised."""
    running = [asyncio.create_task(loop) for loop in loops]
    stopping = asyncio.create_task(stop.wait(), name="stop")
    await asyncio.wait({stopping, *running}, return_when=asyncio.FIRST_COMPLETED)
    ended = [task for task in running if task.done()]
    for task in (stopping, *running):
        task.cancel()
    await asyncio.gather(stopping, *running, return_exceptions=True)
    for task in ended:
        task.result()


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
