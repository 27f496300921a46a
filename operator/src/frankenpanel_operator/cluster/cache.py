"""The operator's memory of the cluster, and the one place where every observation arrives.

Informers and the answers to our own writes all end in `put`, `remove` or `replace`. Only what is really new
goes on to the listener, which turns it into keys:

* a resourceVersion at or below the known one is an echo (most often of our own write) and is dropped;
* an object whose uid was seen deleted stays deleted, however late the answer to an older write comes in.

No I/O, no waiting, no clock: everything happens within the call.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from frankenpanel_crds.labels import LABEL_SITE_UID

from frankenpanel_operator.observed import Manifest, ObjectRef

Listener = Callable[[Manifest | None, Manifest | None], None]
"""Told the old and the new body; None stands for "does not exist"."""

_Index = dict[Any, dict[ObjectRef, None]]

# Only uids deleted within the last moments matter, those that a slow answer to a write could still name.
_REMEMBERED_DELETIONS = 20_000


class MemoryObjectCache:
    """Implements `ports.ObjectCache` and feeds a listener with changes."""

    def __init__(self) -> None:
        self._objects: dict[str, dict[str, dict[str, Manifest]]] = defaultdict(dict)
        self._by_site_uid: dict[str, dict[ObjectRef, None]] = defaultdict(dict)
        self._domains_by_site: dict[tuple[str, str], dict[ObjectRef, None]] = defaultdict(dict)
        self._domains_by_host: dict[str, dict[ObjectRef, None]] = defaultdict(dict)
        self._deleted_uids: OrderedDict[str, None] = OrderedDict()
        self._listener: Listener = _ignore

    def listen(self, listener: Listener) -> None:
        """Name the one who is told of every change from now on."""
        self._listener = listener

    def get(self, ref: ObjectRef) -> Manifest | None:
        """Return one object, or None where none is known."""
        return self._objects[ref.kind].get(ref.namespace, {}).get(ref.name)

    def list(self, kind: str, namespace: str | None = None) -> Iterator[Manifest]:
        """Return the objects of a kind, in one namespace or everywhere."""
        namespaces = self._objects[kind]
        chosen = list(namespaces.values()) if namespace is None else [namespaces.get(namespace, {})]
        for objects in chosen:
            yield from list(objects.values())

    def owned_by(self, site_uid: str) -> Iterator[Manifest]:
        """Return owned objects and pods that carry the Site's uid label."""
        return self._resolve(self._by_site_uid, site_uid)

    def domains_of(self, namespace: str, site_name: str) -> Iterator[Manifest]:
        """Return the Domains whose `siteRef` names the Site."""
        return self._resolve(self._domains_by_site, (namespace, site_name))

    def domains_with_host(self, host: str) -> Iterator[Manifest]:
        """Return the Domains that have or want a (normalised) host."""
        return self._resolve(self._domains_by_host, host)

    def count(self, kind: str) -> int:
        """Return how many objects of a kind are known."""
        return sum(len(objects) for objects in self._objects[kind].values())

    def put(self, body: Manifest) -> bool:
        """Take in an object; return whether it told anything new."""
        metadata = body["metadata"]
        ref, uid = ObjectRef.of(body), metadata.get("uid", "")
        old = self.get(ref)
        if uid in self._deleted_uids or (old is not None and _version(body) <= _version(old)):
            return False
        metadata.pop("managedFields", None)
        if old is not None:
            self._unindex(ref, old)
            if old["metadata"].get("uid", "") != uid:
                self._remember_deletion(old["metadata"].get("uid", ""))
        self._objects[ref.kind].setdefault(ref.namespace, {})[ref.name] = body
        self._index(ref, body)
        self._listener(old, body)
        return True

    def remove(self, body: Manifest) -> bool:
        """Drop an object that is gone; return whether it was known."""
        ref, uid = ObjectRef.of(body), body["metadata"].get("uid", "")
        self._remember_deletion(uid)
        old = self.get(ref)
        if old is None or old["metadata"].get("uid", "") != uid:
            return False
        self._unindex(ref, old)
        objects = self._objects[ref.kind]
        del objects[ref.namespace][ref.name]
        if not objects[ref.namespace]:
            del objects[ref.namespace]
        self._listener(old, None)
        return True

    def replace(self, kind: str, bodies: Iterable[Manifest], resource_version: str) -> None:
        """Take in a complete list as of a version.

        What it lacks is gone, unless it is younger than the list.
        """
        listed = set()
        for body in bodies:
            listed.add(ObjectRef.of(body))
            self.put(body)
        as_of = int(resource_version)
        for known in list(self.list(kind)):
            if ObjectRef.of(known) not in listed and _version(known) <= as_of:
                self.remove(known)

    def _resolve(self, index: _Index, key: Any) -> Iterator[Manifest]:
        for ref in list(index.get(key, ())):
            body = self.get(ref)
            if body is not None:
                yield body

    def _index(self, ref: ObjectRef, body: Manifest) -> None:
        for index, key in self._index_keys(ref, body):
            index[key][ref] = None

    def _unindex(self, ref: ObjectRef, body: Manifest) -> None:
        for index, key in self._index_keys(ref, body):
            index[key].pop(ref, None)
            if not index[key]:
                del index[key]

    def _index_keys(self, ref: ObjectRef, body: Manifest) -> Iterator[tuple[_Index, Any]]:
        site_uid = (body["metadata"].get("labels") or {}).get(LABEL_SITE_UID)
        if site_uid:
            yield self._by_site_uid, site_uid
        if ref.kind == "Domain":
            spec, status = body.get("spec") or {}, body.get("status") or {}
            yield self._domains_by_site, (ref.namespace, (spec.get("siteRef") or {}).get("name", ""))
            yield self._domains_by_host, status.get("host") or spec.get("host", "")

    def _remember_deletion(self, uid: str) -> None:
        self._deleted_uids[uid] = None
        if len(self._deleted_uids) > _REMEMBERED_DELETIONS:
            self._deleted_uids.popitem(last=False)


def _version(body: Manifest) -> int:
    """Return the resourceVersion as a number; since Kubernetes 1.35 its order is part of the API."""
    return int(body["metadata"].get("resourceVersion", 0))


def _ignore(old: Manifest | None, new: Manifest | None) -> None:
    """Listen to nothing."""
