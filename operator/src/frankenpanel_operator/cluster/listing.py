"""Reads every object of a kind page by page, where the API server does not stream the list into the watch."""

from __future__ import annotations

from frankenpanel_operator.cluster.cache import Listing
from frankenpanel_operator.cluster.client import KubernetesClient
from frankenpanel_operator.cluster.resources import Resource

PAGE_SIZE = 500


async def read_pages(client: KubernetesClient, resource: Resource, selector: str, listing: Listing) -> str:
    """Add every object to the listing and finish it; return the version of the list.

    Raises:
        ExpiredError: the list took so long that its later pages are gone; begin again.
    """
    params = {"limit": str(PAGE_SIZE)}
    if selector:
        params["labelSelector"] = selector
    while True:
        page = await client.list_page(resource, params)
        for body in page.get("items") or ():
            # The items of a list do not repeat what the list says for all of them.
            body["apiVersion"], body["kind"] = resource.api_version, resource.kind
            listing.add(body)
        following = page["metadata"].get("continue")
        if not following:
            version: str = page["metadata"]["resourceVersion"]
            listing.finish(version)
            return version
        params["continue"] = following
