"""A few connections to one server, used by threads of its own: a dead server holds nobody else's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from threading import Lock
from typing import TypeVar

from pymysql import err

from frankenpanel_operator.databases import error_codes
from frankenpanel_operator.databases.breaker import Breaker
from frankenpanel_operator.databases.error_codes import ServerOutageError
from frankenpanel_operator.databases.session import Login, OpenSession, Session, Waits

T = TypeVar("T")
Operation = Callable[[Session], T]

# DDL is serial inside a server; more connections than this only wait for each other.
MAX_CONNECTIONS = 4
# Firewalls forget silent connections without a word, and the next query on one waits for its timeout.
LONGEST_IDLE_SECONDS = 60.0


class ServerPool:
    """Runs operations on one server, at most `MAX_CONNECTIONS` at once.

    A call takes `waits.call_seconds` at most, then it raises; what its thread still does ends by the waits of
    its connection. After an outage calls fail at once for a while (see `Breaker`).
    """

    def __init__(self, server_name: str, open_session: OpenSession, waits: Waits) -> None:
        self._server_name = server_name
        self._open_session = open_session
        self._waits = waits
        self._breaker = Breaker(trial_seconds=waits.call_seconds)
        self._threads = ThreadPoolExecutor(MAX_CONNECTIONS, thread_name_prefix=f"database-{server_name}")
        self._lock = Lock()
        self._idle: list[tuple[Session, Login, float]] = []
        self._is_closed = False

    async def run(self, operation: Operation[T], login: Login) -> T:
        """Run an operation on a connection that is signed in as `login`.

        A connection that turns out to be closed is replaced once, and the operation runs again from its
        beginning: it has to be repeatable.

        Raises:
            ServerOutageError: no answer.
            AdminRefusedError: the server refuses `login`.
            DatabaseUnavailableError: the server answers, but cannot do it at the moment.
        """
        if self._is_closed:
            raise error_codes.outage(self._server_name)
        if pause := self._breaker.enter(time.monotonic()):
            raise error_codes.outage(self._server_name, retry_after_seconds=pause)
        try:
            result = await self._call(operation, login)
        except ServerOutageError:
            self._breaker.fail(time.monotonic())
            raise
        except Exception:
            # Whatever it is that the server refuses, it answers.
            self._breaker.succeed()
            raise
        self._breaker.succeed()
        return result

    def close(self) -> None:
        """Close what is idle now, and what is in use when its operation ends; nothing is waited for."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        # What is in the queue finds out by itself; cancelling it would look to its callers as if they were.
        self._threads.shutdown(wait=False)
        for session, _, _ in idle:
            session.close()

    async def _call(self, operation: Operation[T], login: Login) -> T:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._waits.call_seconds):
                # The thread works in the caller's context: the fence has to know whose term it is.
                work = partial(copy_context().run, self._work, operation, login)
                return await loop.run_in_executor(self._threads, work)
        except TimeoutError:
            raise error_codes.outage(self._server_name) from None
        except OSError:
            # Before PyMySQL has its eye on the connection, as in the name look-up.
            raise error_codes.outage(self._server_name) from None
        except err.Error as error:
            raise error_codes.translate(error, self._server_name) from None

    def _work(self, operation: Operation[T], login: Login) -> T:
        """Run in one of the pool's threads."""
        if self._is_closed:
            raise error_codes.outage(self._server_name)
        session = self._take(login)
        if session is not None:
            try:
                return self._use(session, operation, login)
            except err.Error as error:
                if not error_codes.is_lost_connection(error):
                    raise
        return self._use(self._open_session(login, self._waits), operation, login)

    def _use(self, session: Session, operation: Operation[T], login: Login) -> T:
        """Run the operation; only a connection that is known to be in order is used again."""
        try:
            result = operation(session)
        except BaseException:
            session.close()
            raise
        self._give_back(session, login)
        return result

    def _take(self, login: Login) -> Session | None:
        """Return the connection that was used last, so that the others become idle long enough to go."""
        fresh_since = time.monotonic() - LONGEST_IDLE_SECONDS
        with self._lock:
            usable = [item for item in self._idle if item[1] == login and item[2] >= fresh_since]
            stale = [item for item in self._idle if item not in usable]
            taken = usable.pop() if usable else None
            self._idle = usable
        for session, _, _ in stale:
            session.close()
        return taken[0] if taken else None

    def _give_back(self, session: Session, login: Login) -> None:
        with self._lock:
            if not self._is_closed:
                self._idle.append((session, login, time.monotonic()))
                return
        session.close()
