"""Listens to what Caddy logs about the certificates that it orders."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

_LINE_MAX_BYTES = 256 * 1024
_REFUSED = "could not get certificate from issuer"
_OBTAINED = {"certificate obtained successfully", "certificate renewed successfully"}
MESSAGE_MAX_CHARS = 300


class CaddyLog:
    """A socket to which Caddy writes one JSON object a line.

    Args:
        path: of the socket.
        refused: is told the host and why it got no certificate.
        obtained: is told the host for which there is one.
    """

    def __init__(
        self, path: Path, refused: Callable[[str, str], None], obtained: Callable[[str], None]
    ) -> None:
        self._path = path
        self._refused = refused
        self._obtained = obtained

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[None]:
        """Listen until the block ends."""
        self._path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._take, self._path, limit=_LINE_MAX_BYTES)
        self._path.chmod(0o600)
        try:
            yield
        finally:
            server.close()
            self._path.unlink(missing_ok=True)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, ValueError):
            while line := await reader.readline():
                self.read(line)
        writer.close()

    def read(self, line: bytes) -> None:
        """Take one line; what is not about an order is passed over."""
        try:
            entry: Any = orjson.loads(line)
        except orjson.JSONDecodeError:
            return
        if not isinstance(entry, dict) or not isinstance(host := entry.get("identifier"), str):
            return
        if entry.get("msg") == _REFUSED:
            self._refused(host, _printable(str(entry.get("error", ""))))
        elif entry.get("msg") in _OBTAINED:
            self._obtained(host)


def _printable(text: str) -> str:
    """Make what an authority said fit for a status."""
    return "".join(char if char.isprintable() else " " for char in text[:MESSAGE_MAX_CHARS]).strip()
