from __future__ import annotations

import asyncio
import json
import stat

import pytest
from frankenpanel_gateway.caddy_log import MESSAGE_MAX_CHARS, CaddyLog


@pytest.fixture
def told():
    return []


@pytest.fixture
def log(tmp_path, told):
    return CaddyLog(
        tmp_path / "log.sock",
        lambda host, why: told.append(("refused", host, why)),
        lambda host: told.append(("obtained", host)),
    )


def line(**entry: object) -> bytes:
    return json.dumps(entry).encode() + b"\n"


REFUSED = {"logger": "tls.obtain", "msg": "could not get certificate from issuer", "identifier": "a.example"}


def test_refusals_and_successes_are_told_and_nothing_else(log, told):
    log.read(line(**REFUSED, error="HTTP 403 unauthorized"))
    log.read(line(msg="certificate obtained successfully", identifier="b.example"))
    log.read(line(msg="certificate renewed successfully", identifier="c.example"))
    log.read(line(msg="lock acquired", identifier="d.example"))
    assert told == [
        ("refused", "a.example", "HTTP 403 unauthorized"),
        ("obtained", "b.example"),
        ("obtained", "c.example"),
    ]


@pytest.mark.parametrize("content", [b"", b"text\n", b"[]\n", b"{}\n", b'{"identifier": 1}\n', b"\xff\n"])
def test_what_is_not_about_an_order_is_passed_over(log, told, content):
    log.read(content)
    assert told == []


def test_what_an_authority_says_is_short_and_printable(log, told):
    log.read(line(**REFUSED, error="a\nb\x1b" + "c" * 1000))
    ((_, _, message),) = told
    assert message.startswith("a b c")
    assert len(message) <= MESSAGE_MAX_CHARS


async def test_caddy_writes_to_a_socket_that_is_this_users_alone(log, told, tmp_path):
    path = tmp_path / "log.sock"
    path.write_text("left by a killed run")
    async with log.listen():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        _, writer = await asyncio.open_unix_connection(path)
        writer.write(line(**REFUSED, error="x")[:20])
        await writer.drain()
        writer.write(line(**REFUSED, error="x")[20:])
        writer.write_eof()
        async with asyncio.timeout(10):
            while not told:  # noqa: ASYNC110 (what is waited for has no event)
                await asyncio.sleep(0.002)
        writer.close()
        await writer.wait_closed()
    assert told == [("refused", "a.example", "x")]
    assert not path.exists()
