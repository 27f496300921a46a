"""The pool with scripted connections; what it does with real ones is in tests/integration/databases."""

from __future__ import annotations

import asyncio
import threading

import pytest
from frankenpanel_operator.databases import pool as pool_module
from frankenpanel_operator.databases.error_codes import ServerOutageError
from frankenpanel_operator.databases.pool import MAX_CONNECTIONS, ServerPool
from frankenpanel_operator.databases.session import FencedSession, Login, Waits
from frankenpanel_operator.engine.leadership import TERM, Leadership
from frankenpanel_operator.errors import DatabaseUnavailableError, LeadershipLostError, SpecError
from pydantic import SecretStr
from pymysql import err

LOGIN = Login("host", 3306, "root", SecretStr("password"))
WAITS = Waits(call_seconds=0.5)


class ScriptedSession:
    is_mariadb = True

    def __init__(self) -> None:
        self.is_closed = False

    def run(self, *batch):
        return []

    def close(self) -> None:
        self.is_closed = True


class Opener:
    def __init__(self) -> None:
        self.sessions: list[ScriptedSession] = []
        self.opened = threading.Semaphore(0)

    def __call__(self, login, waits):
        self.sessions.append(ScriptedSession())
        self.opened.release()
        return self.sessions[-1]


@pytest.fixture
def opener():
    return Opener()


@pytest.fixture
def pool(opener):
    pool = ServerPool("main", opener, WAITS)
    yield pool
    pool.close()


def fail_with(*errors):
    """Return an operation that raises the errors one after another and then succeeds."""
    left = list(errors)

    def operation(session):
        if left:
            raise left.pop(0)
        return "done"

    return operation


async def test_one_connection_serves_one_call_after_another(pool, opener):
    for _ in range(5):
        assert await pool.run(lambda session: "done", LOGIN) == "done"
    assert len(opener.sessions) == 1


async def test_no_more_connections_than_the_bound(pool, opener):
    barrier = threading.Barrier(MAX_CONNECTIONS)
    await asyncio.gather(
        *(pool.run(lambda session: barrier.wait(5), LOGIN) for _ in range(MAX_CONNECTIONS * 3))
    )
    assert len(opener.sessions) == MAX_CONNECTIONS


async def test_a_dead_connection_is_replaced_once(pool, opener):
    await pool.run(lambda session: None, LOGIN)
    lost = err.OperationalError(2006, "MySQL server has gone away")
    assert await pool.run(fail_with(lost), LOGIN) == "done"
    assert [session.is_closed for session in opener.sessions] == [True, False]


async def test_a_new_connection_that_dies_is_an_outage(pool, opener):
    lost = err.OperationalError(2006, "MySQL server has gone away")
    with pytest.raises(ServerOutageError):
        await pool.run(fail_with(lost), LOGIN)
    assert len(opener.sessions) == 1


async def test_after_an_outage_callers_are_told_at_once_when_to_come_back(pool):
    with pytest.raises(ServerOutageError):
        await pool.run(fail_with(err.OperationalError(2003, "")), LOGIN)
    with pytest.raises(ServerOutageError) as refused:
        await pool.run(lambda session: "never asked", LOGIN)
    assert 0 < refused.value.retry_after_seconds <= 1


async def test_an_error_closes_the_connection_it_happened_on(pool, opener):
    with pytest.raises(SpecError):
        await pool.run(fail_with(SpecError("no")), LOGIN)
    with pytest.raises(DatabaseUnavailableError):
        await pool.run(fail_with(err.OperationalError(1205, "")), LOGIN)
    assert all(session.is_closed for session in opener.sessions)


async def test_other_credentials_mean_another_connection(pool, opener):
    await pool.run(lambda session: None, LOGIN)
    await pool.run(lambda session: None, Login("host", 3306, "root", SecretStr("rotated")))
    assert [session.is_closed for session in opener.sessions] == [True, False]


async def test_a_connection_that_was_silent_for_long_is_not_trusted(pool, opener, monkeypatch):
    await pool.run(lambda session: None, LOGIN)
    monkeypatch.setattr(pool_module, "LONGEST_IDLE_SECONDS", -1.0)
    await pool.run(lambda session: None, LOGIN)
    assert opener.sessions[0].is_closed


async def test_a_call_is_given_up_after_its_time_and_never_runs_later(pool):
    release, ran = threading.Event(), []
    stuck = [pool.run(lambda session: release.wait(10), LOGIN) for _ in range(MAX_CONNECTIONS)]
    waiting = pool.run(lambda session: ran.append("late"), LOGIN)
    results = await asyncio.gather(*stuck, waiting, return_exceptions=True)
    release.set()
    assert [type(result) for result in results] == [ServerOutageError] * (MAX_CONNECTIONS + 1)
    assert ran == []


async def test_an_unknown_host_is_an_outage(pool):
    with pytest.raises(ServerOutageError):
        await pool.run(fail_with(OSError("Name or service not known")), LOGIN)


async def test_what_waits_when_the_pool_is_closed_gets_an_error_and_is_not_cancelled(opener):
    pool = ServerPool("main", opener, Waits())
    release = threading.Event()
    calls = [
        asyncio.create_task(pool.run(lambda session: release.wait(10), LOGIN))
        for _ in range(MAX_CONNECTIONS + 2)
    ]
    for _ in range(MAX_CONNECTIONS):
        assert await asyncio.to_thread(opener.opened.acquire, timeout=5)
    pool.close()
    release.set()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert results[:MAX_CONNECTIONS] == [True] * MAX_CONNECTIONS
    assert [type(result) for result in results[MAX_CONNECTIONS:]] == [ServerOutageError] * 2
    assert all(session.is_closed for session in opener.sessions)
    with pytest.raises(ServerOutageError):
        await pool.run(lambda session: None, LOGIN)


async def test_a_term_that_ends_between_two_batches_holds_back_the_second(opener):
    leadership = Leadership(lambda: 0.0)
    leadership.begin(1, 100.0)
    sent = []

    def open_fenced(login, waits):
        return FencedSession(opener(login, waits), leadership.check)

    def operation(session):
        session.run("first")
        sent.append("first")
        leadership.end()
        session.run("second")
        sent.append("second")

    async def work():
        TERM.set(1)
        pool = ServerPool("main", open_fenced, WAITS)
        try:
            await pool.run(operation, LOGIN)
        finally:
            pool.close()

    with pytest.raises(LeadershipLostError):
        await asyncio.create_task(work())
    assert sent == ["first"]
    assert opener.sessions[0].is_closed
