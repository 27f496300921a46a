"""Maps a change to the keys that must be looked at because of it; pure, apart from reading the cache.

A key is named only where its reconcile reads what has changed (`inputs` lists what that is). The answer to a
write of our own is news to others, never to the reconcile that wrote it: it has gone on with the answer.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from frankenpanel_crds import group
from frankenpanel_crds.conditions import DomainCondition, SummaryCondition
from frankenpanel_crds.domain import DomainRole
from frankenpanel_crds.domain_settings import WwwMode
from frankenpanel_crds.hosts import WILDCARD
from frankenpanel_crds.labels import LABEL_COMPONENT, LABEL_DATA_ID, LABEL_SITE, Component

from frankenpanel_operator.cluster.cache import Change, MemoryObjectCache
from frankenpanel_operator.cluster.indexes import field_of, host_of
from frankenpanel_operator.desired.holding import holding_of
from frankenpanel_operator.desired.redirects import named_target
from frankenpanel_operator.desired.www import other_form
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.priority import Priority
from frankenpanel_operator.naming import claimed_host
from frankenpanel_operator.observed import Manifest, ObjectRef

SITE, DOMAIN, DATABASE_SERVER = group.SITE.kind, group.DOMAIN.kind, group.DATABASE_SERVER.kind
CLAIM = group.DOMAIN_CLAIM.kind
RECONCILED_KINDS = (DATABASE_SERVER, SITE, DOMAIN)
"""The kinds with a reconciler, in the order in which a resync goes through them, before released claims."""

# A Site's Domains change together, and again as each of them gets its claim: one pass sees them all.
SETTLE_SECONDS = 0.2


class Work(NamedTuple):
    """One key to be looked at, how urgently, and how long others may join it before."""

    key: Key
    priority: Priority = Priority.LIVE
    delay_seconds: float = 0.0


def keys_for(change: Change, cache: MemoryObjectCache) -> Iterator[Work]:
    """Yield what a change touches; a key may come twice, the queue keeps it once."""
    yield from _BY_KIND.get(change.ref.kind, _keys_of_owned)(change, cache)


def all_keys(cache: MemoryObjectCache) -> Iterator[Key]:
    """Yield every object that has a reconciler."""
    for kind in RECONCILED_KINDS:
        for ref in cache.refs(kind):
            yield _key(ref)
    # All other claims are looked at by the Domains that hold them.
    yield from map(_key, cache.released_refs())


def _keys_of_site(change: Change, cache: MemoryObjectCache) -> Iterator[Work]:
    if not _is_own_report(change):
        yield Work(_key(change.ref))
    if change.old is None or change.new is None:
        # A Domain asks whether its Site exists, and nothing else.
        for domain in tuple(cache.domain_refs(change.ref.namespace, change.ref.name)):
            yield Work(_key(domain))
    elif _differs(change, ("status", "primary"), ("spec", "paused")):
        # One that became the Site's address has stored addresses rewritten, unless the Site is paused.
        yield from _primaries(change.ref.namespace, change.ref.name, cache)


def _keys_of_domain(change: Change, cache: MemoryObjectCache) -> Iterator[Work]:
    if not _is_own_report(change):
        yield Work(_key(change.ref))
    if not change.is_own:
        yield from _owners(change)
    if not _differs(change, ("spec",), ("status",), ("metadata", "deletionTimestamp")):
        return
    yield from _neighbours(change, cache)
    sites = dict.fromkeys(field_of(body, "spec", "siteRef", "name") for body in change.bodies)
    is_rival = _standing(change.old) != _standing(change.new)
    is_address = is_rival or _url_of_primary(change.old) != _url_of_primary(change.new)
    for site in filter(None, sites):
        yield Work(Key(SITE, change.ref.namespace, site), Priority.LIVE, SETTLE_SECONDS)
        if is_rival:
            yield from _other_primaries(change.ref, site, cache)
        if is_address:
            yield from _followers(change.ref, site, cache)


def _keys_of_claim(change: Change, cache: MemoryObjectCache) -> Iterator[Work]:
    owners = [Key(DOMAIN, *owner) for owner in map(_owner_of_claim, change.bodies) if all(owner)]
    if not change.is_own:
        yield from map(Work, owners)
    if change.new is not None and field_of(change.new, "spec", "releasedAt") is not None:
        yield Work(_key(change.ref))
    if _hold(change.old) == _hold(change.new):
        return
    host = claimed_host(change.ref.name)
    for work in itertools.chain(_wanting(host, cache), _senders(host, cache)):
        if not (change.is_own and work.key in owners):
            yield work
    if any(holding_of(body).is_proven for body in change.bodies):
        yield from _below(host, cache)


def _below(host: str, cache: MemoryObjectCache) -> Iterator[Work]:
    """Yield the Domains of hosts below one that somebody has proven, or has no more; there may be many.

    Whoever has shown nothing concerns nobody below.
    """
    for domain in tuple(cache.refs_below(host.removeprefix(WILDCARD))):
        yield Work(_key(domain), Priority.RESYNC)


def _keys_of_preset(change: Change, cache: MemoryObjectCache) -> Iterator[Work]:
    for site in cache.list(SITE):
        if field_of(site, "spec", "source", "preset", "name") == change.ref.name:
            yield Work(_key(ObjectRef.of(site)), Priority.RESYNC)


def _keys_of_catalog(change: Change, cache: MemoryObjectCache) -> Iterator[Work]:
    for site in cache.refs(SITE):
        yield Work(_key(site), Priority.RESYNC)


def _keys_of_server(change: Change, cache: MemoryObjectCache) -> Iterator[Work]:
    if not _is_own_report(change):
        yield Work(_key(change.ref))
    if _differs(change, ("spec",)) or _is_ready(change.old) != _is_ready(change.new):
        yield from _keys_of_catalog(change, cache)


def _keys_of_owned(change: Change, cache: MemoryObjectCache) -> Iterator[Work]:
    sites = dict.fromkeys(field_of(body, "metadata", "labels", LABEL_SITE) for body in change.bodies)
    # A patch of ours may have met a foreign change which its pass did not know of; a new object cannot have.
    is_known = change.is_own and change.old is None
    is_address = change.ref.kind == "Service" and _differs(change, ("spec", "clusterIP"), ("spec", "ports"))
    is_rewrite = any(_is_rewrite(body) for body in change.bodies)
    for site in filter(None, sites):
        if is_rewrite:
            yield from () if is_known else _primaries(change.ref.namespace, site, cache)
            continue
        if not is_known:
            yield Work(Key(SITE, change.ref.namespace, site))
        if is_address:
            for domain in tuple(cache.domain_refs(change.ref.namespace, site)):
                yield Work(_key(domain))
    if change.ref.kind == "PersistentVolumeClaim":
        yield from _heirs(change, cache)


_BY_KIND: dict[str, Callable[[Change, MemoryObjectCache], Iterator[Work]]] = {
    SITE: _keys_of_site,
    DOMAIN: _keys_of_domain,
    DATABASE_SERVER: _keys_of_server,
    group.DOMAIN_CLAIM.kind: _keys_of_claim,
    group.SITE_PRESET.kind: _keys_of_preset,
    group.RUNTIME_CATALOG.kind: _keys_of_catalog,
}


def _heirs(change: Change, cache: MemoryObjectCache) -> Iterator[Work]:
    """Yield the Sites that take up the data of a volume, which is still labelled with its former Site."""
    for body in change.bodies:
        data = field_of(body, "metadata", "labels", LABEL_DATA_ID)
        for site in tuple(cache.heir_refs(change.ref.namespace, str(data))):
            yield Work(_key(site))


def _wanting(host: str, cache: MemoryObjectCache) -> Iterator[Work]:
    """Yield the Domains of a host that is free again, or whose claim was left behind: one may have it now."""
    for domain in tuple(cache.host_refs(host)):
        yield Work(_key(domain))


def _neighbours(change: Change, cache: MemoryObjectCache) -> Iterator[Work]:
    """Yield the Domains of other hosts, and of the same one, to which a Domain's coming and going is news."""
    host = host_of(change.new or change.old or {})
    if change.new is None:
        yield from _wanting(host, cache)
    if change.new is None or change.old is None:
        yield from _of_other_form(host, cache)
    if _target(change.old) != _target(change.new):
        yield from _senders(host, cache)


def _owners(change: Change) -> Iterator[Work]:
    """Yield the Domain for which this one was made, with or without "www."."""
    for body in change.bodies:
        owners = field_of(body, "metadata", "ownerReferences")
        for owner in owners if isinstance(owners, list) else ():
            name = field_of(owner, "name")
            if field_of(owner, "kind") == DOMAIN and isinstance(name, str):
                yield Work(Key(DOMAIN, change.ref.namespace, name))


def _of_other_form(host: str, cache: MemoryObjectCache) -> Iterator[Work]:
    """Yield the Domains that would like to have the host as their other form, with or without "www."."""
    with suppress(ValueError):
        for domain in cache.domains_with_host(other_form(host)):
            if field_of(domain, "spec", "www") == WwwMode.REDIRECT:
                yield Work(_key(ObjectRef.of(domain)))


def _senders(host: str, cache: MemoryObjectCache) -> Iterator[Work]:
    """Yield the Domains that send their visitors to a host, directly or through one another."""
    targets, seen = [host], {host}
    while targets:
        for domain in tuple(cache.redirecting_refs(targets.pop())):
            yield Work(_key(domain))
            following = host_of(cache.get(domain) or {})
            if following not in seen:
                seen.add(following)
                targets.append(following)


def _followers(ref: ObjectRef, site: str, cache: MemoryObjectCache) -> Iterator[Work]:
    """Yield the Domains that send their visitors to whatever is the Site's address."""
    for domain in cache.domains_of(ref.namespace, site):
        is_redirect = field_of(domain, "spec", "role") == DomainRole.REDIRECT
        if is_redirect and not named_target(domain) and ObjectRef.of(domain) != ref:
            yield Work(_key(ObjectRef.of(domain)))


def _other_primaries(ref: ObjectRef, site: str, cache: MemoryObjectCache) -> Iterator[Work]:
    """Yield the other Domains that want to be a Site's address; an Alias does not look at its siblings."""
    for work in _primaries(ref.namespace, site, cache):
        if work.key != _key(ref):
            yield work


def _primaries(namespace: str, site: str, cache: MemoryObjectCache) -> Iterator[Work]:
    for domain in cache.domains_of(namespace, site):
        if field_of(domain, "spec", "role") == DomainRole.PRIMARY:
            yield Work(_key(ObjectRef.of(domain)))


def _is_rewrite(body: Manifest) -> bool:
    """Say whether a Job or pod rewrites stored addresses: the business of a Domain, not of the Site."""
    return bool(field_of(body, "metadata", "labels", LABEL_COMPONENT) == Component.REWRITE)


def _standing(domain: Manifest | None) -> tuple[Any, ...] | None:
    """Return what its siblings see of a Domain; None of one that cannot be the Site's address."""
    if domain is None or field_of(domain, "spec", "role") != DomainRole.PRIMARY:
        return None
    is_claimed = _condition(domain, DomainCondition.CLAIMED)
    is_leaving = field_of(domain, "metadata", "deletionTimestamp") is not None
    site, host = field_of(domain, "spec", "siteRef", "name"), field_of(domain, "status", "host")
    return site, host, is_claimed, is_leaving


def _url_of_primary(domain: Manifest | None) -> Any:
    is_primary = domain is not None and field_of(domain, "spec", "role") == DomainRole.PRIMARY
    return field_of(domain, "status", "url") if domain is not None and is_primary else None


def _target(domain: Manifest | None) -> tuple[str, str] | None:
    """Return what a Domain does with visitors who are sent to its host by others; None where it is gone."""
    return None if domain is None else (host_of(domain), named_target(domain))


def _hold(claim: Manifest | None) -> tuple[str, bool, bool] | None:
    """Return what others see of a claim: whose it is, whether it is proven, and whether it is released."""
    if claim is None:
        return None
    holding = holding_of(claim)
    return holding.uid, holding.is_proven, holding.is_released


def _owner_of_claim(claim: Manifest) -> tuple[str, str]:
    holding = holding_of(claim)
    return holding.namespace, holding.name


def _is_ready(server: Manifest | None) -> bool:
    return server is not None and _condition(server, SummaryCondition.READY)


def _condition(body: Manifest, type_: str) -> bool:
    """Say whether a condition is True; an object of a laxer schema may hold anything in its place."""
    conditions = field_of(body, "status", "conditions")
    return any(
        field_of(item, "type") == type_ and field_of(item, "status") == "True"
        for item in (conditions if isinstance(conditions, list) else ())
    )


def _is_own_report(change: Change) -> bool:
    """Say whether all that happened is our own status or finalizer.

    The answer to a write also shows what others wrote before it; their news must not be lost with ours.
    """
    return (
        change.is_own
        and change.old is not None
        and change.new is not None
        and _without_report(change.old) == _without_report(change.new)
    )


def _without_report(body: Manifest) -> Manifest:
    metadata = {
        key: value for key, value in body["metadata"].items() if key not in ("finalizers", "resourceVersion")
    }
    return {**body, "metadata": metadata, "status": None}


def _differs(change: Change, *paths: tuple[str, ...]) -> bool:
    """Say whether one of the fields is another one now; an object that comes or goes differs in all."""
    old, new = change.old, change.new
    return old is None or new is None or any(field_of(old, *path) != field_of(new, *path) for path in paths)


def _key(ref: ObjectRef) -> Key:
    return Key(ref.kind, ref.namespace, ref.name)
