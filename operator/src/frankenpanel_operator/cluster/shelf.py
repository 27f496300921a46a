"""Keeps the objects of one kind packed: as JSON, compressed against what the objects have in common."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import orjson

from frankenpanel_operator.cluster.packing import Packer
from frankenpanel_operator.observed import Manifest


class Entry:
    """One object: its packed projection, the newest version seen of it, and the stamp of its last change."""

    __slots__ = ("packed", "stamp", "version")

    def __init__(self, packed: bytes, version: int, stamp: int) -> None:
        self.packed = packed
        self.version = version
        self.stamp = stamp


class Shelf:
    """The objects of one kind by namespace and name.

    Attributes:
        count: how many there are.
        size_bytes: what their packed forms take.
    """

    def __init__(self) -> None:
        self.count = 0
        self.size_bytes = 0
        self._packer = Packer()
        self._namespaces: dict[str, dict[str, Entry]] = {}

    def find(self, namespace: str, name: str) -> Entry | None:
        """Return one object's entry, or None where none is known."""
        entries = self._namespaces.get(namespace)
        return None if entries is None else entries.get(name)

    def plain(self, entry: Entry) -> bytes:
        """Return the projection as JSON, without a resourceVersion."""
        return self._packer.unpack(entry.packed)

    def body(self, entry: Entry) -> Manifest:
        """Return the projection as an object of the caller's own."""
        return read_body(self.plain(entry), entry.version)

    def store(self, namespace: str, name: str, plain: bytes, version: int, stamp: int) -> None:
        """Keep a projection in the place of the former one."""
        packed = self._packer.pack(plain)
        entry = self.find(namespace, name)
        if entry is None:
            # A Site gives its own name to most of what it owns: one string for all of them.
            entries = self._namespaces.setdefault(namespace, {})
            entries[sys.intern(name)] = Entry(packed, version, stamp)
            self.count += 1
        else:
            self.size_bytes -= len(entry.packed)
            entry.packed, entry.version, entry.stamp = packed, version, stamp
        self.size_bytes += len(packed)

    def drop(self, namespace: str, name: str) -> None:
        """Forget an object that is known."""
        entries = self._namespaces[namespace]
        self.size_bytes -= len(entries.pop(name).packed)
        self.count -= 1
        if not entries:
            del self._namespaces[namespace]

    def entries(self, namespace: str | None = None) -> Iterator[tuple[str, str, Entry]]:
        """Yield namespace, name and entry of all objects, or of those in one namespace.

        What is added or dropped meanwhile may or may not be among them.
        """
        for chosen in [namespace] if namespace is not None else list(self._namespaces):
            for name, entry in list(self._namespaces.get(chosen, {}).items()):
                yield chosen, name, entry


def read_body(plain: bytes, version: int) -> Manifest:
    """Return a projection as an object, with the version that it was last seen at."""
    body: Manifest = orjson.loads(plain)
    body["metadata"]["resourceVersion"] = str(version)
    return body
