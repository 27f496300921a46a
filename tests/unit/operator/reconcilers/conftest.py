"""A cluster, a database server and a clock in memory: they note what they do, and fail where a test says."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from frankenpanel_crds import labels
from frankenpanel_crds.domain import Domain
from frankenpanel_crds.site import Site
from frankenpanel_operator.cluster.cache import MemoryObjectCache
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.outcome import Outcome
from frankenpanel_operator.errors import ConflictError
from frankenpanel_operator.observed import Manifest, ObjectRef
from frankenpanel_operator.ports import Change, DatabaseAccount, DatabaseAddress
from frankenpanel_operator.reconcilers.claim_expiry import ClaimExpiry
from frankenpanel_operator.reconcilers.database_server import DatabaseServerReconciler
from frankenpanel_operator.reconcilers.domain import DomainReconciler
from frankenpanel_operator.reconcilers.site import SiteReconciler
from pydantic import SecretStr
from world_outside import NoRewrites, WorldOutside

PLATFORM_KEY = bytes(range(32))
NAMESPACE = "demo"
UNPROVEN_SECONDS = 1000.0
RELEASED_SECONDS = 5000.0
CLUSTER_KINDS = ("DomainClaim", "RuntimeCatalog", "SitePreset", "DatabaseServer")
GENERATED = ("uid", "resourceVersion", "generation", "creationTimestamp")


@dataclass(frozen=True)
class Write:
    """One call that changed the cluster."""

    verb: str
    kind: str
    name: str


class MemoryCluster:
    """An API server as the applier sees it; whatever is written shows up in the cache at once.

    `refusals` maps (verb, kind) to the error that such a write ends with.
    """

    def __init__(self, cache: MemoryObjectCache) -> None:
        self.cache = cache
        self.writes: list[Write] = []
        self.secrets: dict[str, Manifest] = {}
        self.refusals: dict[tuple[str, str], Exception] = {}
        self._known_secrets: dict[str, Manifest] = {}
        self._versions = itertools.count(1)

    def add(self, body: Mapping[str, Any]) -> Manifest:
        """Put an object in as somebody else would create or edit it."""
        body = copy.deepcopy(dict(body))
        metadata = body["metadata"]
        metadata.setdefault("uid", f"uid-{next(self._versions)}")
        metadata.setdefault("generation", 1)
        return self._store(body)

    def edit(self, ref: ObjectRef, **sections: Any) -> Manifest:
        """Replace sections of an object (spec, status, metadata) as somebody else would."""
        body = copy.deepcopy(self.read(ref))
        body.update(sections)
        return self._store(body)

    def read(self, ref: ObjectRef) -> Manifest:
        body = self.cache.get(ref)
        assert body is not None, f"{ref} does not exist"
        return body

    def forget_memory(self) -> None:
        """Forget what a process knows of Secrets, as a restart does."""
        self._known_secrets.clear()

    async def apply(self, manifest: Manifest, live: Manifest | None) -> Change:
        ref = ObjectRef.of(manifest)
        if live is not None and _hash(live) == _hash(manifest):
            return Change.UNCHANGED
        self._note("create" if live is None else "patch", ref)
        if live is None:
            if self.cache.get(ref) is not None:
                raise ConflictError(f"{ref} exists")
            self.add(manifest)
            return Change.CREATED
        kept = {key: live["metadata"][key] for key in GENERATED if key in live["metadata"]}
        self._store({**live, **manifest, "metadata": {**manifest["metadata"], **kept}})
        return Change.PATCHED

    async def apply_blind(self, manifest: Manifest) -> None:
        ref = ObjectRef.of(manifest)
        if self._known_secrets.get(ref.name) == manifest:
            return
        self._note("write", ref)
        self.secrets[ref.name] = self._known_secrets[ref.name] = manifest

    async def delete(self, ref: ObjectRef, *, uid: str | None = None) -> None:
        self._note("delete", ref)
        self.secrets.pop(ref.name if ref.kind == "Secret" else "", None)
        body = self.cache.get(ref)
        if body is not None and uid in (None, body["metadata"]["uid"]):
            self.cache.remove(body)

    async def change_metadata(self, live: Manifest, changes: Mapping[str, Any]) -> None:
        ref, changes = ObjectRef.of(live), dict(changes)
        self._note("finalizer" if "finalizers" in changes else "label", ref)
        body = copy.deepcopy(self.read(ref))
        if _version(live) != _version(body):
            raise ConflictError(f"{ref} changed meanwhile")
        merged = {**body["metadata"].get("labels", {}), **changes.pop("labels", {})}
        body["metadata"].update(changes, labels=merged)
        if "deletionTimestamp" in body["metadata"] and not body["metadata"].get("finalizers"):
            self.cache.remove(body)
        else:
            self._store(body)

    async def write_status(self, live: Manifest, status: Mapping[str, Any]) -> None:
        ref = ObjectRef.of(live)
        self._note("status", ref)
        self._store({**self.read(ref), "status": copy.deepcopy(dict(status))})

    def _note(self, verb: str, ref: ObjectRef) -> None:
        if (error := self.refusals.get((verb, ref.kind))) is not None:
            raise error
        self.writes.append(Write(verb, ref.kind, ref.name))

    def _store(self, body: Manifest) -> Manifest:
        metadata = {**body["metadata"], "resourceVersion": str(next(self._versions))}
        stored = {**body, "metadata": metadata}
        assert self.cache.put(stored)
        return stored


@dataclass
class MemoryDatabases:
    """A database server that notes what it is asked for; `error` is how everything ends while it is set."""

    error: Exception | None = None
    version: str = "11.8.2-MariaDB"
    calls: list[str] = field(default_factory=list)
    accounts: list[DatabaseAccount] = field(default_factory=list)

    async def probe(self, server: DatabaseAddress) -> str:
        self._call("probe")
        return self.version

    async def ensure(self, server: DatabaseAddress, account: DatabaseAccount, password: SecretStr) -> bool:
        self._call("ensure", account)
        return True

    async def retain(self, server: DatabaseAddress, account: DatabaseAccount) -> None:
        self._call("retain", account)

    async def drop(self, server: DatabaseAddress, account: DatabaseAccount) -> None:
        self._call("drop", account)

    def _call(self, name: str, *accounts: DatabaseAccount) -> None:
        self.calls.append(name)
        self.accounts += accounts
        if self.error is not None:
            raise self.error


@dataclass
class Events:
    """Events that were posted, as (reason, message)."""

    posted: list[tuple[str, str]] = field(default_factory=list)

    def note(self, subject: Manifest, *, type_: str, reason: str, message: str) -> None:
        self.posted.append((reason, message))

    async def record(self, subject: Manifest, *, type_: str, reason: str, message: str) -> None:
        self.posted.append((reason, message))


@dataclass
class Clock:
    time: datetime

    def now(self) -> datetime:
        return self.time


class World:
    """An installation, and the reconcilers of it."""

    def __init__(self, now: datetime) -> None:
        self.cache = MemoryObjectCache()
        self.cluster = MemoryCluster(self.cache)
        self.databases, self.events, self.clock = MemoryDatabases(), Events(), Clock(now)
        self.outside = WorldOutside(NAMESPACE)
        self.platform = Platform(namespace="frankenpanel-system")

    async def reconcile(self, kind: str = "Site", name: str = "shop", namespace: str = NAMESPACE) -> Outcome:
        """Let a reconciler that was made for this one pass look at an object."""
        namespace = "" if kind in CLUSTER_KINDS else namespace
        return await self._reconciler(kind).reconcile(Key(kind, namespace, name))

    async def writes_of(self, kind: str = "Site", name: str = "shop") -> list[Write]:
        """Reconcile once, and return what was written."""
        before = len(self.cluster.writes)
        await self.reconcile(kind, name)
        return self.cluster.writes[before:]

    def status(self, kind: str = "Site", name: str = "shop", namespace: str = NAMESPACE) -> dict[str, Any]:
        namespace = "" if kind in CLUSTER_KINDS else namespace
        status: dict[str, Any] = self.cluster.read(ObjectRef(kind, namespace, name)).get("status", {})
        return status

    def reasons(self, kind: str = "Site", name: str = "shop", namespace: str = NAMESPACE) -> dict[str, str]:
        """Return the conditions of an object as "<status> <reason>" by type."""
        return {
            item["type"]: f"{item['status']} {item['reason']}"
            for item in self.status(kind, name, namespace)["conditions"]
        }

    def names(self, kind: str, namespace: str = NAMESPACE) -> list[str]:
        return [body["metadata"]["name"] for body in self.cache.list(kind, namespace)]

    def finish_job(self) -> None:
        """Let the installation succeed."""
        (name,) = self.names("Job")
        complete = {"conditions": [{"type": "Complete", "status": "True"}]}
        self.cluster.edit(ObjectRef("Job", NAMESPACE, name), status=complete)

    def roll_out(self, available: int = 1) -> None:
        """Let the Deployment's pods run, or end with 0."""
        counts = dict.fromkeys(
            ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), available
        )
        ref = ObjectRef("Deployment", NAMESPACE, "shop")
        self.cluster.edit(ref, status={"observedGeneration": 1, **counts})

    async def settle(self) -> None:
        """Take the Site to the state in which it serves visitors."""
        await self.reconcile()
        self.finish_job()
        await self.reconcile()
        self.roll_out()
        await self.reconcile()
        await self.reconcile()
        self.cluster.writes.clear()
        self.databases.calls.clear()

    def delete(self, kind: str = "Site", name: str = "shop") -> None:
        """Ask for the deletion of an object, as people do."""
        ref = ObjectRef(kind, NAMESPACE, name)
        metadata = self.cluster.read(ref)["metadata"]
        self.cluster.edit(
            ref, metadata={**metadata, "deletionTimestamp": f"{self.clock.time:%Y-%m-%dT%H:%M:%SZ}"}
        )

    def _reconciler(self, kind: str) -> Any:
        ports = {
            "cache": self.cache,
            "applier": self.cluster,
            "clock": self.clock,
            "events": self.events,
        }
        platform = self.platform
        if kind == "DatabaseServer":
            return DatabaseServerReconciler(databases=self.databases, **ports)
        if kind == "Domain":
            return DomainReconciler(
                platform=platform,
                checks=self.outside.checks,
                certificates=self.outside.certificates,
                rewrites=NoRewrites(),
                unproven_claim_seconds=UNPROVEN_SECONDS,
                **ports,
            )
        if kind == "DomainClaim":
            del ports["events"]
            return ClaimExpiry(released_claim_seconds=RELEASED_SECONDS, **ports)
        return SiteReconciler(
            databases=self.databases,
            platform=platform,
            platform_key=PLATFORM_KEY,
            **ports,
        )


@pytest.fixture
def world(
    now: datetime,
    make_catalog: Callable[..., Any],
    make_preset: Callable[..., Any],
    make_server: Callable[..., Any],
) -> World:
    """Return a complete installation without any Site."""
    world = World(now)
    for item in (make_catalog(), make_preset(), make_server()):
        world.cluster.add(item.to_manifest())
    return world


@pytest.fixture
def add_site(world: World, make_site: Callable[..., Site]) -> Callable[..., Manifest]:
    """Return a function that creates the Site "shop", changed as `make_site` says."""

    def add(**changes: Any) -> Manifest:
        return world.cluster.add(make_site(**changes).to_manifest())

    return add


@pytest.fixture
def add_domain(world: World, make_domain: Callable[..., Domain]) -> Callable[..., Manifest]:
    """Return a function that creates a Domain of the Site "shop" which nobody has looked at yet."""

    def add(host: str, **changes: Any) -> Manifest:
        body = make_domain(host, **changes).to_manifest()
        return world.cluster.add({**body, "status": {}})

    return add


@pytest.fixture
def site(world: World, add_site: Callable[..., Manifest]) -> Manifest:
    """Create the Site "shop"."""
    return add_site()


def _hash(body: Manifest) -> str | None:
    value: str | None = (body["metadata"].get("annotations") or {}).get(labels.ANNOTATION_HASH)
    return value


def _version(body: Manifest) -> str:
    return str(body["metadata"]["resourceVersion"])
