"""Requests that two servers could cut differently: a site gets one plain request out of them, or none."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

pytestmark = pytest.mark.integration

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n"
BODY = b"0\r\n\r\n" + HIDDEN
CL = b"Content-Length: %d" % len(BODY)
TE = b"Transfer-Encoding: chunked"

# Header lines in front of BODY: read by length, it is one body; read in chunks, HIDDEN is a request.
FRAMES = {
    "length-and-chunked": CL + b"\r\n" + TE,
    "chunked-and-length": TE + b"\r\n" + CL,
    "chunked-and-short-length": TE + b"\r\nContent-Length: 4",
    "chunked-in-mixed-case": CL + b"\r\ntRANSFER-eNCODING: cHUNKED",
    "space-before-colon": CL + b"\r\nTransfer-Encoding : chunked",
    "tab-before-colon": CL + b"\r\nTransfer-Encoding\t: chunked",
    "tab-after-colon": CL + b"\r\nTransfer-Encoding:\tchunked",
    "vertical-tab": CL + b"\r\nTransfer-Encoding: \x0bchunked",
    "space-in-front": CL + b"\r\n Transfer-Encoding: chunked",
    "folded": CL + b"\r\nTransfer-Encoding:\r\n chunked",
    "folded-other": CL + b"\r\nX-A: b\r\n\tTransfer-Encoding: chunked",
    "twice": CL + b"\r\n" + TE + b"\r\nTransfer-Encoding: identity",
    "list": CL + b"\r\nTransfer-Encoding: identity, chunked",
    "list-other-way": CL + b"\r\nTransfer-Encoding: chunked, identity",
    "unknown-coding": CL + b"\r\nTransfer-Encoding: xchunked",
    "quoted": CL + b'\r\nTransfer-Encoding: "chunked"',
    "with-parameter": CL + b"\r\nTransfer-Encoding: chunked;a=b",
    "empty-coding": CL + b"\r\nTransfer-Encoding:",
    "underscore": CL + b"\r\nTransfer_Encoding: chunked",
    "dot": CL + b"\r\nTransfer.Encoding: chunked",
    "zero-byte-in-value": CL + b"\r\nTransfer-Encoding: chunked\x00",
    "zero-byte-in-name": CL + b"\r\nTransfer-Encoding\x00: chunked",
    "behind-a-bare-cr": CL + b"\r\nX-A: b\rTransfer-Encoding: chunked",
    "behind-a-bare-lf": CL + b"\r\nX-A: b\nTransfer-Encoding: chunked",
    "behind-cr-cr-lf": CL + b"\r\nX-A: b\r\r\nTransfer-Encoding: chunked",
    "no-colon": CL + b"\r\nTransfer-Encoding chunked",
    "hop-by-hop": CL + b"\r\nConnection: close, Content-Length",
    "lengths-differ": CL + b"\r\nContent-Length: 5",
    "lengths-differ-other-way": b"Content-Length: 5\r\n" + CL,
    "lengths-equal": CL + b"\r\n" + CL,
    "length-list": CL + b", 5",
    "length-with-sign": b"Content-Length: +5",
    "length-negative": b"Content-Length: -1",
    "length-hexadecimal": b"Content-Length: 0x5",
    "length-with-space": b"Content-Length: 5 0",
    "length-empty": b"Content-Length:",
    "length-overflow": b"Content-Length: 18446744073709551621",
    "length-underscore": CL + b"\r\nContent_Length: 5",
    "length-other-digits": "Content-Length: \u0665".encode(),
    "host-twice": CL + b"\r\nHost: blog.example",
    "upgrade-to-http2": CL
    + b"\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
}

# Bodies that come in chunks.
CHUNKS = {
    "hexadecimal-prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
    "negative-size": b"-5\r\nhello\r\n0\r\n\r\n",
    "size-overflow": b"FFFFFFFFFFFFFFFF5\r\nhello\r\n0\r\n\r\n",
    "bare-lf-after-size": b"5\nhello\r\n0\r\n\r\n",
    "bare-lf-in-extension": b"5;a\nhello\r\n0\r\n\r\n",
    "bare-cr-in-extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "long-extension": b"5;" + b"a" * 20_000 + b"\r\nhello\r\n0\r\n\r\n",
    "no-end-of-chunk": b"5\r\nhello0\r\n\r\n",
    "space-before-size": b" 5\r\nhello\r\n0\r\n\r\n",
    "underscore-in-size": b"0_5\r\nhello\r\n0\r\n\r\n",
    "trailers": b"5\r\nhello\r\n0\r\nContent-Length: 99\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n",
    "broken-trailers": b"5\r\nhello\r\n0\r\nContent-Length : 99\r\nGET /hidden HTTP/1.1\r\n\r\n",
}


def shaped(name: str) -> bytes:
    head = b"POST /open HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n"
    if name in FRAMES:
        return head + FRAMES[name] + b"\r\n\r\n" + BODY
    return head + TE + b"\r\n\r\n" + CHUNKS[name] + HIDDEN


REST = b"Host: shop.example\r\nConnection: close\r\n\r\n"

# Requests whose first line or whose ends of lines are unusual.
WHOLE = {
    "line-feeds-only": b"POST /open HTTP/1.1\nHost: shop.example\nConnection: close\n" + CL + b"\n\n" + BODY,
    "two-spaces": b"POST  /open HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n"
    + CL
    + b"\r\n\r\n"
    + BODY,
    "get-with-body": b"GET /open HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n"
    + CL
    + b"\r\n\r\n"
    + BODY,
    "http-1.0-chunked": b"POST /open HTTP/1.0\r\nHost: shop.example\r\n" + TE + b"\r\n\r\n" + BODY,
    "http-0.9": b"GET /open\r\n" + HIDDEN,
    "http-1.2": b"GET /open HTTP/1.2\r\n" + REST,
    "http-2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + HIDDEN,
    "lf-in-target": b"GET /open\nGET /hidden HTTP/1.1\r\n" + REST,
    "space-in-target": b"GET /open HTTP/1.1 /hidden HTTP/1.1\r\n" + REST,
    "two-hosts": b"GET http://blog.example/open HTTP/1.1\r\n" + REST,
    "encoded-line-ends": b"GET /open%0d%0aX-Forwarded-For:%206.6.6.6 HTTP/1.1\r\n" + REST,
}

REQUESTS = {name: shaped(name) for name in (*FRAMES, *CHUNKS)} | WHOLE


@dataclass
class Recorder:
    """A site that keeps the head of every request, as it arrived."""

    heads: list[bytes] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                if b"\r\nTransfer-Encoding: chunked\r\n" in head:
                    while size := int(await reader.readuntil(b"\r\n"), 16):
                        await reader.readexactly(size + 2)
                    while await reader.readuntil(b"\r\n") != b"\r\n":
                        pass
                elif length := re.search(rb"\r\nContent-Length: (\d+)", head):
                    await reader.readexactly(int(length[1]))
                target = head.split(b" ", 2)[1]
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(target), target))
        writer.close()


@pytest.fixture
async def recorder(gateway, store) -> AsyncIterator[Recorder]:
    await gateway.restart(read_timeout="10s", idle_timeout="1s")
    recorder = Recorder()
    async with await asyncio.start_server(recorder.serve, "127.0.0.1", 0) as server:
        recorder.port = server.sockets[0].getsockname()[1]
        store.add("shop.example", f"p0,demo.shop,127.0.0.1:{recorder.port}")
        yield recorder
        gateway.stop()


async def answer_to(gateway, request: bytes) -> bytes:
    """Send bytes as they are; return what comes until the connection ends, or is reset over unread bytes."""
    reader, writer = await gateway.connect()
    writer.write(request)
    answer = b""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(30):
            while part := await reader.read(65536):
                answer += part
    writer.close()
    return answer


def assert_plain(head: bytes) -> None:
    """Assert that a request can be read in one way only, and that its sender is known."""
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    assert re.fullmatch(rb"(GET|POST) /[!-~]* HTTP/1\.1", first), first
    assert not [line for line in lines if not re.fullmatch(rb"[A-Za-z0-9-]+: [ -~]*", line)], head
    fields = [line.split(b": ", 1) for line in lines]
    values = {name.lower(): [v for n, v in fields if n.lower() == name.lower()] for name, _ in fields}
    assert values[b"host"] == [b"shop.example"]
    assert values[b"x-forwarded-for"] == [b"127.0.0.1"]
    lengths, codings = values.get(b"content-length", []), values.get(b"transfer-encoding", [])
    assert (len(lengths), codings) in [(0, []), (1, []), (0, [b"chunked"])], head
    assert b"upgrade" not in values
    assert b"http2-settings" not in values


async def test_a_site_gets_one_plain_request_or_none(gateway, recorder):
    """All in one test: the connections to the site are kept, and one poisoned request would meet the next."""
    arrived = {}
    for name, request in REQUESTS.items():
        recorder.heads.clear()
        answer = await answer_to(gateway, request)
        assert b"/hidden" not in answer, name
        targets = [head.split(b" ", 2)[1] for head in recorder.heads]
        assert len(targets) <= 1, (name, targets)
        assert all(target.startswith(b"/open") for target in targets), (name, targets)
        for head in recorder.heads:
            assert_plain(head)
        arrived[name] = len(targets)

        status, body = await gateway.get("shop.example", f"/after-{name}")
        assert (status, body) == (200, f"/after-{name}"), name
    # Those that are sound must arrive: else nothing would have been shown.
    assert arrived["lengths-equal"] == arrived["get-with-body"] == 1
    assert arrived["length-and-chunked"] + arrived["lengths-differ"] + arrived["two-hosts"] <= 1


async def test_a_second_request_on_the_connection_is_one_of_its_own(gateway, recorder):
    """What follows a request in the same packet is not part of it, and its sender is known, too."""
    first = b"POST /open HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 2\r\n\r\nok"
    await answer_to(gateway, first + HIDDEN)
    assert [head.split(b" ", 2)[1] for head in recorder.heads] == [b"/open", b"/hidden"]
    for head in recorder.heads:
        assert_plain(head)
