"""Objects that were stored under a laxer schema, between a real API server and the operator."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from installation import OURS

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("controllers")]

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
LAX = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
API_VERSION = "frankenpanel.io/v1alpha1"


@pytest.fixture
async def smuggle(installation: Any, until: Any) -> AsyncIterator[Callable[..., Any]]:
    """Return a coroutine function that stores an object which today's schema refuses."""
    api = installation.api

    async def wait_for(path: str, body: dict[str, Any], *, is_taken: bool) -> None:
        """A schema counts a moment after it was written; ask without storing anything."""

        def counts() -> bool:
            probe = {**body, "metadata": {"name": f"probe-{secrets.token_hex(3)}"}}
            answer = api.request("POST", f"{path}?dryRun=All", probe)
            return (answer.status == 201) is is_taken

        await until(counts, "the schema counts", 30)

    async def store(plural: str, kind: str, name: str, spec: dict[str, Any], namespace: str = "") -> str:
        crd = f"{CRDS}/{plural}.frankenpanel.io"
        strict = api.request("GET", crd).body["spec"]["versions"]
        (version,) = strict
        lax = [{**version, "schema": {"openAPIV3Schema": LAX}}]
        path = f"{OURS}/namespaces/{namespace}/{plural}" if namespace else f"{OURS}/{plural}"
        body = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}
        merge = "application/merge-patch+json"
        try:
            answer = api.request("PATCH", crd, {"spec": {"versions": lax}}, content_type=merge)
            assert answer.status == 200, answer.message
            await wait_for(path, body, is_taken=True)
            answer = api.request("POST", path, body)
            assert answer.status == 201, answer.message
        finally:
            api.request("PATCH", crd, {"spec": {"versions": strict}}, content_type=merge)
            await wait_for(path, body, is_taken=False)
        return f"{path}/{name}"

    yield store
    await asyncio.sleep(0)


def message(installation: Any, path: str, type_: str = "Ready") -> str:
    status = installation.api.request("GET", path).body.get("status", {})
    return next((i["message"] for i in status.get("conditions", []) if i["type"] == type_), "")


async def test_an_unreadable_site_is_stalled_and_can_be_deleted(
    installation: Any, operator: Any, until: Any, settled: Any, smuggle: Any
) -> None:
    spec = {"source": {"preset": {"name": installation.preset_name}}, "paused": "often"}
    path = await smuggle("sites", "Site", "odd", spec, installation.tenant)
    async with operator() as running:
        installation.create_site("shop")
        await until(lambda: installation.condition("odd", "Stalled") == "True SpecInvalid", "it is told", 60)
        assert "spec.paused" in message(installation, path)
        await settled(running, "shop")
        installation.delete_site("odd")
        await until(lambda: installation.is_gone("odd"), "it goes all the same", 60)


async def test_a_site_that_became_unreadable_leaves_its_data_as_it_said(
    installation: Any, operator: Any, until: Any, settled: Any, smuggle: Any
) -> None:
    """What a later schema refuses was fine when the Site was made, so the operator had put its finalizer."""
    async with operator() as running:
        installation.create_site("shop", deletion={"data": "Delete"})
        await settled(running, "shop")
    body = installation.site("shop")
    spec = {**body["spec"], "paused": "often"}
    # The object is made anew under the laxer schema, with the finalizer that the operator gave the other one.
    await smuggle("sites", "Site", "heir", spec, installation.tenant)
    path = f"{OURS}/namespaces/{installation.tenant}/sites/heir"
    finalizers = {"metadata": {"finalizers": body["metadata"]["finalizers"]}}
    merge = "application/merge-patch+json"
    answer = installation.api.request("PATCH", path, finalizers, content_type=merge)
    assert answer.status == 200, "the API server forgives what it stored itself, as long as it stays the same"
    installation.delete_site("heir")
    async with operator():
        await until(lambda: installation.is_gone("heir"), "the finalizer goes", 60)
    assert len(installation.database.databases()) == 1, "its neighbour's database is no business of its"


async def test_an_unreadable_domain_is_stalled_and_its_site_does_not_mind(
    installation: Any, operator: Any, until: Any, settled: Any, smuggle: Any
) -> None:
    host = f"odd.{installation.tenant}.example.com"
    spec = {"host": host, "siteRef": {"name": "shop"}, "role": "Mirror"}
    path = await smuggle("domains", "Domain", "odd", spec, installation.tenant)
    async with operator() as running:
        installation.create_site("shop")
        reason = "True SpecInvalid"
        await until(lambda: installation.condition("odd", "Stalled", "domains") == reason, "it is told", 60)
        assert "spec.role" in message(installation, path)
        await settled(running, "shop")
        assert installation.api.request("DELETE", path).status == 200
        await until(lambda: installation.api.request("GET", path).status == 404, "it goes", 60)


async def test_an_unreadable_preset_is_named_by_the_sites_that_use_it(
    installation: Any, operator: Any, until: Any, settled: Any, smuggle: Any
) -> None:
    name = f"odd-{installation.platform}"
    path = await smuggle("sitepresets", "SitePreset", name, {"title": "Odd", "versions": "none"})
    try:
        async with operator() as running:
            installation.create_site("odd", source={"preset": {"name": name}})
            installation.create_site("shop")
            reason = "False ReferenceUnreadable"
            await until(lambda: installation.condition("odd", "SourceReady") == reason, "it is told", 60)
            site = f"{OURS}/namespaces/{installation.tenant}/sites/odd"
            assert name in message(installation, site, "SourceReady")
            await settled(running, "shop")
    finally:
        installation.api.request("DELETE", path)
