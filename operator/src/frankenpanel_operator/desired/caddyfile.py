"""A Caddyfile as a tree of directives, and the only place that turns one into text.

Text from tenants is data here: every argument is quoted, and what quoting cannot carry is refused. Braces
above all: Caddy expands `{env.NAME}` and `{file.PATH}` inside quoted strings as well, so no quoting makes
them harmless. The few variables that we want ourselves are a type of their own (`Variable`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from frankenpanel_operator.desired.unsafe import UnsafeTextError, has_control_characters

_NAME = re.compile(r"@?[a-z][a-z0-9_]*|:[0-9]{1,5}")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
# A backslash escapes only a quote, and at the end of a string it would swallow the closing one; a backquote
# starts a second kind of string. Neither is needed by anything we write.
_REFUSED = frozenset('{}"`\\')


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable of the server process, read when the Caddyfile is loaded."""

    name: str


Argument = str | Variable


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive (or a site block, whose name is its address) with its arguments and its block, if any."""

    name: str
    arguments: tuple[Argument, ...] = ()
    block: tuple[Directive, ...] | None = None


@dataclass(frozen=True, slots=True)
class Caddyfile:
    """Global options first, then the site blocks."""

    options: tuple[Directive, ...]
    sites: tuple[Directive, ...]


def directive(name: str, *arguments: Argument, block: Sequence[Directive] | None = None) -> Directive:
    """Build a directive; shorter to read than the dataclass in nested trees."""
    return Directive(name, arguments, None if block is None else tuple(block))


def render_caddyfile(caddyfile: Caddyfile) -> str:
    """Serialise the tree.

    Raises:
        UnsafeTextError: a name or an argument could be read as anything but itself.
    """
    blocks = [["{", *_block_lines(caddyfile.options, 1), "}"]]
    blocks += [_block_lines([site], 0) for site in caddyfile.sites]
    # As `caddy fmt` writes it, since the server warns about any other format.
    return "\n\n".join("\n".join(lines) for lines in blocks) + "\n"


def _block_lines(directives: Sequence[Directive], depth: int) -> list[str]:
    indent = "\t" * depth
    lines: list[str] = []
    for item in directives:
        words = [_name(item.name), *map(_argument, item.arguments)]
        if item.block is None:
            lines.append(indent + " ".join(words))
        else:
            lines += [indent + " ".join([*words, "{"]), *_block_lines(item.block, depth + 1), indent + "}"]
    return lines


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UnsafeTextError("a directive's name", name)
    return name


def _argument(argument: Argument) -> str:
    if isinstance(argument, Variable):
        if not _VARIABLE.fullmatch(argument.name):
            raise UnsafeTextError("a variable's name", argument.name)
        return f"{{${argument.name}}}"
    if has_control_characters(argument) or not _REFUSED.isdisjoint(argument):
        raise UnsafeTextError("an argument of the web server's configuration", argument)
    return f'"{argument}"'
