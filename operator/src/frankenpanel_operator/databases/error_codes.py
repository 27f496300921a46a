"""Translates the errors of PyMySQL, once and for all, into those of `errors`.

The text of a server's error may quote the statement, and with it a password, so neither the text nor the
original error goes any further: what remains is the number and a sentence that a tenant may read.

An error names its server as a dependency where even a mere sign-in would have failed: then everybody else who
needs the server has to wait as well, and one who may try finds out for all. A lock, a missing privilege or a
full disk concerns some statements only, and a sign-in would tell nothing about them.
"""

from __future__ import annotations

from pymysql import err
from pymysql.constants import CR, ER

from frankenpanel_operator.errors import (
    DatabaseAccessDeniedError,
    DatabaseUnavailableError,
    database_dependency,
)

# Numbers that PyMySQL has no name for.
_MARIADB_STATEMENT_TIMEOUT = 1969
_MYSQL_STATEMENT_TIMEOUT = 3024
_MYSQL_READ_ONLY_MODE = 1836
_MARIADB_CONNECTION_KILLED = 1927
_MYSQL_IDLE_TOO_LONG = 4031
_MARIADB_ACCOUNT_LOCKED = 4151
_MYSQL_ACCOUNT_LOCKED = 3118


class ServerOutageError(DatabaseUnavailableError):
    """The server does not answer at all, so that the next one who asks need not try for a while."""


class AdminRefusedError(DatabaseAccessDeniedError):
    """The server refuses the platform's account; its Secret may have changed."""


# Somebody else was faster: another replica, or a hand. Looking again shows what is to be done. In a deadlock
# the server undid our side and let the other one go on; its manual asks for another try.
_RACE = frozenset({ER.DUP_ENTRY, ER.DB_CREATE_EXISTS, ER.CANNOT_USER, ER.LOCK_DEADLOCK})
_MISSING_TABLE = frozenset({ER.BAD_DB_ERROR, ER.NO_SUCH_TABLE})
_REFUSED = frozenset(
    {ER.ACCESS_DENIED_ERROR, _MARIADB_ACCOUNT_LOCKED, _MYSQL_ACCOUNT_LOCKED, ER.HOST_NOT_PRIVILEGED}
)
_OUTAGE = frozenset(
    {
        CR.CR_CONNECTION_ERROR,
        CR.CR_CONN_HOST_ERROR,
        CR.CR_UNKNOWN_HOST,
        CR.CR_SERVER_GONE_ERROR,
        CR.CR_SERVER_LOST,
        CR.CR_SERVER_HANDSHAKE_ERR,
        ER.SERVER_SHUTDOWN,
        ER.HOST_IS_BLOCKED,
        _MARIADB_CONNECTION_KILLED,
        _MYSQL_IDLE_TOO_LONG,
        0,  # PyMySQL's number for a connection that was closed under it
    }
)
_FULL = frozenset({ER.CON_COUNT_ERROR, ER.TOO_MANY_USER_CONNECTIONS, ER.USER_LIMIT_REACHED})
_REASONS = {
    "lacks a privilege; the platform's administrator has to grant it": {
        ER.DBACCESS_DENIED_ERROR,
        ER.TABLEACCESS_DENIED_ERROR,
        ER.COLUMNACCESS_DENIED_ERROR,
        ER.SPECIFIC_ACCESS_DENIED_ERROR,
    },
    "is read-only at the moment": {ER.OPTION_PREVENTS_STATEMENT, _MYSQL_READ_ONLY_MODE},
    "is too busy at the moment": {
        ER.LOCK_WAIT_TIMEOUT,
        ER.LOCK_DEADLOCK,
        ER.QUERY_INTERRUPTED,
        _MARIADB_STATEMENT_TIMEOUT,
        _MYSQL_STATEMENT_TIMEOUT,
    },
    "has no space left": {ER.DISK_FULL, ER.RECORD_FILE_FULL},
}


def code_of(error: err.Error) -> int | None:
    """Return the number of an error, where it has one."""
    code = error.args[0] if error.args else None
    return code if isinstance(code, int) else None


def is_race(error: err.Error) -> bool:
    """Say whether somebody else changed the same at the same time, so that another look is due."""
    return code_of(error) in _RACE


def is_missing_table(error: err.Error) -> bool:
    """Say whether a table, or its database, does not exist."""
    return code_of(error) in _MISSING_TABLE


def is_lost_connection(error: err.Error) -> bool:
    """Say whether the connection turned out to be closed by the other side.

    Silence until a timeout is something else: a second try would wait as long.
    """
    return code_of(error) in _OUTAGE and "timed out" not in str(error)


def translate(error: err.Error, server_name: str) -> DatabaseUnavailableError:
    """Return what a reconciler is told; to be raised `from None`."""
    code = code_of(error)
    if code in _OUTAGE:
        return outage(server_name)
    if code in _REFUSED:
        return AdminRefusedError(
            f"the database server {server_name} refuses the platform's account; the platform's administrator "
            "has to correct it",
            dependency=database_dependency(server_name),
        )
    if code in _FULL:
        return DatabaseUnavailableError(
            f"the database server {server_name} has no free connection at the moment",
            dependency=database_dependency(server_name),
        )
    for reason, codes in _REASONS.items():
        if code in codes:
            return DatabaseUnavailableError(f"the database server {server_name} {reason}")
    return DatabaseUnavailableError(f"the database server {server_name} answers with error {code}")


def outage(server_name: str, *, retry_after_seconds: float | None = None) -> ServerOutageError:
    """Return the error for a server that does not answer."""
    return ServerOutageError(
        f"the database server {server_name} does not answer; it is tried again by itself",
        retry_after_seconds=retry_after_seconds,
        dependency=database_dependency(server_name),
    )
