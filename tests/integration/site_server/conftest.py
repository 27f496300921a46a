"""The web server of a Site's pod with the configuration that the operator renders; PHP has a stand-in."""

from __future__ import annotations

import asyncio
import ctypes
import functools
import os
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from api_server_process import REPOSITORY
from frankenpanel_crds.site_access import Access
from frankenpanel_crds.site_http import HttpRules
from frankenpanel_operator.desired.caddyfile import Caddyfile, Directive, directive, render_caddyfile
from frankenpanel_operator.desired.inputs import Application
from frankenpanel_operator.desired.request_rules import ACCOUNTS_PATH, RequestRules
from frankenpanel_operator.desired.web_server import site_server_config

BUILD = Path(os.environ.get("FRANKENPANEL_BUILD_DIR") or REPOSITORY / ".build")
# Our FrankenPHP without PHP: everything that the rules need, and no libphp.
PROGRAM = BUILD / "bin" / "site-server"
HEALTH_PATH = "/healthz"
APPLICATION = Application("wordpress", "6.8", "image", ".", "WpConfig", (), HEALTH_PATH)
# As `htpasswd -nB` would have it: the password is "secret".
ALICE = "alice $2y$04$ekjv3tPPBKeDP2vmyZyQbOQ.Cu5ELTdXBS4CngQdW0.1cQvL0uhc6"
WITHIN_SECONDS = 30.0
PR_SET_PDEATHSIG = 1


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def eventually(check: Callable[[], Any]) -> None:
    """Poll until the check, or what it awaits, holds."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while True:
        found = check()
        if await found if asyncio.iscoroutine(found) else found:
            return
        assert time.monotonic() < deadline, f"not within {WITHIN_SECONDS} s"
        await asyncio.sleep(0.01)


@pytest.fixture(name="eventually")
def eventually_fixture() -> Callable[..., Any]:
    return eventually


@dataclass
class StandIn:
    """What runs in PHP's place; the path /held is answered once `release` is set."""

    port: int = 0
    held: int = 0
    release: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.path == "/held":
            self.held += 1
            await self.release.wait()
        return web.Response(text=f"{request.path}:{len(body)}", headers={"X-Frame-Options": "from PHP"})


@dataclass
class SiteServer:
    """One server: rules can be exchanged while it runs, as the entry point of the image does it."""

    folder: Path
    application: StandIn
    has_siblings: bool = False
    port: int = field(default_factory=free_port)
    probes: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def root(self) -> Path:
        return self.folder / "app"

    def write(self, access: dict[str, Any] | None = None, http: dict[str, Any] | None = None) -> None:
        rules = RequestRules(
            Access.model_validate(access or {}), HttpRules.model_validate(http or {}), HEALTH_PATH
        )
        config = site_server_config(APPLICATION, rules, has_siblings=self.has_siblings)
        options = tuple(option for option in config.options if option.name != "frankenphp")
        moved = Caddyfile(options, tuple(map(self._moved, config.sites)))
        (self.folder / "Caddyfile").write_text(render_caddyfile(moved))

    def _moved(self, item: Directive) -> Directive:
        if item.name == "php_server":
            return directive("reverse_proxy", f"127.0.0.1:{self.application.port}")
        places = {"/app": str(self.root), ACCOUNTS_PATH: str(self.folder / "accounts")}
        ports = {":8080": f":{self.port}", ":8081": f":{self.probes}"}
        arguments = tuple(
            places.get(part, part) if isinstance(part, str) else part for part in item.arguments
        )
        block = None if item.block is None else tuple(map(self._moved, item.block))
        return replace(item, name=ports.get(item.name, item.name), arguments=arguments, block=block)

    async def start(self) -> None:
        self.launch()
        await eventually(self.is_live)

    def launch(self) -> None:
        die_with_parent = functools.partial(ctypes.CDLL(None).prctl, PR_SET_PDEATHSIG, signal.SIGKILL)
        command = [str(PROGRAM), "run", "--config", str(self.folder / "Caddyfile"), "--adapter", "live"]
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                env={"HOME": str(self.folder)},
                preexec_fn=die_with_parent,
            )

    async def is_live(self) -> bool:
        try:
            async with aiohttp.request("GET", f"http://127.0.0.1:{self.probes}/livez") as response:
                return response.status == 200
        except aiohttp.ClientError:
            assert self.process is not None
            assert self.process.poll() is None, self.log()
            return False

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def signal(self, which: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(which)

    def take_up(self) -> None:
        self.signal(signal.SIGUSR2)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def ask(
        self, path: str = "/", *, visitor: str = "198.51.100.1", method: str = "GET", **options: Any
    ) -> aiohttp.ClientResponse:
        """Request as the gateway does for a visitor; the body has been read."""
        headers = {"X-Forwarded-For": visitor, **options.pop("headers", {})}
        async with aiohttp.request(method, self.url(path), headers=headers, **options) as response:
            await response.read()
            return response

    async def status(self, path: str = "/", **options: Any) -> int:
        return (await self.ask(path, **options)).status


@pytest.fixture
async def application() -> AsyncIterator[StandIn]:
    found = StandIn()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.port = runner.addresses[0][1]
    yield found
    found.release.set()
    await runner.cleanup()


@pytest.fixture
def make_server(tmp_path: Path, application: StandIn) -> Iterator[Callable[..., SiteServer]]:
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is not built: make test-integration")
    made: list[SiteServer] = []

    def make(*, has_siblings: bool = False) -> SiteServer:
        folder = tmp_path / f"server-{len(made)}"
        (folder / "app").mkdir(parents=True)
        (folder / "app" / "style.css").write_text("a {}")
        (folder / "accounts").write_text(f"{ALICE}\n")
        server = SiteServer(folder, application, has_siblings)
        server.write()
        made.append(server)
        return server

    yield make
    for server in made:
        server.stop()


@pytest.fixture
async def server(make_server: Callable[..., SiteServer]) -> SiteServer:
    """A running server of a Site that has no rules yet."""
    server = make_server()
    await server.start()
    return server
