"""kopf's part of the data path: events of our own kinds go into the cache, and nothing else happens here."""

from __future__ import annotations

from typing import Any

import kopf
from frankenpanel_crds import group

from frankenpanel_operator.handlers.relist import Relister


def take_event(event_type: str | None, body: dict[str, Any], relister: Relister) -> None:
    """Feed one raw event to the cache, whose listener makes keys of what is new.

    kopf lists a kind anew after a gap and then shows what exists (with no event type), but never what
    vanished meanwhile; hence every such listing calls for one complete list of our own.
    """
    # kopf keeps its body for its own purposes, and the cache drops what nobody needs from it.
    own = {**body, "metadata": dict(body["metadata"])}
    if event_type == "DELETED":
        relister.cache.remove(own)
        return
    relister.cache.put(own)
    if event_type is None:
        relister.request(body["kind"])


def register(registry: kopf.OperatorRegistry) -> None:
    """Subscribe to every kind of our API; `memo.relister` must be set before the first event comes."""

    async def on_object_event(event: kopf.RawEvent, memo: kopf.Memo, **_: Any) -> None:
        take_event(event["type"], dict(event["object"]), memo.relister)

    for names in group.ALL_KINDS:
        kopf.on.event(
            group.API_GROUP, group.VERSION, names.plural, id=f"on_{names.singular}_event", registry=registry
        )(on_object_event)
