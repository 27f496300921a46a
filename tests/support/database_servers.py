"""A database server as tests use it: as root, and as the operator through a provisioner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pymysql
from documented_grants import admin_statements
from frankenpanel_operator.databases.provisioner import PyMySQLProvisioner
from frankenpanel_operator.databases.session import Login, Session, Waits, open_session
from frankenpanel_operator.databases.statements import Statement
from frankenpanel_operator.ports import DatabaseAddress
from mariadb_process import ROOT_PASSWORD, MariaDBProcess
from pydantic import SecretStr

ADMIN = "frankenpanel"
ADMIN_PASSWORD = "admin's \\ password"
PASSWORD = SecretStr("site's \\ password; -- '\"")


class Counted:
    """Counts connections and round trips; `before` and `after` script faults around each batch."""

    def __init__(self) -> None:
        self.connections = 0
        self.batches: list[tuple[Statement, ...]] = []
        self.before: Callable[[tuple[Statement, ...]], tuple[Statement, ...]] = lambda batch: batch
        self.after: Callable[[], None] = lambda: None

    def open(self, login: Login, waits: Waits) -> Session:
        self.connections += 1
        return _CountedSession(open_session(login, waits), self)


class _CountedSession:
    def __init__(self, session: Session, counted: Counted) -> None:
        self._session, self._counted = session, counted
        self.is_mariadb = session.is_mariadb

    def run(self, *batch: Statement) -> list[tuple[tuple[Any, ...], ...]]:
        self._counted.batches.append(batch)
        results = self._session.run(*self._counted.before(batch))
        self._counted.after()
        return results

    def close(self) -> None:
        self._session.close()


@dataclass
class ServerUnderTest:
    """`root` and `admin` are user and password; `process` is there where the server may be stopped."""

    address: DatabaseAddress
    root: tuple[str, str]
    admin: tuple[str, str]
    process: MariaDBProcess | None = None

    def connect(self, user: str, password: str, **options: Any) -> Any:
        # The tests' own server has no TLS; reading all certificates of the machine takes longer than a query.
        options = {"ssl_disabled": self.process is not None, "autocommit": True, **options}
        address = self.address
        return pymysql.connect(host=address.host, port=address.port, user=user, password=password, **options)

    def query(self, sql: str, *parameters: object) -> tuple[tuple[Any, ...], ...]:
        with self.connect(*self.root) as connection, connection.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return tuple(cursor.fetchall())

    def databases(self) -> set[str]:
        return {name for (name,) in self.query("SHOW DATABASES") if name.startswith("fp")}

    def row(self, name: str) -> dict[str, Any] | None:
        sql = "SELECT * FROM frankenpanel.site_databases WHERE database_name = %s"
        options = {"cursorclass": pymysql.cursors.DictCursor}
        with self.connect(*self.root, **options) as connection, connection.cursor() as cursor:
            cursor.execute(sql, (name,))
            return cursor.fetchone()

    async def read_secret(self, name: str) -> Mapping[str, bytes]:
        assert name == self.address.admin_secret
        return {"username": self.admin[0].encode(), "password": self.admin[1].encode()}

    def provisioner(self, waits: Waits | None = None) -> tuple[PyMySQLProvisioner, Counted]:
        counted = Counted()
        return PyMySQLProvisioner(self.read_secret, waits=waits, open_session=counted.open), counted

    def clear(self) -> None:
        """Remove whatever a test left behind."""
        for name in self.databases():
            self.query(f"DROP DATABASE {name}")
        self.query("DROP DATABASE IF EXISTS frankenpanel")
        for (user,) in self.query("SELECT DISTINCT User FROM mysql.user WHERE User LIKE 'fp%'"):
            self.query("DROP USER IF EXISTS %s@'%%'", user)

    def make_admin(self, engine: str) -> None:
        """Make the operator's account as the documentation says."""
        self.query("DROP USER IF EXISTS %s@'%%'", ADMIN)
        for statement in admin_statements(engine):
            if "IDENTIFIED BY" in statement:
                self.query("CREATE USER %s@'%%' IDENTIFIED BY %s", ADMIN, ADMIN_PASSWORD)
            else:
                self.query(statement)


def mariadb_under_test(name: str, process: MariaDBProcess) -> ServerUnderTest:
    """Make the operator's account on a running MariaDB."""
    address = DatabaseAddress(name, process.host, process.port, "admin-account")
    server = ServerUnderTest(address, ("root", ROOT_PASSWORD), (ADMIN, ADMIN_PASSWORD), process)
    server.make_admin("MariaDB")
    return server


def mysql_under_test(host: str, port: int, root: tuple[str, str]) -> ServerUnderTest:
    """Make the operator's account on a MySQL server that somebody else runs."""
    address = DatabaseAddress("mysql", host, port, "admin-account")
    server = ServerUnderTest(address, root, (ADMIN, ADMIN_PASSWORD))
    server.make_admin("MySQL")
    return server
