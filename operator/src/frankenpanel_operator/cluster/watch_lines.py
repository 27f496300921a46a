"""Splits the body of a watch into its lines, one event each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import aiohttp


async def read_lines(content: aiohttp.StreamReader) -> AsyncGenerator[bytes, None]:
    """Split a stream at line ends; an object may be longer than any buffer limit of the HTTP library."""
    rest = bytearray()
    async for chunk in content.iter_any():
        *complete, last = chunk.split(b"\n")
        for part in complete:
            rest += part
            if rest:
                yield bytes(rest)
            rest.clear()
        rest += last
        # A burst fills chunk after chunk without ever waiting; others must get their turn in between.
        await asyncio.sleep(0)
    if rest:
        yield bytes(rest)
