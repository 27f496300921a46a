"""wp-config.php as a list of statements, and the only place that turns values into PHP.

The application's own wp-config.php is constant: it requires this file and then starts WordPress. So this file
only defines what differs between Sites.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import SecretStr

from frankenpanel_operator.desired.unsafe import UnsafeTextError

TABLE_PREFIX = "wp_"

_BEHIND_THE_GATEWAY = (
    # Only the gateway reaches the pod, so the header is what the visitor's connection really was.
    "if (($_SERVER['HTTP_X_FORWARDED_PROTO'] ?? '') === 'https') {",
    "    $_SERVER['HTTPS'] = 'on';",
    "    $_SERVER['SERVER_PORT'] = '443';",
    "}",
)


@dataclass(frozen=True, slots=True)
class WordPressSettings:
    """What WordPress must be told; `http_address` and `https_address` are None until a host is known."""

    database_host: str
    database_name: str
    database_user: str
    database_password: SecretStr
    charset: str
    keys: Sequence[tuple[str, SecretStr]]
    http_address: str | None
    https_address: str | None


def render_wp_config(settings: WordPressSettings) -> str:
    """Return the file.

    Raises:
        UnsafeTextError: a value cannot be written as a PHP string.
    """
    statements = [
        "<?php",
        *_BEHIND_THE_GATEWAY,
        _define("DB_NAME", settings.database_name),
        _define("DB_USER", settings.database_user),
        _define("DB_PASSWORD", settings.database_password.get_secret_value()),
        _define("DB_HOST", settings.database_host),
        _define("DB_CHARSET", settings.charset),
        _define("DB_COLLATE", ""),
        *(_define(name, value.get_secret_value()) for name, value in settings.keys),
        f"$table_prefix = {php_literal(TABLE_PREFIX)};",
        *_addresses(settings),
        # Code comes from the image and is read-only; only plugins, themes and uploads are on a volume.
        _define("DISALLOW_FILE_EDIT", True),
        _define("WP_AUTO_UPDATE_CORE", False),
        _define("FS_METHOD", "direct"),
        _define("DISABLE_WP_CRON", False),
        "define('WP_DEBUG', filter_var(getenv('WP_DEBUG'), FILTER_VALIDATE_BOOLEAN));",
        _define("WP_DEBUG_DISPLAY", False),
    ]
    return "\n".join(statements) + "\n"


def php_literal(value: str | bool) -> str:
    """Write a value as PHP reads it back exactly.

    In single quotes only the backslash and the quote have a meaning; everything else stands for itself.

    Raises:
        UnsafeTextError: the string contains a NUL, which PHP's own functions do not agree about.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if "\0" in value:
        raise UnsafeTextError("a value of wp-config.php", value)
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _define(name: str, value: str | bool) -> str:
    return f"define({php_literal(name)}, {php_literal(value)});"


def _addresses(settings: WordPressSettings) -> tuple[str, ...]:
    """Pin the address to the Primary host, so that no header can choose it; the scheme is the visitor's."""
    if settings.http_address is None or settings.https_address is None:
        return ()
    secure, plain = php_literal(settings.https_address), php_literal(settings.http_address)
    return (
        f"define('WP_HOME', empty($_SERVER['HTTPS']) ? {plain} : {secure});",
        "define('WP_SITEURL', WP_HOME);",
    )
