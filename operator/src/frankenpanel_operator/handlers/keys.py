"""Maps a change to the keys that must be looked at because of it; pure, apart from reading the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from frankenpanel_crds import group
from frankenpanel_crds.labels import LABEL_SITE

from frankenpanel_operator.cluster.cache import MemoryObjectCache
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.priority import Priority
from frankenpanel_operator.observed import Manifest

SITE, DOMAIN, DATABASE_SERVER = group.SITE.kind, group.DOMAIN.kind, group.DATABASE_SERVER.kind
RECONCILED_KINDS = (DATABASE_SERVER, SITE, DOMAIN)
"""The kinds with a reconciler, in the order in which a resync goes through them."""

Work = tuple[Key, Priority]


def keys_for(old: Manifest | None, new: Manifest | None, cache: MemoryObjectCache) -> Iterator[Work]:
    """Yield what a change touches; `old` or `new` is None where the object did not or does not exist.

    A key may be yielded twice; the queue keeps it once.
    """
    kind = _any(old, new)["kind"]
    yield from _BY_KIND.get(kind, _keys_of_owned)(old, new, cache)


def all_keys(cache: MemoryObjectCache) -> Iterator[Key]:
    """Yield every object that has a reconciler."""
    for kind in RECONCILED_KINDS:
        for body in cache.list(kind):
            yield _key(kind, body)


def _keys_of_site(old: Manifest | None, new: Manifest | None, cache: MemoryObjectCache) -> Iterator[Work]:
    body = _any(old, new)
    yield _key(SITE, body), Priority.LIVE
    yield from _domains_of(body["metadata"]["namespace"], body["metadata"]["name"], cache)


def _keys_of_domain(old: Manifest | None, new: Manifest | None, cache: MemoryObjectCache) -> Iterator[Work]:
    yield _key(DOMAIN, _any(old, new)), Priority.LIVE
    for body in (old, new):
        if body is None:
            continue
        namespace, site = body["metadata"]["namespace"], _field(body, "spec", "siteRef", "name")
        if site:
            yield Key(SITE, namespace, site), Priority.LIVE
            # Two Domains of a Site can be rivals for its primary host, but not over a mere status.
            if _changed_by_people(old, new):
                yield from _domains_of(namespace, site, cache)


def _keys_of_claim(old: Manifest | None, new: Manifest | None, cache: MemoryObjectCache) -> Iterator[Work]:
    for body in (old, new):
        if body is None:
            continue
        namespace, name = (_field(body, "spec", "domainRef", part) for part in ("namespace", "name"))
        if namespace and name:
            yield Key(DOMAIN, namespace, name), Priority.LIVE
    if new is None:
        # The host is free again: whoever lost it may have it now.
        for domain in cache.domains_with_host(_any(old, new)["metadata"]["name"]):
            yield _key(DOMAIN, domain), Priority.LIVE


def _keys_of_preset(old: Manifest | None, new: Manifest | None, cache: MemoryObjectCache) -> Iterator[Work]:
    name = _any(old, new)["metadata"]["name"]
    for site in cache.list(SITE):
        if _field(site, "spec", "source", "preset", "name") == name:
            yield _key(SITE, site), Priority.RESYNC


def _keys_of_catalog(old: Manifest | None, new: Manifest | None, cache: MemoryObjectCache) -> Iterator[Work]:
    for site in cache.list(SITE):
        yield _key(SITE, site), Priority.RESYNC


def _keys_of_server(old: Manifest | None, new: Manifest | None, cache: MemoryObjectCache) -> Iterator[Work]:
    yield _key(DATABASE_SERVER, _any(old, new)), Priority.LIVE
    yield from _keys_of_catalog(old, new, cache)


def _keys_of_owned(old: Manifest | None, new: Manifest | None, cache: MemoryObjectCache) -> Iterator[Work]:
    body = _any(old, new)
    metadata = body["metadata"]
    site = (metadata.get("labels") or {}).get(LABEL_SITE)
    if not site:
        return
    yield Key(SITE, metadata["namespace"], site), Priority.LIVE
    if body["kind"] == "Service":
        # The route of a Domain leads to the Service's address.
        yield from _domains_of(metadata["namespace"], site, cache)


_BY_KIND: dict[str, Callable[[Manifest | None, Manifest | None, MemoryObjectCache], Iterator[Work]]] = {
    SITE: _keys_of_site,
    DOMAIN: _keys_of_domain,
    DATABASE_SERVER: _keys_of_server,
    group.DOMAIN_CLAIM.kind: _keys_of_claim,
    group.SITE_PRESET.kind: _keys_of_preset,
    group.RUNTIME_CATALOG.kind: _keys_of_catalog,
}


def _domains_of(namespace: str, site: str, cache: MemoryObjectCache) -> Iterator[Work]:
    for domain in cache.domains_of(namespace, site):
        yield _key(DOMAIN, domain), Priority.LIVE


def _changed_by_people(old: Manifest | None, new: Manifest | None) -> bool:
    """Say whether anything but the status changed: the generation counts edits of the spec and deletion."""
    if old is None or new is None:
        return True
    return bool(_field(old, "metadata", "generation") != _field(new, "metadata", "generation"))


def _key(kind: str, body: Manifest) -> Key:
    return Key(kind, body["metadata"].get("namespace", ""), body["metadata"]["name"])


def _any(old: Manifest | None, new: Manifest | None) -> Manifest:
    body = new if new is not None else old
    if body is None:
        raise ValueError("a change has an old or a new body")
    return body


def _field(body: Manifest, *path: str) -> Any:
    """Return a field of an object that a laxer schema may have let in, or None."""
    value: Any = body
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
