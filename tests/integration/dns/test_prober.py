"""The proof by a file, asked for at a web server that a tenant may choose."""

from __future__ import annotations

import asyncio
import gzip
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp import web
from frankenpanel_operator.dns.prober import MOST_BYTES, AiohttpProber
from frankenpanel_operator.findings import HttpAnswer, HttpOutcome

pytestmark = pytest.mark.integration

LOOPBACK = [ip_network("127.0.0.0/8")]
HOST, PATH = "shop.example.test", "/.well-known/frankenpanel-verification"


@pytest.fixture
def prober(web_server: Any) -> AiohttpProber:
    return AiohttpProber(LOOPBACK, port=web_server.port, total_seconds=20)


async def test_a_file_is_read_at_the_address_with_the_host_in_the_request(
    prober: AiohttpProber, web_server: Any
) -> None:
    web_server.serve("frankenpanel-verification=abc\n")
    answer = await prober.body(HOST, PATH, ["127.0.0.1"])
    assert answer == HttpAnswer(HttpOutcome.FOUND, "frankenpanel-verification=abc\n")
    assert web_server.requests == [(HOST, PATH)]


async def test_an_address_that_is_not_public_is_not_asked(web_server: Any) -> None:
    prober = AiohttpProber(port=web_server.port)
    for addresses in (["127.0.0.1"], ["10.0.0.1", "::1"], ["::ffff:127.0.0.1"], []):
        assert await prober.body(HOST, PATH, addresses) == HttpAnswer(HttpOutcome.REFUSED)
    assert web_server.requests == []


async def test_of_several_addresses_only_one_that_may_be_asked_is(
    prober: AiohttpProber, web_server: Any
) -> None:
    web_server.serve("here")
    answer = await prober.body(HOST, PATH, ["10.0.0.1", "169.254.169.254", "127.0.0.1"])
    assert answer.body == "here"


async def test_a_redirect_is_not_followed(prober: AiohttpProber, web_server: Any) -> None:
    async def elsewhere(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(f"http://127.0.0.1:{web_server.port}/secret")

    web_server.answer = elsewhere
    assert await prober.body(HOST, PATH, ["127.0.0.1"]) == HttpAnswer(HttpOutcome.REDIRECTED)
    assert [path for _, path in web_server.requests] == [PATH]


async def test_a_missing_file_is_told_from_no_answer(prober: AiohttpProber, web_server: Any) -> None:
    assert await prober.body(HOST, PATH, ["127.0.0.1"]) == HttpAnswer(HttpOutcome.NOT_FOUND)
    nobody = AiohttpProber(LOOPBACK, port=1, total_seconds=20)
    assert await nobody.body(HOST, PATH, ["127.0.0.1"]) == HttpAnswer(HttpOutcome.FAILED)


async def test_of_a_long_answer_only_the_beginning_is_read(prober: AiohttpProber, web_server: Any) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65536)

    web_server.answer = endless
    answer = await prober.body(HOST, PATH, ["127.0.0.1"])
    assert (answer.outcome, len(answer.body)) == (HttpOutcome.FOUND, MOST_BYTES + 1)


async def test_a_packed_answer_is_not_unpacked(prober: AiohttpProber, web_server: Any) -> None:
    async def packed(request: web.Request) -> web.StreamResponse:
        body = gzip.compress(b"frankenpanel-verification=abc")
        return web.Response(body=body, headers={"Content-Encoding": "gzip"})

    web_server.answer = packed
    assert "frankenpanel" not in (await prober.body(HOST, PATH, ["127.0.0.1"])).body


async def test_a_server_that_takes_for_ever_is_left(web_server: Any) -> None:
    async def never(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    web_server.answer = never
    prober = AiohttpProber(LOOPBACK, port=web_server.port, total_seconds=0.2)
    assert await prober.body(HOST, PATH, ["127.0.0.1"]) == HttpAnswer(HttpOutcome.FAILED)


async def test_what_is_no_http_is_no_answer(web_server: Any) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n" * 10)
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        answer = await AiohttpProber(LOOPBACK, port=port, total_seconds=20).body(HOST, PATH, ["127.0.0.1"])
    assert answer == HttpAnswer(HttpOutcome.FAILED)
