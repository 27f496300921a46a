"""Complete lists of our own kinds: before the first reconcile, and whenever kopf had to list again."""

from __future__ import annotations

import asyncio

import structlog

from frankenpanel_operator.cluster.api_errors import ExpiredError
from frankenpanel_operator.cluster.cache import MemoryObjectCache
from frankenpanel_operator.cluster.client import KubernetesClient
from frankenpanel_operator.cluster.informer import list_all
from frankenpanel_operator.cluster.resources import OUR_RESOURCES, resource_of
from frankenpanel_operator.errors import FrankenPanelError

log = structlog.stdlib.get_logger(__name__)

# kopf shows a listing object by object; one list of ours, shortly after its first, answers for all of them.
_SETTLE_SECONDS = 2.0
_RETRY_SECONDS = 10.0


class Relister:
    """Replaces what the cache knows of a kind by a complete list, on request and never twice at a time."""

    def __init__(self, client: KubernetesClient, cache: MemoryObjectCache) -> None:
        self.cache = cache
        self._client = client
        self._requested: set[str] = set()
        self._wake = asyncio.Event()

    async def list_everything(self) -> None:
        """List all of our kinds.

        Raises:
            FrankenPanelError: one of them could not be listed.
        """
        for resource in OUR_RESOURCES:
            await self._list(resource.kind)

    def request(self, kind: str) -> None:
        """Ask for a complete list of the kind; many requests at about the same time are one."""
        self._requested.add(kind)
        self._wake.set()

    async def run(self) -> None:
        """Serve requests until cancelled."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(_SETTLE_SECONDS)
            self._wake.clear()
            kinds, self._requested = self._requested, set()
            for kind in kinds:
                await self._try_list(kind)

    async def _try_list(self, kind: str) -> None:
        try:
            await self._list(kind)
        except FrankenPanelError as error:
            log.warning("listing failed, will be repeated", kind=kind, reason=str(error))
            asyncio.get_running_loop().call_later(_RETRY_SECONDS, self.request, kind)

    async def _list(self, kind: str) -> None:
        try:
            objects, version = await list_all(self._client, resource_of(kind))
        except ExpiredError:
            objects, version = await list_all(self._client, resource_of(kind))
        self.cache.replace(kind, objects, version)
