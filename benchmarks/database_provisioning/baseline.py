"""The plain way: database, account and grant are objects of their own, each with a new connection."""

from __future__ import annotations

from typing import Any

import pymysql


def provision(options: dict[str, Any], name: str, password: str, max_connections: int) -> None:
    """Bring one Site's three objects to their desired state; a resync does it all again."""
    _reconcile(options, f"CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4")
    _reconcile(
        options,
        f"CREATE USER IF NOT EXISTS `{name}`@'%%' IDENTIFIED BY %s",
        f"ALTER USER `{name}`@'%%' IDENTIFIED BY %s WITH MAX_USER_CONNECTIONS {max_connections}",
        parameters=(password,),
    )
    _reconcile(options, f"GRANT ALL PRIVILEGES ON `{name}`.* TO `{name}`@'%'")


def _reconcile(options: dict[str, Any], *statements: str, parameters: tuple[str, ...] | None = None) -> None:
    connection = pymysql.connect(**options)
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement, parameters)
    finally:
        connection.close()
