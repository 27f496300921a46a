"""The client against a small scripted server, for what a real API server does not do on request."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from frankenpanel_operator.cluster.api_errors import ExpiredError
from frankenpanel_operator.cluster.client import KubernetesClient, PatchType
from frankenpanel_operator.cluster.connection import Connection
from frankenpanel_operator.cluster.resources import resource_of
from frankenpanel_operator.cluster.transport import ClientLimits
from frankenpanel_operator.errors import ClusterUnavailableError

CONFIG_MAP = resource_of("ConfigMap")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def talking_to(
    handler: Handler, limits: ClientLimits | None = None, token_path: Path | None = None
) -> AsyncIterator[KubernetesClient]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    connection = Connection(f"http://127.0.0.1:{port}", ssl.create_default_context(), token_path=token_path)
    try:
        async with KubernetesClient(connection, limits) as client:
            yield client
    finally:
        await runner.cleanup()


async def test_every_write_names_us_and_the_type_of_its_patch() -> None:
    seen: list[tuple[str, str, str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        headers = request.headers
        manager = request.query.get("fieldManager", "")
        seen.append((request.method, manager, headers["Content-Type"], headers["User-Agent"]))
        return web.json_response({"metadata": {}})

    async with talking_to(answer) as client:
        await client.create(CONFIG_MAP, "n", {"kind": "ConfigMap"})
        await client.patch(CONFIG_MAP, ("n", "c"), [], PatchType.JSON)
        await client.patch(CONFIG_MAP, ("n", "c"), {}, PatchType.MERGE)
    us = "frankenpanel-operator"
    assert [entry[:3] for entry in seen] == [
        ("POST", us, "application/json"),
        ("PATCH", us, "application/json-patch+json"),
        ("PATCH", us, "application/merge-patch+json"),
    ]
    assert all(entry[3].startswith("frankenpanel-operator/") for entry in seen)


async def test_names_cannot_leave_their_segment() -> None:
    paths: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        paths.append(request.raw_path)
        return web.json_response({"metadata": {}})

    async with talking_to(answer) as client:
        await client.get(CONFIG_MAP, "n", "../../secrets/x?y")
    assert paths == ["/api/v1/namespaces/n/configmaps/..%2F..%2Fsecrets%2Fx%3Fy"]


async def test_too_many_requests_carries_the_servers_wish() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"message": "slow down"}, status=429, headers={"Retry-After": "3"})

    async with talking_to(answer) as client:
        with pytest.raises(ClusterUnavailableError, match="slow down") as caught:
            await client.get(CONFIG_MAP, "n", "c")
    assert caught.value.retry_after_seconds == 3


@pytest.mark.parametrize("text", ["<html>bad gateway</html>", "", "[]"])
async def test_answers_that_are_no_status_are_survived(text: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text, status=502)

    async with talking_to(answer) as client:
        with pytest.raises(ClusterUnavailableError, match="HTTP 502"):
            await client.get(CONFIG_MAP, "n", "c")


async def test_a_success_that_is_no_answer_of_an_api_server_is_none() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="<html>please sign in</html>")

    async with talking_to(answer) as client:
        with pytest.raises(ClusterUnavailableError):
            await client.get(CONFIG_MAP, "n", "c")


async def test_a_hung_request_ends() -> None:
    async def answer(_: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    async with talking_to(answer, ClientLimits(request_timeout_seconds=0.1)) as client:
        with pytest.raises(ClusterUnavailableError, match="TimeoutError"):
            await client.get(CONFIG_MAP, "n", "c")


async def test_a_refused_token_is_read_again_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("new")

    async def answer(request: web.Request) -> web.Response:
        is_known = request.headers["Authorization"] == "Bearer newer"
        return web.json_response({"metadata": {}}, status=200 if is_known else 401)

    async with talking_to(answer, token_path=path) as client:
        with pytest.raises(ClusterUnavailableError):
            await client.get(CONFIG_MAP, "n", "c")
        path.write_text("newer")
        await client.get(CONFIG_MAP, "n", "c")


async def stream(request: web.Request, *chunks: bytes) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for chunk in chunks:
        await response.write(chunk)
        await asyncio.sleep(0)
    return response


async def collect(client: KubernetesClient) -> list[dict[str, Any]]:
    return [event async for event in client.watch(CONFIG_MAP, {"resourceVersion": "1"})]


async def test_watch_lines_may_be_long_and_cut_anywhere() -> None:
    big = {"type": "ADDED", "object": {"data": "x" * 300_000}}
    small = {"type": "BOOKMARK", "object": {}}
    text = b"".join(json.dumps(event).encode() + b"\n" for event in (small, big, small))

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.query["watch"] == "true"
        return await stream(request, text[:7], text[7:150_000], text[150_000:])

    async with talking_to(answer) as client:
        assert await collect(client) == [small, big, small]


async def test_a_silent_watch_is_dead() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = await stream(request, b'{"type": "BOOKMARK"}\n')
        await asyncio.sleep(5)
        return response

    async with talking_to(answer, ClientLimits(watch_silence_seconds=0.1)) as client:
        with pytest.raises(ClusterUnavailableError):
            await collect(client)


async def test_a_watch_that_is_refused_as_too_old_says_so() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"reason": "Expired"}, status=410)

    async with talking_to(answer) as client:
        with pytest.raises(ExpiredError):
            await collect(client)


async def test_a_client_that_is_not_open_is_a_mistake_of_ours() -> None:
    client = KubernetesClient(Connection("http://127.0.0.1:9", ssl.create_default_context()))
    with pytest.raises(RuntimeError):
        await client.get(CONFIG_MAP, "n", "c")
