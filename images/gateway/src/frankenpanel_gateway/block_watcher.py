"""Follows the mounted list of blocked networks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog

from frankenpanel_gateway.block_store import BlockStore
from frankenpanel_gateway.blocklist import BlockList, read_block_list
from frankenpanel_gateway.metrics import Metrics

_log = structlog.stdlib.get_logger(__name__)

POLL_SECONDS = 2.0

_Stamp = tuple[int, int, int] | None


class BlockListWatcher:
    """Brings every change of a file to disk; the kubelet replaces the file when its ConfigMap changes."""

    def __init__(self, path: Path, store: BlockStore, metrics: Metrics) -> None:
        self._path = path
        self._store = store
        self._metrics = metrics
        self._seen: _Stamp = (0, 0, 0)

    async def run(self) -> None:
        """Look at the file for ever; what goes wrong is tried again."""
        while True:
            try:
                await self.look()
            except (OSError, UnicodeDecodeError) as error:
                _log.warning("block list not taken, the last one goes on", error=str(error))
            await asyncio.sleep(POLL_SECONDS)

    async def look(self) -> None:
        """Take the file if it is another one than before; without a file nothing is blocked.

        Raises:
            OSError: it cannot be read, or the list cannot be written.
        """
        stamp = await asyncio.to_thread(self._stamp)
        if stamp == self._seen:
            return
        found = await asyncio.to_thread(self._take, is_there=stamp is not None)
        self._seen = stamp
        self._metrics.blocked_networks.set(len(found.names))
        self._metrics.refused_networks.set(len(found.refused_lines))
        _log.info("block list taken", entries=len(found.names))
        if found.refused_lines:
            _log.warning("lines of the block list refused", lines=found.refused_lines[:20])

    def _stamp(self) -> _Stamp:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def _take(self, *, is_there: bool) -> BlockList:
        found = read_block_list(self._path.read_text(encoding="utf-8")) if is_there else BlockList()
        self._store.replace_all(found.names)
        return found
