"""The chart's roles are enough for every adapter, and not for what the operator must never do."""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
import time
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import pytest
from frankenpanel_operator.cluster.applier import KubernetesApplier
from frankenpanel_operator.cluster.blind_writes import BlindWrites
from frankenpanel_operator.cluster.cache import MemoryObjectCache
from frankenpanel_operator.cluster.client import KubernetesClient
from frankenpanel_operator.cluster.events import KubernetesEventRecorder
from frankenpanel_operator.cluster.lease_store import LeaseRecord, LeaseStore
from frankenpanel_operator.cluster.listing import read_pages
from frankenpanel_operator.cluster.platform_secrets import (
    MARIADB_SECRET,
    PLATFORM_KEY_SECRET,
    PlatformKeyLostError,
    PlatformSecrets,
)
from frankenpanel_operator.cluster.resources import OUR_RESOURCES, SECRET, WATCHED_RESOURCES, Resource
from frankenpanel_operator.desired.metadata import seal
from frankenpanel_operator.errors import (
    ClusterRefusedError,
    ClusterUnavailableError,
    DatabaseUnavailableError,
)
from frankenpanel_operator.observed import ObjectRef

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("installed_crds")]

LABELS = {
    "app.kubernetes.io/managed-by": "frankenpanel-operator",
    "frankenpanel.io/site": "shop",
    "frankenpanel.io/site-uid": "uid",
}


class FixedClock:
    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)


async def test_every_watched_kind_can_be_listed_and_watched(operator: KubernetesClient) -> None:
    async def list_and_watch(resource: Resource) -> None:
        # Right after a CRD appeared, the API server answers 429 for a moment.
        for attempt in range(20):
            try:
                return await try_to(resource)
            except ClusterUnavailableError as error:
                if attempt == 19:
                    raise
                await asyncio.sleep(error.retry_after_seconds or 0.1)

    async def try_to(resource: Resource) -> None:
        version = await read_pages(operator, resource, "", MemoryObjectCache().begin_listing(resource.kind))
        params = {"resourceVersion": version, "timeoutSeconds": "1"}
        async with aclosing(operator.watch(resource, params)) as events:
            async for _ in events:
                break

    await asyncio.gather(*map(list_and_watch, (*OUR_RESOURCES, *WATCHED_RESOURCES)))


async def test_secrets_are_written_patched_and_deleted_but_never_read(
    operator: KubernetesClient, namespace: str
) -> None:
    applier = KubernetesApplier(operator, MemoryObjectCache(), BlindWrites(time.monotonic))
    manifest: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "shop-admin", "namespace": namespace, "labels": LABELS},
        "stringData": {"password": "one"},
    }
    await applier.apply_blind(seal(manifest))
    await applier.apply_blind(seal({**manifest, "stringData": {"password": "two"}}))
    with pytest.raises(ClusterRefusedError, match="Forbidden"):
        await operator.get(SECRET, namespace, "shop-admin")
    with pytest.raises(ClusterRefusedError, match="Forbidden"):
        await read_pages(operator, SECRET, "", MemoryObjectCache().begin_listing("Secret"))
    await applier.delete(ObjectRef("Secret", namespace, "shop-admin"))


async def test_owned_objects_claims_finalizers_and_status_can_be_written(
    operator: KubernetesClient, kubernetes_api: Any, namespace: str
) -> None:
    cache = MemoryObjectCache()
    applier = KubernetesApplier(operator, cache, BlindWrites(time.monotonic))
    site = {
        "apiVersion": "frankenpanel.io/v1alpha1",
        "kind": "Site",
        "metadata": {"name": "shop", "namespace": namespace},
        "spec": {"source": {"preset": {"name": "wordpress"}}},
    }
    path = f"/apis/frankenpanel.io/v1alpha1/namespaces/{namespace}/sites"
    created = kubernetes_api.request("POST", path, site)
    assert created.status == 201, created.message
    live = created.body
    ref = ObjectRef("Site", namespace, "shop")
    await applier.change_metadata(live, {"finalizers": ["frankenpanel.io/data"]})
    await applier.write_status(live, {"observedGeneration": 1})
    owner = {
        "apiVersion": "frankenpanel.io/v1alpha1",
        "kind": "Site",
        "name": "shop",
        "uid": created.body["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    for kind, extra in (
        ("ConfigMap", {"data": {"a": "b"}}),
        ("ServiceAccount", {"automountServiceAccountToken": False}),
        ("Service", {"spec": {"ports": [{"port": 80}]}}),
    ):
        metadata = {"name": "shop", "namespace": namespace, "labels": LABELS, "ownerReferences": [owner]}
        manifest = {"apiVersion": "v1", "kind": kind, "metadata": metadata, **extra}
        await applier.apply(seal(manifest), None)
        await applier.delete(ObjectRef(kind, namespace, "shop"))
    await _write_claim(applier, cache)
    latest = cache.get(ref)
    assert latest is not None
    await applier.change_metadata(latest, {"finalizers": []})
    # An operator of a later test would take it for one of its own.
    assert kubernetes_api.request("DELETE", f"{path}/shop").status == 200


async def _write_claim(applier: KubernetesApplier, cache: MemoryObjectCache) -> None:
    host = f"{secrets.token_hex(4)}.example.com"
    claim = {
        "apiVersion": "frankenpanel.io/v1alpha1",
        "kind": "DomainClaim",
        "metadata": {"name": host, "labels": {"app.kubernetes.io/managed-by": "frankenpanel-operator"}},
        "spec": {"host": host, "domainRef": {"namespace": "demo", "name": "shop", "uid": "u"}},
    }
    await applier.apply(seal(claim), None)
    route = {"site": "demo.shop", "upstream": "10.96.0.9:8080"}
    spec = {**claim["spec"], "route": route}  # type: ignore[dict-item]
    await applier.apply(seal({**claim, "spec": spec}), cache.get(ObjectRef("DomainClaim", "", host)))
    await applier.delete(ObjectRef("DomainClaim", "", host))


async def test_events_are_posted_once_and_failures_are_quiet(
    operator: KubernetesClient, kubernetes_api: Any, namespace: str
) -> None:
    recorder = KubernetesEventRecorder(operator, FixedClock())
    subject = {
        "apiVersion": "frankenpanel.io/v1alpha1",
        "kind": "Site",
        "metadata": {"name": "shop", "namespace": namespace, "uid": "u1"},
    }
    for _ in range(3):
        await recorder.record(subject, type_="Normal", reason="Installed", message="it works")
    path = f"/api/v1/namespaces/{namespace}/events"
    found = kubernetes_api.request("GET", path).body["items"]
    assert [(event["reason"], event["message"]) for event in found] == [("Installed", "it works")]
    gone = {**subject, "metadata": {"name": "x", "namespace": "no-such-namespace", "uid": "u2"}}
    await recorder.record(gone, type_="Normal", reason="Installed", message="nobody to tell")


async def test_the_lease_can_be_created_renewed_and_given_back_and_no_other_one_read(
    operator: KubernetesClient, platform_namespace: str
) -> None:
    store = LeaseStore(operator.transport, platform_namespace)
    record = LeaseRecord("a", 1, 4, "2026-01-01T00:00:00.000001Z", "2026-01-01T00:00:00.000001Z")
    assert await store.read() is None
    created = await store.create(record)
    assert created is not None
    assert await store.create(record) is None
    renewed = dataclasses.replace(record, renewed="2026-01-01T00:00:01.000001Z")
    stored = await store.replace(renewed, created.resource_version)
    assert stored == await store.read()
    assert stored is not None
    assert stored.record == renewed
    assert await store.replace(record, created.resource_version) is None
    released = dataclasses.replace(renewed, holder="", duration_seconds=1)
    given_back = await store.replace(released, stored.resource_version)
    assert given_back is not None
    assert given_back.record.holder == ""
    with pytest.raises(ClusterRefusedError, match="forbidden"):
        await LeaseStore(operator.transport, platform_namespace, "somebody-elses").read()


class TestPlatformSecrets:
    async def test_key_is_generated_once_and_shared_by_a_racer(
        self, operator: KubernetesClient, platform_namespace: str
    ) -> None:
        first = PlatformSecrets(operator, platform_namespace, secrets.token_bytes)
        key = await first.ensure_platform_key(may_generate=True)
        assert len(key) == 32
        assert await first.ensure_platform_key(may_generate=False) == key
        # A racer that saw nothing and lost the creation takes what the winner wrote.
        loser = await first._create(PLATFORM_KEY_SECRET, {"key": bytes(32)})
        assert loser["key"] == key

    async def test_a_lost_key_is_not_replaced_by_itself(
        self, operator: KubernetesClient, platform_namespace: str
    ) -> None:
        platform = PlatformSecrets(operator, platform_namespace, secrets.token_bytes)
        with pytest.raises(PlatformKeyLostError, match="ALLOW_NEW_PLATFORM_KEY"):
            await platform.ensure_platform_key(may_generate=False)

    async def test_a_damaged_key_is_refused(
        self, operator: KubernetesClient, platform_namespace: str
    ) -> None:
        platform = PlatformSecrets(operator, platform_namespace, secrets.token_bytes)
        await platform._create(PLATFORM_KEY_SECRET, {"key": b"short"})
        with pytest.raises(PlatformKeyLostError, match="32 bytes"):
            await platform.ensure_platform_key(may_generate=True)

    async def test_embedded_database_account(
        self, operator: KubernetesClient, platform_namespace: str
    ) -> None:
        platform = PlatformSecrets(operator, platform_namespace, secrets.token_bytes)
        with pytest.raises(DatabaseUnavailableError):
            await platform.read(MARIADB_SECRET)
        await platform.ensure_mariadb_account()
        account = await platform.read(MARIADB_SECRET)
        await platform.ensure_mariadb_account()
        assert await platform.read(MARIADB_SECRET) == account
        assert account["username"] == b"root"
        assert len(account["password"]) == 32
