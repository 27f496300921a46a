"""Rules that change while a server runs, and servers that stop: no request fails for it."""

from __future__ import annotations

import asyncio
import signal

import aiohttp
import pytest

pytestmark = pytest.mark.integration

VISITORS = 8
CHANGES = 20


def marked(text):
    return {"headers": [{"name": "X-Mark", "value": text}]}


async def mark_of(server):
    return (await server.ask()).headers.get("X-Mark")


async def test_changes_cost_no_request_and_no_connection(server, eventually):
    """Visitors send what cannot be sent twice, over connections that they keep."""
    connections = 0
    changing = True
    found = []

    async def count(*_):
        nonlocal connections
        connections += 1

    tracing = aiohttp.TraceConfig()
    tracing.on_connection_create_end.append(count)

    async def visit(session):
        while changing:
            async with session.post(server.url("/form"), data=b"x" * 100) as response:
                found.append((response.status, await response.text()))

    connector = aiohttp.TCPConnector(limit=VISITORS)
    async with aiohttp.ClientSession(connector=connector, trace_configs=[tracing]) as session:
        visits = [asyncio.create_task(visit(session)) for _ in range(VISITORS)]
        for change in range(CHANGES):
            server.write({"deny": [f"192.0.2.{change}"]}, marked(str(change)))
            server.take_up()

            async def is_in_force(mark=str(change)):
                return await mark_of(server) == mark

            await eventually(is_in_force)
        changing = False
        await asyncio.gather(*visits)
    assert set(found) == {(200, "/form:100")}
    assert connections == VISITORS


async def test_a_slow_request_ends_as_it_began_and_keeps_nobody_waiting(server, application, eventually):
    slow = asyncio.create_task(server.ask("/held"))
    await eventually(lambda: application.held == 1)
    server.write({"deny": ["198.51.100.1"]}, marked("changed"))
    server.take_up()

    async def is_in_force():
        return await server.status() == 403

    await eventually(is_in_force)
    assert not slow.done()
    application.release.set()
    answer = await slow
    assert answer.status == 200
    assert "X-Mark" not in answer.headers


async def test_rules_that_cannot_be_used_leave_those_before_in_force(server, eventually):
    (server.folder / "accounts").unlink()
    server.write({"basicAuth": {"secretRef": {"name": "staff"}}})
    server.take_up()
    await eventually(lambda: "changed routes are not in force" in server.log())
    assert await server.status() == 200
    server.write(http=marked("repaired"))
    server.take_up()

    async def is_in_force():
        return await mark_of(server) == "repaired"

    await eventually(is_in_force)


async def test_the_metrics_of_the_server_outlive_its_rules(server, eventually):
    server.write(http=marked("1"))
    server.take_up()

    async def is_in_force():
        return await mark_of(server) == "1"

    await eventually(is_in_force)
    async with aiohttp.request("GET", f"http://127.0.0.1:{server.probes}/metrics") as response:
        assert "caddy_http_requests_total" in await response.text()


async def test_visitors_of_a_pod_that_stops_move_on_to_its_sibling(make_server):
    """As the gateway does it: connections that it keeps, and new ones to what the Service still names."""
    leaving, staying = make_server(has_siblings=True), make_server(has_siblings=True)
    await leaving.start()
    await staying.start()
    stopping = asyncio.Event()
    served = []

    async def visit():
        reader, writer = await asyncio.open_connection("127.0.0.1", leaving.port)
        while True:
            status, closes = await post(reader, writer)
            served.append(("leaving", status))
            if closes:
                break
            # From now on, the others have to learn of it from the answers.
            stopping.set()
        writer.close()
        served.append(("staying", await staying.status(method="POST", data=b"x")))

    visits = [asyncio.create_task(visit()) for _ in range(VISITORS)]
    await stopping.wait()
    leaving.signal(signal.SIGTERM)
    await asyncio.gather(*visits)
    assert {status for _, status in served} == {200}
    assert [name for name, _ in served].count("staying") == VISITORS
    assert await asyncio.to_thread(leaving.process.wait, 30) == 0


async def test_a_request_under_way_is_answered_before_the_server_stops(server, application, eventually):
    slow = asyncio.create_task(server.ask("/held"))
    await eventually(lambda: application.held == 1)
    server.signal(signal.SIGTERM)
    await eventually(lambda: "shutting down" in server.log())
    application.release.set()
    assert (await slow).status == 200
    assert await asyncio.to_thread(server.process.wait, 30) == 0


async def post(reader, writer):
    """Send a POST over a connection; return the answer's status, and whether the connection ends with it."""
    writer.write(
        b"POST /form HTTP/1.1\r\nHost: shop\r\nX-Forwarded-For: 198.51.100.1\r\nContent-Length: 1\r\n\r\nx"
    )
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = next(line for line in head.splitlines() if line.startswith("content-length:"))
    await reader.readexactly(int(length.split(":")[1]))
    return int(head.split()[1]), "connection: close" in head
