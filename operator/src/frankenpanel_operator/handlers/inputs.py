"""Tells cheaply whether anything that a reconcile reads has changed since its last pass.

Everything a reconcile reads comes from the cache, and the cache stamps each change with a number of its own,
the later the higher. So the highest stamp among what is read, together with how many there are, is another
one whenever anything was changed, added or removed: what is added or changed has the highest stamp of all,
and after mere removals there are fewer. Two numbers per key instead of a copy of its inputs.

Whoever lets a reconcile read something new adds it here; `keys` is the other half, which wakes it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress

from frankenpanel_crds import group
from frankenpanel_crds.domain import DomainRole
from frankenpanel_crds.domain_settings import WwwMode
from frankenpanel_crds.hosts import hosts_above
from frankenpanel_crds.runtimecatalog import DEFAULT_CATALOG_NAME

from frankenpanel_operator.cluster.cache import MemoryObjectCache
from frankenpanel_operator.cluster.indexes import field_of
from frankenpanel_operator.desired.holding import holding_of
from frankenpanel_operator.desired.redirects import leads_in_a_circle, named_target, sends_to
from frankenpanel_operator.desired.www import other_form
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.naming import claim_name, web_name, www_domain_name
from frankenpanel_operator.observed import Manifest, ObjectRef, OwnedKind

_CATALOG = ObjectRef(group.RUNTIME_CATALOG.kind, "", DEFAULT_CATALOG_NAME)


def inputs_of(key: Key, cache: MemoryObjectCache) -> Hashable | None:
    """Return a fingerprint of what a reconcile of this key reads: equal ones mean that nothing changed.

    None where a pass is never to be spared: what it looks at is not (only) in the cache, or there is nothing.
    """
    read = _BY_KIND.get(key.kind)
    body = None if read is None else cache.get(ObjectRef(*key))
    return None if read is None or body is None else read(key, body, cache)


def _inputs_of_site(key: Key, site: Manifest, cache: MemoryObjectCache) -> Hashable:
    refs = [
        ObjectRef(*key),
        _CATALOG,
        *cache.owned_refs(str(field_of(site, "metadata", "uid"))),
        *cache.domain_refs(key.namespace, key.name),
        *cache.refs(group.DATABASE_SERVER.kind),
    ]
    preset = field_of(site, "spec", "source", "preset", "name")
    if isinstance(preset, str):
        refs.append(ObjectRef(group.SITE_PRESET.kind, "", preset))
    if field_of(site, "spec", "bootstrapFrom") is not None:
        # Retained volumes are among those of the namespace, and there are never many.
        refs += cache.refs(OwnedKind.PERSISTENT_VOLUME_CLAIM, key.namespace)
    return cache.fingerprint(refs)


def _inputs_of_domain(key: Key, domain: Manifest, cache: MemoryObjectCache) -> Hashable:
    refs = [ObjectRef(*key), ObjectRef(group.DOMAIN.kind, key.namespace, www_domain_name(key.name))]
    host, site = field_of(domain, "status", "host"), field_of(domain, "spec", "siteRef", "name")
    if isinstance(host, str) and host:
        refs += _about_host(host, domain, cache)
    if not isinstance(site, str) or not site:
        return cache.fingerprint(refs)
    refs.append(ObjectRef(OwnedKind.SERVICE, key.namespace, web_name(site)))
    if is_follower(domain):
        refs += cache.domain_refs(key.namespace, site)
    promotion = None
    if field_of(domain, "spec", "role") == DomainRole.PRIMARY:
        promotion = _inputs_of_promotion(Key(group.SITE.kind, key.namespace, site), cache)
    # Of the Site only its existence is read; its stamp would count each of its statuses.
    is_site_found = cache.stamp(ObjectRef(group.SITE.kind, key.namespace, site)) > 0
    return (*cache.fingerprint(refs), is_site_found, promotion)


def _inputs_of_promotion(key: Key, cache: MemoryObjectCache) -> Hashable:
    """Return what the rewrite of stored addresses reads: a Job is made of all that the Site is made of."""
    site = cache.get(ObjectRef(*key))
    if site is None or not field_of(site, "status", "primary", "formerHosts"):
        return None
    return _inputs_of_site(key, site, cache)


def is_follower(domain: Manifest) -> bool:
    """Say whether a Domain looks at its siblings, for the one that is the Site's address."""
    role = field_of(domain, "spec", "role")
    return role == DomainRole.PRIMARY or (role == DomainRole.REDIRECT and not named_target(domain))


def _about_host(host: str, domain: Manifest, cache: MemoryObjectCache) -> Iterator[ObjectRef]:
    """Yield the claim, the others that want the host, one of which may hold it, and the claims above."""
    yield _claim_of(host)
    yield from cache.host_refs(host)
    yield from map(_claim_of, hosts_above(host))
    if field_of(domain, "spec", "www") == WwwMode.REDIRECT:
        with suppress(ValueError):
            yield from cache.host_refs(other_form(host))
    target = named_target(domain)
    if target:
        yield from _on_the_way(host, target, cache)


def _on_the_way(host: str, target: str, cache: MemoryObjectCache) -> Iterator[ObjectRef]:
    """Yield what decides whether visitors who are sent on arrive somewhere."""
    asked: list[ObjectRef] = []

    def look_up(other: str) -> str | None:
        claim = cache.get(_claim_of(other))
        asked.append(_claim_of(other))
        if claim is None:
            return None
        holding = holding_of(claim)
        holder = ObjectRef(group.DOMAIN.kind, holding.namespace, holding.name)
        asked.append(holder)
        return sends_to(claim, cache.get(holder))

    leads_in_a_circle(host, target, look_up)
    yield from asked


def _claim_of(host: str) -> ObjectRef:
    return ObjectRef(group.DOMAIN_CLAIM.kind, "", claim_name(host))


def _inputs_of_claim(key: Key, claim: Manifest, cache: MemoryObjectCache) -> Hashable:
    return cache.fingerprint((ObjectRef(*key),))


_BY_KIND: dict[str, Callable[[Key, Manifest, MemoryObjectCache], Hashable]] = {
    group.SITE.kind: _inputs_of_site,
    group.DOMAIN.kind: _inputs_of_domain,
    group.DOMAIN_CLAIM.kind: _inputs_of_claim,
}
