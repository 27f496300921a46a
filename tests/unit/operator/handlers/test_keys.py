from __future__ import annotations

from typing import Any

import pytest
from frankenpanel_operator.cluster.cache import MemoryObjectCache
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.priority import Priority
from frankenpanel_operator.handlers.keys import all_keys, keys_for


def body(kind: str, name: str, namespace: str = "demo", **extra: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "uid": f"{kind}-{name}", "resourceVersion": "1"}
    if namespace:
        metadata["namespace"] = namespace
    metadata |= extra.pop("metadata", {})
    return {"kind": kind, "metadata": metadata, **extra}


def site(name: str, preset: str = "wordpress") -> dict[str, Any]:
    return body("Site", name, spec={"source": {"preset": {"name": preset}}})


def domain(name: str, site_name: str, host: str = "", generation: int = 1) -> dict[str, Any]:
    spec = {"host": host or f"{name}.example.com", "siteRef": {"name": site_name}}
    return body("Domain", name, spec=spec, metadata={"generation": generation})


@pytest.fixture
def cache() -> MemoryObjectCache:
    cache = MemoryObjectCache()
    for item in (
        site("shop"),
        site("blog", preset="joomla"),
        domain("www", "shop"),
        domain("alias", "shop"),
        domain("blog", "blog"),
        body("DatabaseServer", "embedded", ""),
    ):
        cache.put(item)
    return cache


def touched(cache: MemoryObjectCache, old: Any, new: Any) -> set[tuple[str, Priority]]:
    return {(str(key), priority) for key, priority in keys_for(old, new, cache)}


def live(*keys: str) -> set[tuple[str, Priority]]:
    return {(key, Priority.LIVE) for key in keys}


def test_a_site_leads_to_itself_and_its_domains(cache: MemoryObjectCache) -> None:
    expected = live("Site/demo/shop", "Domain/demo/www", "Domain/demo/alias")
    assert touched(cache, None, site("shop")) == expected
    assert touched(cache, site("shop"), None) == expected


def test_a_new_edited_or_deleted_domain_leads_to_its_site_and_its_siblings(cache: MemoryObjectCache) -> None:
    expected = live("Domain/demo/www", "Site/demo/shop", "Domain/demo/alias")
    assert touched(cache, None, domain("www", "shop")) == expected
    assert touched(cache, domain("www", "shop"), domain("www", "shop", generation=2)) == expected
    assert touched(cache, domain("www", "shop"), None) == expected


def test_a_domains_mere_status_does_not_wake_its_siblings(cache: MemoryObjectCache) -> None:
    changed = {**domain("www", "shop"), "status": {"host": "x"}}
    assert touched(cache, domain("www", "shop"), changed) == live("Domain/demo/www", "Site/demo/shop")


def test_a_domain_that_moves_leads_to_both_sites(cache: MemoryObjectCache) -> None:
    keys = touched(cache, domain("www", "shop"), domain("www", "blog", generation=2))
    assert live("Site/demo/shop", "Site/demo/blog") <= keys


def test_a_claim_leads_to_its_domain_and_when_it_goes_to_those_who_wait_for_the_host(
    cache: MemoryObjectCache,
) -> None:
    cache.put(domain("loser", "blog", host="www.example.com"))
    reference = {"namespace": "demo", "name": "www", "uid": "u"}
    claim = body("DomainClaim", "www.example.com", "", spec={"domainRef": reference})
    assert touched(cache, None, claim) == live("Domain/demo/www")
    assert touched(cache, claim, None) == live("Domain/demo/www", "Domain/demo/loser")


def test_platform_objects_lead_to_sites_behind_everything_live(cache: MemoryObjectCache) -> None:
    shop, blog = ("Site/demo/shop", Priority.RESYNC), ("Site/demo/blog", Priority.RESYNC)
    assert touched(cache, None, body("SitePreset", "wordpress", "")) == {shop}
    assert touched(cache, None, body("RuntimeCatalog", "default", "")) == {shop, blog}
    server = body("DatabaseServer", "embedded", "")
    assert touched(cache, server, server) == {shop, blog, ("DatabaseServer/embedded", Priority.LIVE)}


@pytest.mark.parametrize("kind", ["Deployment", "Pod", "Job", "PersistentVolumeClaim", "ConfigMap"])
def test_an_owned_object_leads_to_its_site(cache: MemoryObjectCache, kind: str) -> None:
    owned = body(kind, "x", metadata={"labels": {"frankenpanel.io/site": "shop"}})
    assert touched(cache, None, owned) == live("Site/demo/shop")
    assert touched(cache, owned, None) == live("Site/demo/shop")
    assert touched(cache, None, body(kind, "x")) == set()


def test_a_service_leads_to_the_routes_as_well(cache: MemoryObjectCache) -> None:
    service = body("Service", "x", metadata={"labels": {"frankenpanel.io/site": "shop"}})
    expected = live("Site/demo/shop", "Domain/demo/www", "Domain/demo/alias")
    assert touched(cache, None, service) == expected


@pytest.mark.parametrize(
    "spec", [None, {}, {"siteRef": None}, {"siteRef": "text"}, {"siteRef": {"name": None}}]
)
def test_objects_of_a_laxer_schema_break_nothing(cache: MemoryObjectCache, spec: Any) -> None:
    assert touched(cache, None, body("Domain", "odd", spec=spec)) == live("Domain/demo/odd")
    cache.put(body("Site", "odd", spec=spec))
    assert touched(cache, None, body("SitePreset", "nobody", "")) == set()
    assert touched(cache, None, body("DomainClaim", "odd", "", spec=spec)) == set()


def test_all_keys_are_servers_before_sites_before_domains(cache: MemoryObjectCache) -> None:
    keys = list(all_keys(cache))
    assert keys[0] == Key("DatabaseServer", "", "embedded")
    assert [key.kind for key in keys] == ["DatabaseServer", "Site", "Site", "Domain", "Domain", "Domain"]
