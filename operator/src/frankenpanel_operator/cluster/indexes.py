"""Finds objects by what they say about others: their Site, their host, hosts above it. References only."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator
from typing import Any

from frankenpanel_crds.hosts import hosts_above, is_wildcard, normalise_host

from frankenpanel_operator.desired.redirects import named_target, target_host
from frankenpanel_operator.observed import Manifest, ObjectRef

# Most keys lead to a handful of objects, for which a tuple takes a third of the memory of a dict.
_FEW = 8


class Index:
    """References by a key, in the order in which they came."""

    def __init__(self) -> None:
        self._refs: dict[Hashable, tuple[ObjectRef, ...] | dict[ObjectRef, None]] = {}

    def get(self, key: Hashable) -> Collection[ObjectRef]:
        """Return what a key leads to; copy it where the index may change meanwhile."""
        return self._refs.get(key, ())

    def add(self, key: Hashable, ref: ObjectRef) -> None:
        """Let a key lead to an object; twice is the same as once."""
        refs = self._refs.get(key, ())
        if isinstance(refs, dict):
            refs[ref] = None
        elif ref in refs:
            return
        elif len(refs) < _FEW:
            self._refs[key] = (*refs, ref)
        else:
            self._refs[key] = dict.fromkeys((*refs, ref))

    def discard(self, key: Hashable, ref: ObjectRef) -> None:
        """Let a key no longer lead to an object."""
        refs = self._refs.get(key, ())
        if isinstance(refs, dict):
            refs.pop(ref, None)
        else:
            refs = tuple(other for other in refs if other != ref)
        if refs:
            self._refs[key] = refs
        else:
            self._refs.pop(key, None)


def field_of(body: Manifest, *path: str) -> Any:
    """Return a field of an object that a laxer schema may have let in, or None."""
    value: Any = body
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def host_of(domain: Manifest) -> str:
    """Return the host that a Domain has or wants in its normal form, or as it is written where it is none."""
    known = field_of(domain, "status", "host")
    if isinstance(known, str) and known:
        return known
    written = str(field_of(domain, "spec", "host"))
    try:
        return normalise_host(written)
    except ValueError:
        return written


def names_above(host: str) -> Iterator[str]:
    """Yield the names that a host is below; a wildcard above is found by its name."""
    return (name for name in hosts_above(host) if not is_wildcard(name))


def target_of(domain: Manifest) -> str:
    """Return the host to which a Domain says that its visitors are sent; "" where it names none."""
    address = named_target(domain)
    return target_host(address) if address else ""
