"""Visitors with hostile requests, and one who goes on visiting somebody else's site meanwhile."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import aiohttp

_PARALLEL = 8
_ANSWER_SECONDS = 20.0


@dataclass
class Neighbour:
    """What the visitors of another tenant's site met."""

    visits: int = 0
    failures: list[object] = field(default_factory=list)


@asynccontextmanager
async def visiting(port: int, host: str, site: str) -> AsyncIterator[Neighbour]:
    """Visit a host all the time, on a connection that stays and on fresh ones; its site has to answer."""
    neighbour, done = Neighbour(), asyncio.Event()

    async def visit(*, is_fresh: bool) -> None:
        while not done.is_set():
            async with aiohttp.ClientSession(headers={"Host": host}) as session:
                for _ in range(1 if is_fresh else 1000):
                    await _visit_once(session, port, site, neighbour)
                    if done.is_set():
                        return

    visitors = [asyncio.create_task(visit(is_fresh=is_fresh)) for is_fresh in (False, True)]
    try:
        yield neighbour
    finally:
        done.set()
        await asyncio.gather(*visitors)


async def _visit_once(session: aiohttp.ClientSession, port: int, site: str, neighbour: Neighbour) -> None:
    neighbour.visits += 1
    try:
        async with session.get(f"http://127.0.0.1:{port}/page?x=1") as response:
            body = await response.text()
            if response.status != 200 or json.loads(body)["site"] != site:
                neighbour.failures.append((response.status, body))
    except (aiohttp.ClientError, ValueError) as error:
        neighbour.failures.append(error)


def hostile_requests(values: Iterable[str], host: str) -> list[bytes]:
    """Return three requests for each value: as host, as path and query, as every header that one can set."""
    requests = []
    for value in values:
        text = value.encode("utf-8", "surrogatepass")
        user = base64.b64encode(text + b":" + text)
        requests += [
            b"GET / HTTP/1.1\r\nConnection: close\r\nHost: " + text + b"\r\n\r\n",
            _to(host, b"/" + text + b"?x=" + text, b"X-Note: x"),
            _to(
                host,
                b"/",
                b"Authorization: Basic " + user,
                *(
                    name + b": " + text
                    for name in (
                        b"X-Note",
                        b"Referer",
                        b"Cookie",
                        b"User-Agent",
                        b"X-Forwarded-For",
                        b"Accept",
                    )
                ),
            ),
        ]
    return requests


def _to(host: str, path: bytes, *headers: bytes) -> bytes:
    lines = (b"GET " + path + b" HTTP/1.1", b"Connection: close", b"Host: " + host.encode(), *headers)
    return b"\r\n".join(lines) + b"\r\n\r\n"


async def answers_to(port: int, requests: Iterable[bytes]) -> list[bytes]:
    """Send bytes as they are, each on a connection of its own; return all that came back."""
    waiting, answers = iter(requests), list[bytes]()

    async def in_turn() -> None:
        for request in waiting:
            answers.append(await _answer(port, request))

    await asyncio.gather(*(in_turn() for _ in range(_PARALLEL)))
    return answers


async def _answer(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        # A refused request may be answered and its connection reset before all of it was read.
        with suppress(ConnectionError):
            return await asyncio.wait_for(reader.read(), _ANSWER_SECONDS)
        return b""
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
