"""The operator's memory of the cluster, and the one place where every observation arrives.

Informers and the answers to our own writes all end in `put`, `put_own`, `remove` or a listing. Only what is
really new goes on to the listener, which turns it into keys:

* a resourceVersion at or below the known one is an echo (most often of our own write) and is dropped;
* a change of nothing that we keep (`projections`) only moves the version along;
* an object whose uid was seen deleted stays deleted, however late the answer to an older write comes in.

Objects are kept packed (`shelf`) and unpacked when they are asked for. No I/O, no waiting, no clock:
everything happens within the call.
"""

from __future__ import annotations

import itertools
import sys
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator

import orjson
from frankenpanel_crds import group
from frankenpanel_crds.labels import LABEL_SITE_UID

from frankenpanel_operator.cluster.indexes import Index, field_of, host_of, names_above, target_of
from frankenpanel_operator.cluster.projections import project
from frankenpanel_operator.cluster.shelf import Shelf, read_body
from frankenpanel_operator.naming import data_id
from frankenpanel_operator.observed import Manifest, ObjectRef

_RELEASED = "released"

# Only uids deleted within the last moments matter, those that a slow answer to a write could still name.
_REMEMBERED_DELETIONS = 20_000


class Change:
    """One object before and after; None stands for "does not exist".

    Attributes:
        ref: which object.
        new: what is kept of it now.
        is_own: it is the answer to a write of our own, so the reconcile that wrote it knows.
    """

    __slots__ = ("_old", "_old_plain", "is_own", "new", "ref")

    def __init__(
        self,
        ref: ObjectRef,
        new: Manifest | None,
        old: tuple[bytes, int] | None = None,
        *,
        is_own: bool = False,
    ) -> None:
        self.ref = ref
        self.new = new
        self.is_own = is_own
        self._old_plain = old
        self._old: Manifest | None = None

    @property
    def old(self) -> Manifest | None:
        """Return what was kept of it before; read when it is asked for, since few need it."""
        if self._old is None and self._old_plain is not None:
            self._old = read_body(*self._old_plain)
        return self._old

    @property
    def bodies(self) -> Iterator[Manifest]:
        """Return the object before and after, as far as it existed."""
        return (body for body in (self.old, self.new) if body is not None)


Listener = Callable[[Change], None]


class MemoryObjectCache:
    """Implements `ports.ObjectCache` and feeds a listener with changes."""

    def __init__(self) -> None:
        self._shelves: dict[str, Shelf] = {}
        self._by_site_uid = Index()
        self._domains_by_site = Index()
        self._domains_by_host = Index()
        self._domains_below = Index()
        self._domains_by_target = Index()
        self._claims_by_state = Index()
        self._sites_by_source = Index()
        self._stamps = itertools.count(1)
        self._newest_own: dict[str, int] = {}
        self._deleted_uids: OrderedDict[str, None] = OrderedDict()
        self._listener: Listener = _ignore

    def listen(self, listener: Listener) -> None:
        """Name the one who is told of every change from now on."""
        self._listener = listener

    def get(self, ref: ObjectRef) -> Manifest | None:
        """Return one object, or None where none is known."""
        shelf = self._shelf(ref.kind)
        entry = shelf.find(ref.namespace, ref.name)
        return None if entry is None else shelf.body(entry)

    def list(self, kind: str, namespace: str | None = None) -> Iterator[Manifest]:
        """Return the objects of a kind, in one namespace or everywhere."""
        shelf = self._shelf(kind)
        for _, _, entry in shelf.entries(namespace):
            yield shelf.body(entry)

    def owned_by(self, site_uid: str) -> Iterator[Manifest]:
        """Return owned objects and pods that carry the Site's uid label."""
        return self._resolve(self._by_site_uid.get(site_uid))

    def domains_of(self, namespace: str, site_name: str) -> Iterator[Manifest]:
        """Return the Domains whose `siteRef` names the Site."""
        return self._resolve(self._domains_by_site.get((namespace, site_name)))

    def domains_with_host(self, host: str) -> Iterator[Manifest]:
        """Return the Domains that have or want a (normalised) host."""
        return self._resolve(self._domains_by_host.get(host))

    def refs(self, kind: str, namespace: str | None = None) -> Iterator[ObjectRef]:
        """Name the objects of a kind, without unpacking any."""
        for found, name, _ in self._shelf(kind).entries(namespace):
            yield ObjectRef(kind, found, name)

    def owned_refs(self, site_uid: str) -> Collection[ObjectRef]:
        """Name what `owned_by` returns; good until the next change."""
        return self._by_site_uid.get(site_uid)

    def domain_refs(self, namespace: str, site_name: str) -> Collection[ObjectRef]:
        """Name what `domains_of` returns; good until the next change."""
        return self._domains_by_site.get((namespace, site_name))

    def host_refs(self, host: str) -> Collection[ObjectRef]:
        """Name what `domains_with_host` returns; good until the next change."""
        return self._domains_by_host.get(host)

    def refs_below(self, name: str) -> Collection[ObjectRef]:
        """Name the Domains whose hosts are below a name; good until the next change."""
        return self._domains_below.get(name)

    def redirecting_refs(self, host: str) -> Collection[ObjectRef]:
        """Name the Domains that say they send their visitors to a host; good until the next change."""
        return self._domains_by_target.get(host)

    def released_refs(self) -> Collection[ObjectRef]:
        """Name the claims whose Domains have gone; good until the next change."""
        return self._claims_by_state.get(_RELEASED)

    def heir_refs(self, namespace: str, data_id: str) -> Collection[ObjectRef]:
        """Name the Sites that take up retained data; good until the next change."""
        return self._sites_by_source.get((namespace, data_id))

    def count(self, kind: str) -> int:
        """Return how many objects of a kind are known."""
        return self._shelf(kind).count

    def bytes(self, kind: str) -> int:
        """Return the size of the objects of a kind as they are kept, without what finds them again."""
        return self._shelf(kind).size_bytes

    def stamp(self, ref: ObjectRef) -> int:
        """Return a number that grows with each change of what is kept of an object; 0 where none is known.

        No two changes of any objects have the same number, and a later one has the higher.
        """
        shelf = self._shelves.get(ref.kind)
        entry = None if shelf is None else shelf.find(ref.namespace, ref.name)
        return 0 if entry is None else entry.stamp

    def fingerprint(self, refs: Iterable[ObjectRef]) -> tuple[int, int]:
        """Return the highest stamp among objects, and how many of them are known."""
        newest = count = 0
        for ref in refs:
            stamp = self.stamp(ref)
            if stamp:
                count += 1
                newest = max(newest, stamp)
        return newest, count

    def newest_own_write(self, kind: str) -> int:
        """Return the highest version among our own writes of a kind; a watch that hears gets to it."""
        return self._newest_own.get(kind, 0)

    def put(self, body: Manifest) -> bool:
        """Take in an object; return whether it told anything new."""
        return self._take(body, is_own=False)

    def put_own(self, body: Manifest) -> bool:
        """Take in the answer to a write of our own, so that what the watch says of it later is an echo."""
        kind = body["kind"]
        self._newest_own[kind] = max(_version(body), self._newest_own.get(kind, 0))
        return self._take(body, is_own=True)

    def remove(self, body: Manifest) -> bool:
        """Drop an object that is gone; return whether it was known."""
        ref, uid = ObjectRef.of(body), body["metadata"].get("uid", "")
        self._remember_deletion(uid)
        shelf = self._shelf(ref.kind)
        entry = shelf.find(ref.namespace, ref.name)
        if entry is None:
            return False
        change = Change(ref, None, (shelf.plain(entry), entry.version))
        if _uid(change.old) != uid:
            return False
        shelf.drop(ref.namespace, ref.name)
        self._reindex(change)
        self._listener(change)
        return True

    def begin_listing(self, kind: str) -> Listing:
        """Begin to take in a complete list, object by object."""
        return Listing(self, kind)

    def _take(self, body: Manifest, *, is_own: bool) -> bool:
        metadata = body["metadata"]
        if metadata.get("uid", "") in self._deleted_uids:
            return False
        kind, namespace, name = body["kind"], metadata.get("namespace", ""), metadata["name"]
        shelf, version = self._shelf(kind), _version(body)
        entry = shelf.find(namespace, name)
        if entry is not None and version <= entry.version:
            return False
        new = project(body)
        plain, old = orjson.dumps(new), None
        if entry is not None:
            old = (shelf.plain(entry), entry.version)
            if old[0] == plain:
                entry.version = version
                return False
        new["metadata"]["resourceVersion"] = metadata.get("resourceVersion", "0")
        change = Change(_interned(kind, namespace, name), new, old, is_own=is_own)
        shelf.store(namespace, name, plain, version, next(self._stamps))
        self._reindex(change)
        self._note_successor(change)
        self._listener(change)
        return True

    def _note_successor(self, change: Change) -> None:
        """Another object of the same name: the former one is gone, though nobody said so."""
        if change.old is not None and _uid(change.old) != _uid(change.new):
            self._remember_deletion(_uid(change.old))

    def _remember_deletion(self, uid: str) -> None:
        self._deleted_uids[uid] = None
        if len(self._deleted_uids) > _REMEMBERED_DELETIONS:
            self._deleted_uids.popitem(last=False)

    def _shelf(self, kind: str) -> Shelf:
        shelf = self._shelves.get(kind)
        if shelf is None:
            shelf = self._shelves[kind] = Shelf()
        return shelf

    def _resolve(self, refs: Iterable[ObjectRef]) -> Iterator[Manifest]:
        for ref in tuple(refs):
            body = self.get(ref)
            if body is not None:
                yield body

    def _reindex(self, change: Change) -> None:
        before = tuple(self._index_keys(change.ref, change.old))
        after = tuple(self._index_keys(change.ref, change.new))
        if before == after:
            return
        for index, key in before:
            index.discard(key, change.ref)
        for index, key in after:
            index.add(key, change.ref)

    def _index_keys(self, ref: ObjectRef, body: Manifest | None) -> Iterator[tuple[Index, Hashable]]:
        if body is None:
            return
        site_uid = field_of(body, "metadata", "labels", LABEL_SITE_UID)
        if site_uid:
            yield self._by_site_uid, site_uid
        retained = field_of(body, "spec", "bootstrapFrom", "retained", "uid")
        if ref.kind == group.SITE.kind and retained:
            yield self._sites_by_source, (ref.namespace, data_id(str(retained)))
        if ref.kind == group.DOMAIN.kind:
            yield self._domains_by_site, (ref.namespace, str(field_of(body, "spec", "siteRef", "name")))
            # The claim of a host is called like it: one string for both.
            host = sys.intern(host_of(body))
            yield self._domains_by_host, host
            for name in names_above(host):
                yield self._domains_below, sys.intern(name)
            target = target_of(body)
            if target:
                yield self._domains_by_target, sys.intern(target)
        if ref.kind == group.DOMAIN_CLAIM.kind and field_of(body, "spec", "releasedAt") is not None:
            yield self._claims_by_state, _RELEASED


class Listing:
    """A complete list on its way into the cache; until `finish` nothing is taken for gone."""

    def __init__(self, cache: MemoryObjectCache, kind: str) -> None:
        self._cache = cache
        self._kind = kind
        self._listed: dict[str, set[str]] = {}

    def add(self, body: Manifest) -> None:
        """Take in one object of the list."""
        metadata = body["metadata"]
        self._listed.setdefault(metadata.get("namespace", ""), set()).add(metadata["name"])
        self._cache.put(body)

    def finish(self, resource_version: str) -> None:
        """End the list, as of a version: what it lacks is gone, unless it is younger."""
        as_of = int(resource_version)
        for ref in self._cache.refs(self._kind):
            if ref.name in self._listed.get(ref.namespace, ()):
                continue
            body = self._cache.get(ref)
            if body is not None and _version(body) <= as_of:
                self._cache.remove(body)


def _version(body: Manifest) -> int:
    """Return the resourceVersion as a number; since Kubernetes 1.35 its order is part of the API."""
    return int(body["metadata"].get("resourceVersion", 0))


def _uid(body: Manifest | None) -> str:
    return "" if body is None else str(body["metadata"].get("uid", ""))


def _interned(kind: str, namespace: str, name: str) -> ObjectRef:
    """Name an object by strings that are kept once, however many objects are called so."""
    return ObjectRef(sys.intern(kind), sys.intern(namespace), sys.intern(name))


def _ignore(change: Change) -> None:
    """Listen to nothing."""
