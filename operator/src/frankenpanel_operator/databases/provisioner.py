"""The `DatabaseProvisioner` on PyMySQL: one pool per server, and a memory of what is known to be in order."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import SecretStr

from frankenpanel_operator.databases import operations
from frankenpanel_operator.databases.error_codes import AdminRefusedError, ServerOutageError
from frankenpanel_operator.databases.plan import settings_digest
from frankenpanel_operator.databases.pool import Operation, ServerPool
from frankenpanel_operator.databases.session import (
    Fence,
    FencedSession,
    Login,
    OpenSession,
    Session,
    Waits,
    open_session,
)
from frankenpanel_operator.errors import AdminSecretError, database_dependency
from frankenpanel_operator.ports import DatabaseAccount, DatabaseAddress

T = TypeVar("T")
ReadAdminSecret = Callable[[str], Awaitable[Mapping[str, bytes]]]

# What a hand changed on a server shows after this time at the latest. A look costs one query, so that ten
# thousand Sites make three queries a second.
VERIFY_AFTER_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class _Verified:
    """A database that was in order at a time."""

    settings: tuple[str, str, str]
    at: float


@dataclass(slots=True)
class _Server:
    """One server as it is known in memory."""

    address: DatabaseAddress
    pool: ServerPool
    login: Login | None = None
    verified: dict[str, _Verified] = field(default_factory=dict)


class PyMySQLProvisioner:
    """Brings databases and accounts to their desired state on MariaDB and MySQL servers.

    Args:
        read_admin_secret: reads a Secret of the platform's namespace; its keys are `username` and `password`.
        waits: how long what may take.
        open_session: opens a connection.
        fence: asked before each round trip; nothing is fenced unless given.
    """

    def __init__(
        self,
        read_admin_secret: ReadAdminSecret,
        *,
        waits: Waits | None = None,
        open_session: OpenSession = open_session,
        fence: Fence | None = None,
    ) -> None:
        self._read_admin_secret = read_admin_secret
        self._waits = waits or Waits()
        self._open_session = open_session if fence is None else _fenced(open_session, fence)
        self._servers: dict[str, _Server] = {}

    async def probe(self, server: DatabaseAddress) -> str:
        """Return the server's version text.

        Raises:
            DatabaseUnavailableError: no answer, or the admin account was refused.
        """
        return await self._run(server, operations.probe)

    async def ensure(self, server: DatabaseAddress, account: DatabaseAccount, password: SecretStr) -> bool:
        """Create what is missing and reset what differs; no query where nothing changed since the last time.

        Return whether there was one.

        Raises:
            DatabaseUnavailableError: try again later.
            DatabaseNameTakenError: the database exists and the ownership row is missing or another Site's.
            DatabaseLostError: the database existed and does not any more.
            RetainedDataNotFoundError: `adopt_uid` names data that the server does not have.
        """
        settings = (account.site_uid, account.charset, settings_digest(account, password))
        verified = self._server(server).verified
        known = verified.get(account.name)
        if known and known.settings == settings and time.monotonic() - known.at < VERIFY_AFTER_SECONDS:
            return False
        verified.pop(account.name, None)
        await self._run(server, lambda session: operations.ensure(session, account, password))
        verified[account.name] = _Verified(settings, time.monotonic())
        return True

    async def retain(self, server: DatabaseAddress, account: DatabaseAccount) -> None:
        """Lock the account and mark its ownership row as retained; the data stays."""
        self._server(server).verified.pop(account.name, None)
        await self._run(server, lambda session: operations.retain(session, account))

    async def drop(self, server: DatabaseAddress, account: DatabaseAccount) -> None:
        """Drop database, account and ownership row, if the row is this Site's; repeatable."""
        self._server(server).verified.pop(account.name, None)
        await self._run(server, lambda session: operations.drop(session, account))

    async def close(self) -> None:
        """Close all connections; calls under way end with an error of their own."""
        servers, self._servers = self._servers, {}
        for server in servers.values():
            server.pool.close()

    def _server(self, address: DatabaseAddress) -> _Server:
        """Return what is known of a server; one that moved is another server."""
        known = self._servers.get(address.server_name)
        if known is not None and known.address == address:
            return known
        if known is not None:
            known.pool.close()
        server = _Server(address, ServerPool(address.server_name, self._open_session, self._waits))
        self._servers[address.server_name] = server
        return server

    async def _run(self, address: DatabaseAddress, operation: Operation[T]) -> T:
        server = self._server(address)
        login = server.login or await self._read_login(address)
        try:
            result = await self._run_as(server, operation, login)
        except AdminRefusedError:
            # Perhaps the password was changed since it was read.
            server.login = None
            fresh = await self._read_login(address)
            if fresh == login:
                raise
            login = fresh
            result = await self._run_as(server, operation, login)
        server.login = login
        return result

    async def _run_as(self, server: _Server, operation: Operation[T], login: Login) -> T:
        try:
            return await server.pool.run(operation, login)
        except ServerOutageError:
            # A server that was away may come back with older data.
            server.verified.clear()
            raise

    async def _read_login(self, address: DatabaseAddress) -> Login:
        dependency = database_dependency(address.server_name)
        try:
            secret = await self._read_admin_secret(address.admin_secret)
        except AdminSecretError as error:
            raise AdminSecretError(str(error), dependency=dependency) from None
        try:
            user, password = secret["username"].decode(), secret["password"].decode()
        except (KeyError, UnicodeDecodeError):
            raise AdminSecretError(
                f"the admin account of the database server {address.server_name} is incomplete: its Secret "
                "needs the keys username and password",
                dependency=dependency,
            ) from None
        return Login(address.host, address.port, user, SecretStr(password))


def _fenced(open_session: OpenSession, fence: Fence) -> OpenSession:
    def open_fenced(login: Login, waits: Waits) -> Session:
        return FencedSession(open_session(login, waits), fence)

    return open_fenced
