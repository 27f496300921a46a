"""An HTTPS proxy between an operator and the tests' API server, which does harm as it is told.

It runs in a thread of its own, so that neither a busy operator nor a waiting test slows it down. Whatever
comes in is recorded with its time and its answer: tests judge an operator by what it asked for.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import yaml
from aiohttp import web
from fault_rules import (
    WATCHES,
    ApiRequest,
    Cut,
    Delay,
    Fault,
    Interference,
    Refusal,
    Rules,
    Silence,
    parse_request,
)
from hanging_up import until_hung_up

START_SECONDS = 30
# They belong to one connection, or are made anew from the body.
_HOP_HEADERS = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})


@dataclass
class Exchange:
    """A request that came in, and what became of it; times are those of `time.monotonic`.

    `status` and `answered_at` stay 0 while it is under way; a connection that was cut has no status either.
    """

    request: ApiRequest
    arrived_at: float
    fault: Fault | None
    answered_at: float = 0.0
    status: int = 0

    def answer(self, status: int) -> None:
        self.status, self.answered_at = status, time.monotonic()


class _Stream:
    """A watch that stands; deaf ones stay deaf, ended ones say a last line."""

    def __init__(self, request: ApiRequest, is_deaf: bool) -> None:
        self.request, self.is_deaf = request, is_deaf
        self.last_line = b""
        self.pump: asyncio.Task[None] | None = None


class FaultProxy:
    """Forwards to the API server of a kubeconfig that `api_server` wrote; use as a context manager."""

    def __init__(self, kubeconfig: Path) -> None:
        self._config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        cluster = self._config["clusters"][0]["cluster"]
        self._authority = Path(cluster["certificate-authority"])
        self._upstream = cluster["server"].rstrip("/")
        self.rules = Rules()
        self.url = ""
        self._exchanges: list[Exchange] = []
        self._streams: set[_Stream] = set()
        self._transports: set[asyncio.BaseTransport] = set()
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)
        self._is_up = threading.Event()
        self._failure: Exception | None = None
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._session: aiohttp.ClientSession

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._is_up.wait(START_SECONDS), "the proxy did not come up"
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(START_SECONDS)

    def write_kubeconfig(self, path: Path) -> Path:
        """Write a kubeconfig of the same user that leads here."""
        config = json.loads(json.dumps(self._config))
        config["clusters"][0]["cluster"]["server"] = self.url
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        return path

    def exchanges(self, verbs: Iterable[str] = (), plurals: Iterable[str] = ()) -> list[Exchange]:
        """Return what came in so far, in the order of arrival; nothing named means everything."""
        wanted, kinds = set(verbs), set(plurals)
        return [
            exchange
            for exchange in tuple(self._exchanges)
            if (not wanted or exchange.request.verb in wanted)
            and (not kinds or exchange.request.plural in kinds)
        ]

    def forget(self) -> None:
        """Begin a new record."""
        self._exchanges = []

    def hang_up(self) -> None:
        """Break every connection that stands; new ones are accepted."""
        self._call(self._abort_all)

    def end_watches(self, *plurals: str, saying: Refusal | None = None) -> None:
        """End the standing watches (of some kinds, or all), with an ERROR event where `saying` is given."""
        event = {"type": "ERROR", "object": saying.body()} if saying is not None else None
        line = json.dumps(event).encode() + b"\n" if event else b""
        self._call(self._end, frozenset(plurals), line)

    def watched_plurals(self) -> set[str]:
        """Return the kinds of which a watch stands right now."""
        return {stream.request.plural for stream in tuple(self._streams) if not stream.is_deaf}

    def _call(self, function: Any, *arguments: Any) -> None:
        """Run a function in the proxy's thread, and wait for it."""
        done = threading.Event()

        def run() -> None:
            function(*arguments)
            done.set()

        self._loop.call_soon_threadsafe(run)
        assert done.wait(START_SECONDS), "the proxy does not answer"

    def _abort_all(self) -> None:
        for transport in tuple(self._transports):
            if isinstance(transport, asyncio.Transport):
                transport.abort()
        self._transports.clear()

    def _end(self, plurals: frozenset[str], line: bytes) -> None:
        for stream in tuple(self._streams):
            if (not plurals or stream.request.plural in plurals) and stream.pump is not None:
                stream.last_line = line
                stream.pump.cancel()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001  the test's thread raises it
            self._failure = error
        finally:
            self._is_up.set()

    async def _serve(self) -> None:
        """Listen until the test is over."""
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with aiohttp.ClientSession(
            self._upstream,
            connector=aiohttp.TCPConnector(limit=0, ssl=self._trust()),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(),
        ) as self._session:
            runner = web.ServerRunner(web.Server(self._handle, handler_cancellation=True), access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._identity()).start()
            self.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
            self._is_up.set()
            await self._stop.wait()
            self._abort_all()
            await runner.cleanup()
        await until_hung_up()

    def _identity(self) -> ssl.SSLContext:
        """Show the server's own certificate: it names the loopback address, and the operator trusts it."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._authority, self._authority.with_suffix(".key"))
        return context

    def _trust(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self._authority))
        context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
        return context

    async def _handle(self, incoming: web.BaseRequest) -> web.StreamResponse:
        if incoming.transport is not None:
            self._transports.add(incoming.transport)
            self._transports = {item for item in self._transports if not item.is_closing()}
        body = await incoming.read()
        request = parse_request(incoming.method, incoming.path, incoming.query, body)
        exchange = Exchange(request, time.monotonic(), self.rules.fault_for(request))
        self._exchanges.append(exchange)
        match exchange.fault:
            case Refusal() as refusal:
                return _refuse(exchange, refusal)
            case Cut(after_forwarding=False):
                return _cut(incoming)
            case Delay(seconds=seconds):
                await asyncio.sleep(seconds)
            case Interference(act=act):
                await asyncio.to_thread(act, request)
        try:
            return await self._forward(incoming, body, exchange)
        except aiohttp.ClientError:
            return _cut(incoming)

    async def _forward(
        self, incoming: web.BaseRequest, body: bytes, exchange: Exchange
    ) -> web.StreamResponse:
        headers = {key: value for key, value in incoming.headers.items() if key.lower() not in _HOP_HEADERS}
        async with self._session.request(
            incoming.method, incoming.raw_path, data=body or None, headers=headers, allow_redirects=False
        ) as answer:
            if exchange.request.verb in WATCHES and answer.status == 200:
                exchange.answer(answer.status)
                return await self._relay(incoming, answer, exchange)
            content = await answer.read()
            if isinstance(exchange.fault, Cut):
                return _cut(incoming)
            exchange.answer(answer.status)
            return web.Response(body=content, status=answer.status, headers=_headers(answer))

    async def _relay(
        self, incoming: web.BaseRequest, answer: aiohttp.ClientResponse, exchange: Exchange
    ) -> web.StreamResponse:
        outgoing = web.StreamResponse(status=answer.status, headers=_headers(answer))
        outgoing.enable_chunked_encoding()
        await outgoing.prepare(incoming)
        stream = _Stream(exchange.request, isinstance(exchange.fault, Silence))
        stream.pump = asyncio.create_task(self._pump(stream, answer, outgoing))
        self._streams.add(stream)
        try:
            await asyncio.wait([stream.pump])
        finally:
            self._streams.discard(stream)
            stream.pump.cancel()
        with suppress(ConnectionError):
            if stream.last_line:
                await outgoing.write(stream.last_line)
            await outgoing.write_eof()
        return outgoing

    async def _pump(
        self, stream: _Stream, answer: aiohttp.ClientResponse, outgoing: web.StreamResponse
    ) -> None:
        """Pass whole lines on, so that a line of ours never falls into one of the server's."""
        rest = b""
        with suppress(aiohttp.ClientError, ConnectionError):
            async for chunk in answer.content.iter_any():
                complete, end, rest = (rest + chunk).rpartition(b"\n")
                stream.is_deaf = stream.is_deaf or self.rules.is_silenced(stream.request)
                if end and not stream.is_deaf:
                    await outgoing.write(complete + end)
        if stream.is_deaf:
            await asyncio.Event().wait()


def _refuse(exchange: Exchange, refusal: Refusal) -> web.Response:
    headers = {} if refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}
    exchange.answer(refusal.status)
    return web.json_response(refusal.body(), status=refusal.status, headers=headers)


def _cut(incoming: web.BaseRequest) -> web.Response:
    if isinstance(incoming.transport, asyncio.Transport):
        incoming.transport.abort()
    return web.Response(status=502)


def _headers(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {key: value for key, value in answer.headers.items() if key.lower() not in _HOP_HEADERS}
