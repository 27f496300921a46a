"""Gives the claims of one watch to the routing tree and to what knows their certificates."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from frankenpanel_crds.group import API_GROUP, DOMAIN_CLAIM, VERSION

from frankenpanel_gateway.object_event import ObjectEvent
from frankenpanel_gateway.route_table import RouteTable
from frankenpanel_gateway.tls_claims import TlsClaims

CLAIMS_PATH = f"/apis/{API_GROUP}/{VERSION}/{DOMAIN_CLAIM.plural}"


class ClaimSinks:
    """Takes claims for both; page by page, so that a listing is never in memory as a whole."""

    def __init__(self, table: RouteTable, tls: TlsClaims) -> None:
        self._table = table
        self._tls = tls

    async def replace(self, pages: AsyncIterator[Sequence[Mapping[str, Any]]]) -> None:
        """Take a complete listing; an error of the iterator leaves all as it was."""
        listing = self._tls.new_listing()

        async def passing() -> AsyncIterator[Sequence[Mapping[str, Any]]]:
            async for page in pages:
                listing.add(page)
                yield page

        await self._table.replace(passing())
        self._tls.take(listing)

    async def apply(self, events: Sequence[ObjectEvent]) -> None:
        """Take changes of single claims."""
        await self._table.apply(events)
        self._tls.apply(events)
