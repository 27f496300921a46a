"""Secrets that are written without being read, and status, against a real API server."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from frankenpanel_operator.cluster.applier import KubernetesApplier
from frankenpanel_operator.cluster.blind_writes import BlindWrites
from frankenpanel_operator.cluster.client import KubernetesClient
from frankenpanel_operator.desired.metadata import seal
from frankenpanel_operator.errors import (
    ClusterRefusedError,
    ObjectNameTakenError,
)
from frankenpanel_operator.observed import ObjectRef
from owned_objects import (
    OTHER_UID,
    Bench,
    metadata,
)

pytestmark = pytest.mark.integration


class TestSecrets:
    """Written without ever being read."""

    def secret(self, namespace: str, value: str) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata(namespace, "shop-admin"),
            "type": "Opaque",
            "stringData": {"password": value},
        }

    def value(self, bench: Bench) -> str:
        found = bench.get(self.secret(bench.namespace, ""))
        return base64.b64decode(found["data"]["password"]).decode()

    async def test_written_once_and_again_only_when_it_changed(
        self, bench: Bench, count_requests: Callable[[], float]
    ) -> None:
        await bench.apply_blind(self.secret(bench.namespace, "one"))
        await bench.apply_blind(self.secret(bench.namespace, "one"))
        assert count_requests() == 1
        await bench.apply_blind(self.secret(bench.namespace, "two"))
        assert count_requests() == 1
        assert self.value(bench) == "two"

    async def test_a_new_process_overwrites_its_own(self, bench: Bench, client: KubernetesClient) -> None:
        await bench.apply_blind(self.secret(bench.namespace, "one"))
        successor = KubernetesApplier(client, bench.cache, BlindWrites(lambda: 0.0))
        await successor.apply_blind(seal(self.secret(bench.namespace, "two")))
        assert self.value(bench) == "two"

    async def test_one_that_was_deleted_by_hand_is_written_again_after_the_trust_expired(
        self, bench: Bench, client: KubernetesClient
    ) -> None:
        now = 0.0
        applier = KubernetesApplier(client, bench.cache, BlindWrites(lambda: now, trust_seconds=60))
        await applier.apply_blind(seal(self.secret(bench.namespace, "one")))
        bench.api.request("DELETE", bench.path(self.secret(bench.namespace, "")))
        now = 61.0
        await applier.apply_blind(seal(self.secret(bench.namespace, "one")))
        assert self.value(bench) == "one"

    @pytest.mark.parametrize(
        "labels",
        [
            {},
            {"app.kubernetes.io/managed-by": "helm"},
            {
                "app.kubernetes.io/managed-by": "frankenpanel-operator",
                "frankenpanel.io/site-uid": OTHER_UID,
            },
        ],
    )
    async def test_a_foreign_one_is_never_overwritten(self, bench: Bench, labels: dict[str, str]) -> None:
        manifest = self.secret(bench.namespace, "foreign")
        manifest["metadata"]["labels"] = labels
        path = bench.path(manifest).rsplit("/", 1)[0]
        assert bench.api.request("POST", path, manifest).status == 201
        with pytest.raises(ObjectNameTakenError):
            await bench.apply_blind(self.secret(bench.namespace, "ours"))
        assert self.value(bench) == "foreign"

    async def test_a_refusal_does_not_quote_the_value(self, bench: Bench) -> None:
        manifest = self.secret(bench.namespace, "x")
        manifest["data"] = {"password": "hunter2 is no base64"}
        with pytest.raises(ClusterRefusedError) as caught:
            await bench.apply_blind(manifest)
        assert "hunter2" not in str(caught.value)


@pytest.mark.usefixtures("installed_crds", "no_site_stays")
class TestStatus:
    @pytest.fixture
    def no_site_stays(self, bench: Bench) -> Iterator[None]:
        """Remove the Site, which an operator of a later test would take for one of its own."""
        yield
        bench.api.request("DELETE", bench.path(_site(bench.namespace)))

    async def test_status_is_replaced_as_a_whole_and_comes_back_into_the_cache(
        self, bench: Bench, count_requests: Callable[[], float]
    ) -> None:
        site = _site(bench.namespace)
        created = bench.api.request(
            "POST", f"/apis/frankenpanel.io/v1alpha1/namespaces/{bench.namespace}/sites", site
        )
        assert created.status == 201, created.message
        ref = ObjectRef("Site", bench.namespace, "shop")
        condition = {
            "type": "Ready",
            "status": "True",
            "reason": "Ready",
            "message": "",
            "observedGeneration": 1,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        await bench.applier.write_status(
            created.body, {"observedGeneration": 1, "url": "http://shop.localhost", "conditions": [condition]}
        )
        count_requests()
        await bench.applier.write_status(created.body, {"observedGeneration": 2, "conditions": []})
        assert count_requests() == 1
        cached = bench.cache.get(ref)
        assert cached is not None
        assert cached["status"] == {"observedGeneration": 2, "conditions": []}
        assert cached["spec"] == created.body["spec"]

    async def test_a_missing_object_is_fine(self, bench: Bench) -> None:
        site = _site(bench.namespace)
        gone = {"name": f"gone-{secrets.token_hex(2)}", "uid": OTHER_UID}
        site["metadata"] = {**site["metadata"], **gone}
        await bench.applier.write_status(site, {"observedGeneration": 1})

    async def test_another_object_of_the_name_keeps_its_own_status(self, bench: Bench) -> None:
        site = _site(bench.namespace)
        path = f"/apis/frankenpanel.io/v1alpha1/namespaces/{bench.namespace}/sites"
        created = bench.api.request("POST", path, site).body
        former = {**created, "metadata": {**created["metadata"], "uid": OTHER_UID}}
        await bench.applier.write_status(former, {"observedGeneration": 7})
        assert bench.api.request("GET", f"{path}/shop").body["status"]["observedGeneration"] == -1


def _site(namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "frankenpanel.io/v1alpha1",
        "kind": "Site",
        "metadata": {"name": "shop", "namespace": namespace},
        "spec": {"source": {"preset": {"name": "wordpress"}}},
    }
