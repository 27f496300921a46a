"""A Caddyfile as a tree of directives, and the only place that turns one into text.

Text from tenants is data here: every argument is quoted, and what quoting cannot carry is refused. Braces
above all: Caddy expands `{env.NAME}` and `{file.PATH}` inside quoted strings as well, so no quoting makes
them harmless. The few variables and placeholders that we want ourselves are types of their own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from frankenpanel_operator.desired.unsafe import UnsafeTextError, has_control_characters

_NAME = re.compile(r"@?[a-z][a-z0-9_]*|:[0-9]{1,5}")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
# A backslash escapes only a quote, which is what we write it for, and stands for itself before anything else;
# text with one of its own could swallow the closing quote. A backquote starts a second kind of string.
_REFUSED = frozenset("{}`\\")


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable of the server process, read when the Caddyfile is loaded."""

    name: str


class Placeholder(Enum):
    """A value that Caddy looks up for each request; those of which no visitor decides what comes of them."""

    CLIENT_IP = "client_ip"
    SHUTTING_DOWN = "http.shutting_down"


Argument = str | Variable | Placeholder


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
    if isinstance(argument, Placeholder):
        return f"{{{argument.value}}}"
    if has_control_characters(argument) or not _REFUSED.isdisjoint(argument):
        raise UnsafeTextError("an argument of the web server's configuration", argument)
    escaped = argument.replace('"', '\\"')
    return f'"{escaped}"'
