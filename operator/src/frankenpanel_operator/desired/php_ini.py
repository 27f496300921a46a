"""php.ini as a mapping, and the only place that turns one into text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from frankenpanel_operator.desired.unsafe import UnsafeTextError, has_control_characters

_KEY = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
# Inside double quotes PHP still reads `\"` and expands `${NAME}` from the environment.
_REFUSED = frozenset('"\\$')
# These are expressions of constants, which quotes would turn into a text that means 0.
_EXPRESSIONS = frozenset({"error_reporting"})
_EXPRESSION = re.compile(r"[A-Z0-9_&|~ -]+")


def render_php_ini(settings: Mapping[str, str]) -> str:
    """Serialise settings in the order given; values are quoted strings, but for expressions.

    Raises:
        UnsafeTextError: a key or a value could be read as anything but itself.
    """
    return "".join(f"{_key(key)} = {_value(key, value)}\n" for key, value in settings.items())


def _key(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise UnsafeTextError("a PHP setting's name", key)
    return key


def _value(key: str, value: str) -> str:
    if key in _EXPRESSIONS and _EXPRESSION.fullmatch(value):
        return value
    if has_control_characters(value) or not _REFUSED.isdisjoint(value):
        raise UnsafeTextError("a PHP setting's value", value)
    return f'"{value}"'
