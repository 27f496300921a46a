"""Which requests to an API server are ill-treated, and how; pure, the proxy carries it out."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

WRITES = frozenset({"create", "update", "patch", "delete"})
LISTINGS = frozenset({"list", "stream-list"})
WATCHES = frozenset({"watch", "stream-list"})
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True)
class ApiRequest:
    """One request, in Kubernetes' words; parts that a request does not have are "".

    `verb` is one of Kubernetes' own, or "stream-list": a watch that begins with everything there is.
    """

    verb: str
    plural: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def object_id(self) -> tuple[str, str, str]:
        """The object that is spoken of; many requests are about one object."""
        return self.plural, self.namespace, self.name

    @property
    def is_write(self) -> bool:
        return self.verb in WRITES

    def __str__(self) -> str:
        path = "/".join(part for part in (self.namespace, self.name, self.subresource) if part)
        return f"{self.verb} {self.plural} {path}".rstrip()


def parse_request(method: str, path: str, query: Mapping[str, str], body: bytes = b"") -> ApiRequest:
    """Read a request to `/api/v1/...` or `/apis/<group>/<version>/...`; anything else has no plural."""
    parts = [part for part in path.split("/") if part]
    rest = parts[2:] if parts[:1] == ["api"] else parts[3:] if parts[:1] == ["apis"] else []
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    plural, name, subresource = (*rest, "", "", "")[:3]
    if method == "POST" and not name:
        name = _name_in(body)
    return ApiRequest(_verb(method, name, query), plural, namespace, name, subresource)


def _verb(method: str, name: str, query: Mapping[str, str]) -> str:
    if method != "GET":
        return _VERBS.get(method, method.lower())
    if query.get("watch") in ("true", "1"):
        return "stream-list" if query.get("sendInitialEvents") == "true" else "watch"
    return "get" if name else "list"


def _name_in(body: bytes) -> str:
    with suppress(ValueError, KeyError, TypeError):
        return str(json.loads(body)["metadata"]["name"])
    return ""


@dataclass(frozen=True)
class Refusal:
    """The request is answered with an error and not carried out."""

    status: int
    reason: str = ""
    retry_after: int | None = None
    message: str = "refused by the tests' proxy"

    def body(self) -> dict[str, Any]:
        """Return the `Status` that goes with the HTTP status."""
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "code": self.status,
            "reason": self.reason or _REASONS.get(self.status, "InternalError"),
            "message": self.message,
        }


_REASONS = {
    409: "Conflict",
    410: "Expired",
    422: "Invalid",
    429: "TooManyRequests",
    503: "ServiceUnavailable",
    504: "Timeout",
}


@dataclass(frozen=True)
class Delay:
    """The request is carried out, later."""

    seconds: float


@dataclass(frozen=True)
class Cut:
    """The connection breaks: before the request is carried out, or with the answer to it on its way."""

    after_forwarding: bool = False


@dataclass(frozen=True)
class Silence:
    """Watches stay open and say nothing any more, not even after the rule has ended."""


@dataclass(frozen=True)
class Interference:
    """Somebody does something (in a thread) in the very moment before the request is carried out."""

    act: Callable[[ApiRequest], None]


Fault = Refusal | Delay | Cut | Silence | Interference


@dataclass
class Rule:
    """A fault, and the requests that it befalls; an empty set of verbs or plurals means all.

    `name` may be a pattern, as in `bad-*`. `times` bounds how often, `every` spares all but each n-th, `skip`
    lets the first ones pass; with `per_object` they count for each object by itself.
    """

    fault: Fault
    verbs: frozenset[str] = frozenset()
    plurals: frozenset[str] = frozenset()
    namespace: str = ""
    name: str = ""
    subresource: str | None = None
    times: int | None = None
    every: int = 1
    skip: int = 0
    per_object: bool = False
    _seen: Counter[Any] = field(default_factory=Counter, repr=False)

    def matches(self, request: ApiRequest) -> bool:
        return (
            (not self.verbs or request.verb in self.verbs)
            and (not self.plurals or request.plural in self.plurals)
            and (not self.namespace or request.namespace == self.namespace)
            and (not self.name or fnmatchcase(request.name, self.name))
            and (self.subresource is None or request.subresource == self.subresource)
        )

    def strikes(self, request: ApiRequest) -> bool:
        """Say whether the fault befalls this request, and count it."""
        if not self.matches(request):
            return False
        counted = request.object_id if self.per_object else ""
        self._seen[counted] += 1
        number, rest = divmod(self._seen[counted] - self.skip, self.every)
        return number > 0 and rest == 0 and (self.times is None or number <= self.times)


class Rules:
    """The rules in force; the test changes them from its thread while the proxy asks from its own."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._lock = threading.Lock()

    def add(self, rule: Rule) -> None:
        with self._lock:
            self._rules.append(rule)

    def remove(self, rule: Rule) -> None:
        with self._lock:
            self._rules = [other for other in self._rules if other is not rule]

    @contextmanager
    def during(self, *rules: Rule) -> Iterator[None]:
        """Let rules be in force for a block."""
        for rule in rules:
            self.add(rule)
        try:
            yield
        finally:
            for rule in rules:
                self.remove(rule)

    def fault_for(self, request: ApiRequest) -> Fault | None:
        """Return what the first rule that strikes does to a request that comes in."""
        with self._lock:
            return next((rule.fault for rule in self._rules if rule.strikes(request)), None)

    def is_silenced(self, request: ApiRequest) -> bool:
        """Say whether a watch that stands has to be silent from now on."""
        with self._lock:
            return any(isinstance(rule.fault, Silence) and rule.matches(request) for rule in self._rules)
