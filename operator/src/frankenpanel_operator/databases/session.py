"""One connection to a database server: opens it with bounded waits, and runs batches of statements on it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import pymysql
from pydantic import SecretStr
from pymysql.constants import CLIENT

from frankenpanel_operator.databases import statements
from frankenpanel_operator.databases.statements import Parameter, Statement

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Login:
    """Where a server is and as whom to sign in."""

    host: str
    port: int
    user: str
    password: SecretStr = field(repr=False)


@dataclass(frozen=True, slots=True)
class Waits:
    """How long what may take; each is shorter than the next, so that the most telling error comes first.

    Attributes:
        connect_seconds: until the TCP connection stands.
        statement_seconds: until the server ends a statement, or its wait for a lock (by default, never and
            after 50 s or a day).
        answer_seconds: until a server that says nothing is given up.
        call_seconds: for a whole call, the wait for a free connection included.
    """

    connect_seconds: int = 3
    statement_seconds: int = 5
    answer_seconds: int = 8
    call_seconds: float = 15.0


class Session(Protocol):
    """A connection that runs statements."""

    @property
    def is_mariadb(self) -> bool:
        """Whether the server is MariaDB; MySQL otherwise."""

    def run(self, *batch: Statement) -> list[tuple[Row, ...]]:
        """Run statements in order in one round trip, until one fails; return the rows of each."""

    def close(self) -> None:
        """Close at once; never fails."""


OpenSession = Callable[[Login, Waits], Session]
Fence = Callable[[], None]
"""Raises LeadershipLostError where nothing may be changed any more."""


class FencedSession:
    """A `Session` that asks the fence before each round trip."""

    def __init__(self, session: Session, fence: Fence) -> None:
        self._session = session
        self._fence = fence
        self.is_mariadb = session.is_mariadb

    def run(self, *batch: Statement) -> list[tuple[Row, ...]]:
        """Run statements, unless the term in which they were decided is over.

        Raises:
            LeadershipLostError: it is; nothing was sent.
        """
        self._fence()
        return self._session.run(*batch)

    def close(self) -> None:
        """Close at once; never fails."""
        self._session.close()


class PyMySQLSession:
    """A `Session` on PyMySQL, in autocommit mode."""

    def __init__(self, connection: pymysql.Connection[Any]) -> None:
        self._connection = connection
        version: str = connection.get_server_info()  # type: ignore[no-untyped-call]  # the stubs lack its type
        self.is_mariadb = "mariadb" in version.lower()

    def run(self, *batch: Statement) -> list[tuple[Row, ...]]:
        """Run statements in order in one round trip, until one fails; return the rows of each."""
        with self._connection.cursor() as cursor:
            # Each text is a whole statement, escaped under the mode that `open_session` set; joining adds
            # nothing but the separators.
            texts = [cursor.mogrify(item.sql, _reveal(item.parameters)) for item in batch]
            round_trip = ";\n".join(texts)
            cursor.execute(round_trip)
            results = [cursor.fetchall()]
            while cursor.nextset():
                results.append(cursor.fetchall())
        return results

    def close(self) -> None:
        """Close at once; never fails."""
        with suppress(pymysql.err.Error):
            self._connection.close()


def open_session(login: Login, waits: Waits) -> Session:
    """Connect; TLS is used where the server offers it.

    Raises:
        pymysql.err.Error: the server is unreachable or refuses the account.
    """
    connection = pymysql.connect(
        host=login.host,
        port=login.port,
        user=login.user,
        password=login.password.get_secret_value(),
        connect_timeout=waits.connect_seconds,
        read_timeout=waits.answer_seconds,
        write_timeout=waits.answer_seconds,
        charset="utf8mb4",
        # Fixed, because it decides how a literal has to be escaped and what a server silently puts up with.
        sql_mode="STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION",
        client_flag=CLIENT.MULTI_STATEMENTS,
        autocommit=True,
        local_infile=False,
        program_name="frankenpanel-operator",
    )
    session = PyMySQLSession(connection)
    try:
        session.run(statements.limit_session(waits.statement_seconds, is_mariadb=session.is_mariadb))
    except pymysql.err.Error:
        session.close()
        raise
    return session


def _reveal(parameters: tuple[Parameter, ...]) -> tuple[str | int, ...] | None:
    """Return plain values; None keeps PyMySQL from looking for placeholders where there are none."""
    plain = tuple(item.get_secret_value() if isinstance(item, SecretStr) else item for item in parameters)
    return plain or None
