"""A real name server on loopback, and a real web server beside it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from coredns_process import NameServer, running_name_server
from frankenpanel_operator.dns.resolver import DnspythonResolver


@pytest.fixture(scope="session")
def shared_name_server() -> Iterator[NameServer]:
    with (
        tempfile.TemporaryDirectory(prefix="fp-coredns-") as folder,
        running_name_server(Path(folder)) as server,
    ):
        yield server


@pytest.fixture
def name_server(shared_name_server: NameServer) -> NameServer:
    """Return a name server that runs and whose zone is empty."""
    shared_name_server.write()
    return shared_name_server


@pytest.fixture
def resolver(name_server: NameServer) -> DnspythonResolver:
    """Return a resolver that remembers nothing yet."""
    return DnspythonResolver([name_server.address])


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class WebServer:
    """A web server that answers as a test says, and notes who was asked for what."""

    port: int = 0
    answer: Handler | None = None
    requests: list[tuple[str, str]] = field(default_factory=list)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append((request.host, request.path))
        assert isinstance(request, web.Request)
        return web.Response(status=404) if self.answer is None else await self.answer(request)

    def serve(self, text: str, **options: object) -> None:
        """Let every path show a text."""

        async def answer(request: web.Request) -> web.StreamResponse:
            return web.Response(text=text, **options)  # type: ignore[arg-type]

        self.answer = answer


@pytest_asyncio.fixture
async def web_server() -> AsyncIterator[WebServer]:
    """Yield a web server on 127.0.0.1 that has no pages yet."""
    server = WebServer()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.handle)
    # Some answers of the tests never end.
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.port = runner.addresses[0][1]
    yield server
    await runner.cleanup()
