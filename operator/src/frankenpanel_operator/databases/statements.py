"""Every SQL statement of the operator, as text with parameters; no connection, no I/O.

No word of a tenant reaches the text of a statement: identifiers are of a closed alphabet (`Identifier`),
character sets and collations come from a table, everything else is a parameter. Works on MariaDB (10.6 and
later) and MySQL (8.4); where the two differ, the caller says which one it speaks to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pydantic import SecretStr

Parameter = str | int | SecretStr

_IDENTIFIER = re.compile(r"[a-z0-9]{1,32}", re.ASCII)

# Pods of a Site get their addresses from anywhere in the cluster; NetworkPolicies say who reaches the server.
ACCOUNT_HOST = "%"

# Both engines know these collations. The default ones differ, and MySQL cannot read a dump with MariaDB's.
_COLLATIONS = {
    "utf8mb4": "utf8mb4_unicode_ci",
    "utf8mb3": "utf8mb3_unicode_ci",
    "latin1": "latin1_swedish_ci",
}

# Column of mysql.db and the privilege that it stands for. EVENT is left out: an event runs outside of the
# account's connection limit, for ever, also while the Site is paused. GRANT OPTION would let a Site pass its
# rights on to accounts that outlive it.
_PRIVILEGES = {
    "Select_priv": "SELECT",
    "Insert_priv": "INSERT",
    "Update_priv": "UPDATE",
    "Delete_priv": "DELETE",
    "Create_priv": "CREATE",
    "Drop_priv": "DROP",
    "References_priv": "REFERENCES",
    "Index_priv": "INDEX",
    "Alter_priv": "ALTER",
    "Create_tmp_table_priv": "CREATE TEMPORARY TABLES",
    "Lock_tables_priv": "LOCK TABLES",
    "Create_view_priv": "CREATE VIEW",
    "Show_view_priv": "SHOW VIEW",
    "Create_routine_priv": "CREATE ROUTINE",
    "Alter_routine_priv": "ALTER ROUTINE",
    "Execute_priv": "EXECUTE",
    "Trigger_priv": "TRIGGER",
}
_REFUSED_PRIVILEGES = ("Grant_priv", "Event_priv")
_PRIVILEGE_LIST = ", ".join(_PRIVILEGES.values())
_PRIVILEGE_COLUMNS = ", ".join((*_PRIVILEGES, *_REFUSED_PRIVILEGES))

# The whole of what a server knows about an account, so that any foreign change shows: MariaDB has one
# document for it, MySQL has columns. Hexadecimal keeps the collations of the columns apart.
_MARIADB_ACCOUNT = "SELECT SHA2(Priv, 256) FROM mysql.global_priv WHERE Host = %s AND User = %s"
_MYSQL_ACCOUNT = (
    "SELECT SHA2(CONCAT_WS('/', HEX(plugin), HEX(authentication_string), HEX(account_locked),"
    " HEX(password_expired), HEX(ssl_type), max_user_connections, max_connections, max_questions,"
    " max_updates, HEX(CONCAT(Select_priv, Create_user_priv, File_priv, Process_priv, Super_priv,"
    " Grant_priv))), 256)"
    " FROM mysql.user WHERE Host = %s AND User = %s"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; its representation shows no parameter, because one may be a password."""

    sql: str
    parameters: tuple[Parameter, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Identifier:
    """A name that is safe as an identifier and has no wildcard in it, or no name at all.

    Raises:
        ValueError: for anything but 1 to 32 of the characters a-z and 0-9.
    """

    value: str

    def __post_init__(self) -> None:
        if not isinstance(self.value, str) or _IDENTIFIER.fullmatch(self.value) is None:
            raise ValueError("an identifier has 1 to 32 characters out of a-z and 0-9")

    def __str__(self) -> str:
        return self.value


def quote_identifier(identifier: Identifier) -> str:
    """Return the identifier as a statement takes it."""
    return "`" + identifier.value.replace("`", "``") + "`"


def quote_grant_pattern(identifier: Identifier) -> str:
    """Return the identifier as the database of a GRANT takes it, where `_` and `%` are wildcards."""
    escaped = re.sub(r"([\\_%])", r"\\\1", identifier.value)
    return "`" + escaped.replace("`", "``") + "`"


def is_charset(charset: str) -> bool:
    """Say whether databases may be made with this character set."""
    return charset in _COLLATIONS


def limit_session(statement_seconds: int, *, is_mariadb: bool) -> Statement:
    """Let the server itself end what takes too long; MySQL can do so for lock waits and SELECT only."""
    waits = "SET SESSION lock_wait_timeout = %s, innodb_lock_wait_timeout = %s"
    if is_mariadb:
        return Statement(f"{waits}, max_statement_time = %s", (statement_seconds,) * 3)
    return Statement(
        f"{waits}, max_execution_time = %s", (statement_seconds, statement_seconds, statement_seconds * 1000)
    )


def select_version() -> Statement:
    """Ask for the version text of the server."""
    return Statement("SELECT VERSION()")


def create_ownership_table() -> tuple[Statement, ...]:
    """Make the table that says which Site owns which database; safe to repeat."""
    return (
        Statement("CREATE DATABASE IF NOT EXISTS frankenpanel CHARACTER SET utf8mb4"),
        Statement(
            """CREATE TABLE IF NOT EXISTS frankenpanel.site_databases (
                database_name VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
                site_uid VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
                site_namespace VARCHAR(253) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
                site_name VARCHAR(253) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
                origin_uid VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
                    COMMENT 'the Site that made the data, whose name follows from this uid',
                created_at DATETIME NOT NULL,
                provisioned_at DATETIME NULL COMMENT 'the database was made: its absence is a loss',
                retained_at DATETIME NULL COMMENT 'the Site is gone, the data was kept',
                settings_digest CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
                account_digest CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
                KEY site_uid (site_uid)
            ) ENGINE = InnoDB"""
        ),
    )


def select_state(name: Identifier, *, is_mariadb: bool) -> Statement:
    """Ask for all that a decision about one database needs; answers with exactly one row (see `plan`)."""
    user = name.value
    account = _MARIADB_ACCOUNT if is_mariadb else _MYSQL_ACCOUNT
    return Statement(
        "SELECT owner.site_uid, owner.origin_uid, owner.site_namespace, owner.provisioned_at IS NOT NULL,"  # noqa: S608  constants of this module
        " owner.retained_at IS NOT NULL, owner.settings_digest, owner.account_digest,"
        " (SELECT DEFAULT_CHARACTER_SET_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s),"
        f" ({account}),"
        f" (SELECT GROUP_CONCAT(CONCAT_WS('/', Db, CONCAT({_PRIVILEGE_COLUMNS})) ORDER BY Db SEPARATOR ' ')"
        " FROM mysql.db WHERE User = %s AND Host = %s)"
        " FROM (SELECT 1) AS one LEFT JOIN frankenpanel.site_databases AS owner ON owner.database_name = %s",
        (user, ACCOUNT_HOST, user, user, ACCOUNT_HOST, user),
    )


def expected_privileges(name: Identifier) -> str:
    """Return what `select_state` says of the account's privileges where they are as they should be."""
    return f"{name}/{'Y' * len(_PRIVILEGES)}{'N' * len(_REFUSED_PRIVILEGES)}"


def select_has_tables(name: Identifier) -> Statement:
    """Ask whether the database has any table or view."""
    return Statement(
        "SELECT EXISTS (SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s)", (name.value,)
    )


def insert_owner(name: Identifier, site_uid: str, site_namespace: str, site_name: str) -> Statement:
    """Claim the database's name for a Site; fails where somebody has it."""
    return Statement(
        "INSERT INTO frankenpanel.site_databases"
        " (database_name, site_uid, site_namespace, site_name, origin_uid, created_at)"
        " VALUES (%s, %s, %s, %s, %s, UTC_TIMESTAMP())",
        (name.value, site_uid, site_namespace, site_name, site_uid),
    )


def record_provisioned(
    name: Identifier, site_uid: str, settings_digest: str, *, is_mariadb: bool
) -> Statement:
    """Note that the database exists, what its account was set to, and what the server has made of that."""
    account = _MARIADB_ACCOUNT if is_mariadb else _MYSQL_ACCOUNT
    return Statement(
        "UPDATE frankenpanel.site_databases SET provisioned_at = COALESCE(provisioned_at, UTC_TIMESTAMP()),"  # noqa: S608  a constant
        f" settings_digest = %s, account_digest = ({account})"
        " WHERE database_name = %s AND site_uid = %s",
        (settings_digest, ACCOUNT_HOST, name.value, name.value, site_uid),
    )


def adopt_retained(
    name: Identifier, *, former_uid: str, site_uid: str, site_namespace: str, site_name: str
) -> Statement:
    """Give retained data to another Site of the same namespace.

    Changes nothing where it is not retained any more, or another Site took it up first.
    """
    return Statement(
        "UPDATE frankenpanel.site_databases SET site_uid = %s, site_name = %s, retained_at = NULL"
        " WHERE database_name = %s AND site_uid = %s AND site_namespace = %s AND retained_at IS NOT NULL",
        (site_uid, site_name, name.value, former_uid, site_namespace),
    )


def mark_retained(name: Identifier, site_uid: str) -> Statement:
    """Note that the data outlives its Site."""
    return Statement(
        "UPDATE frankenpanel.site_databases SET retained_at = COALESCE(retained_at, UTC_TIMESTAMP())"
        " WHERE database_name = %s AND site_uid = %s",
        (name.value, site_uid),
    )


def clear_retained(name: Identifier, site_uid: str) -> Statement:
    """Note that the Site is back."""
    return Statement(
        "UPDATE frankenpanel.site_databases SET retained_at = NULL"
        " WHERE database_name = %s AND site_uid = %s",
        (name.value, site_uid),
    )


def delete_owner(name: Identifier, site_uid: str) -> Statement:
    """Give the database's name up."""
    return Statement(
        "DELETE FROM frankenpanel.site_databases WHERE database_name = %s AND site_uid = %s",
        (name.value, site_uid),
    )


def create_database(name: Identifier, charset: str, *, if_absent: bool) -> Statement:
    """Make the database.

    Raises:
        ValueError: the character set is not in the table.
    """
    condition = "IF NOT EXISTS " if if_absent else ""
    return Statement(f"CREATE DATABASE {condition}{quote_identifier(name)} {_charset_clause(charset)}")


def alter_database(name: Identifier, charset: str) -> Statement:
    """Change the character set of tables that will be made.

    Raises:
        ValueError: the character set is not in the table.
    """
    return Statement(f"ALTER DATABASE {quote_identifier(name)} {_charset_clause(charset)}")


def drop_database(name: Identifier) -> Statement:
    """Delete the database with everything in it."""
    return Statement(f"DROP DATABASE IF EXISTS {quote_identifier(name)}")


def create_account(name: Identifier, password: SecretStr, max_connections: int) -> Statement:
    """Make the account; fails where it exists."""
    return Statement(
        "CREATE USER %s@%s IDENTIFIED BY %s WITH MAX_USER_CONNECTIONS %s",
        (name.value, ACCOUNT_HOST, password, _connection_limit(max_connections)),
    )


def reset_account(name: Identifier, password: SecretStr, max_connections: int) -> tuple[Statement, ...]:
    """Make the account where it is absent, and give it this password and limit, unlocked."""
    limit = _connection_limit(max_connections)
    return (
        Statement("CREATE USER IF NOT EXISTS %s@%s IDENTIFIED BY %s", (name.value, ACCOUNT_HOST, password)),
        Statement(
            "ALTER USER %s@%s IDENTIFIED BY %s WITH MAX_USER_CONNECTIONS %s ACCOUNT UNLOCK",
            (name.value, ACCOUNT_HOST, password, limit),
        ),
    )


def grant_database(name: Identifier) -> Statement:
    """Let the account use its database, and nothing else."""
    return Statement(
        f"GRANT {_PRIVILEGE_LIST} ON {quote_grant_pattern(name)}.* TO %s@%s", (name.value, ACCOUNT_HOST)
    )


def revoke_everything(name: Identifier) -> Statement:
    """Take from the account whatever it was ever granted."""
    return Statement("REVOKE ALL PRIVILEGES, GRANT OPTION FROM %s@%s", (name.value, ACCOUNT_HOST))


def lock_account(name: Identifier) -> Statement:
    """Refuse further sign-ins of the account."""
    return Statement("ALTER USER IF EXISTS %s@%s ACCOUNT LOCK", (name.value, ACCOUNT_HOST))


def drop_account(name: Identifier) -> Statement:
    """Delete the account."""
    return Statement("DROP USER IF EXISTS %s@%s", (name.value, ACCOUNT_HOST))


def _charset_clause(charset: str) -> str:
    collation = _COLLATIONS.get(charset)
    if collation is None:
        raise ValueError(f"the character set has to be one of {', '.join(_COLLATIONS)}")
    return f"CHARACTER SET {charset} COLLATE {collation}"


def _connection_limit(max_connections: int) -> int:
    """Refuse 0, which the servers read as "no limit"."""
    if isinstance(max_connections, bool) or not 1 <= max_connections <= 100_000:
        raise ValueError("the number of connections is between 1 and 100000")
    return max_connections
