"""Splits the body of a watch into its lines, one event each."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import aiohttp


async def read_lines(content: aiohttp.StreamReader) -> AsyncGenerator[bytes, None]:
    """Split a stream at line ends; an object may be longer than any buffer limit of the HTTP library.

    Lines that are at hand come without a pause, even chunk after chunk: turns are up to the caller.
    """
    rest = bytearray()
    async for chunk in content.iter_any():
        *complete, last = chunk.split(b"\n")
        for part in complete:
            rest += part
            if rest:
                yield bytes(rest)
            rest.clear()
        rest += last
    if rest:
        yield bytes(rest)
