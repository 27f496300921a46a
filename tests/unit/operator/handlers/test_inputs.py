"""A fingerprint changes with everything that a reconcile reads, and with nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable
from typing import Any

import pytest
from frankenpanel_operator.cluster.cache import MemoryObjectCache
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.handlers.inputs import inputs_of

SITE, DOMAIN = Key("Site", "demo", "shop"), Key("Domain", "demo", "www")
HOST = "www.example.com"
Edit = Callable[..., None]


def body(kind: str, name: str, namespace: str = "demo", **sections: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "uid": f"{kind}-{name}"}
    if namespace:
        metadata["namespace"] = namespace
    metadata |= sections.pop("metadata", {})
    return {"kind": kind, "metadata": metadata, **sections}


def domain(name: str, site: str = "shop", host: str = "", role: str = "Alias") -> dict[str, Any]:
    host = host or f"{name}.example.com"
    spec = {"host": host, "siteRef": {"name": site}, "role": role}
    return body("Domain", name, spec=spec, status={"host": host})


def owned(kind: str, name: str, **sections: Any) -> dict[str, Any]:
    return body(kind, name, metadata={"labels": {"frankenpanel.io/site-uid": "Site-shop"}}, **sections)


SITE_BODY = body("Site", "shop", spec={"source": {"preset": {"name": "wordpress"}}})
WORLD = [
    SITE_BODY,
    body("Site", "blog"),
    domain("www", role="Primary"),
    domain("alias"),
    domain("blog", "blog"),
    owned("Deployment", "shop", status={"replicas": 1}),
    owned("Service", "shop", spec={"clusterIP": "10.96.0.7"}),
    owned("Pod", "shop-1"),
    body("SitePreset", "wordpress", "", spec={}),
    body("SitePreset", "joomla", "", spec={}),
    body("RuntimeCatalog", "default", "", spec={}),
    body("DatabaseServer", "embedded", "", spec={}),
    body("DomainClaim", HOST, "", spec={}),
    body("DomainClaim", "alias.example.com", "", spec={}),
    body("PersistentVolumeClaim", "retained", spec={}),
]


@pytest.fixture
def cache() -> MemoryObjectCache:
    return MemoryObjectCache()


@pytest.fixture
def put(cache: MemoryObjectCache) -> Edit:
    versions = itertools.count(1)

    def put(item: dict[str, Any]) -> None:
        metadata = {**item["metadata"], "resourceVersion": str(next(versions))}
        assert cache.put({**item, "metadata": metadata})

    for item in WORLD:
        put(item)
    return put


def changed(cache: MemoryObjectCache, key: Key, edit: Callable[[], object]) -> bool:
    before: Hashable = inputs_of(key, cache)
    assert before is not None
    assert before == inputs_of(key, cache)
    edit()
    return before != inputs_of(key, cache)


def edited(kind: str, name: str, **sections: Any) -> dict[str, Any]:
    item = next(item for item in WORLD if (item["kind"], item["metadata"]["name"]) == (kind, name))
    return {**item, **(sections or {"status": {**item.get("status", {}), "conditions": ["new"]}})}


READ_BY_SITE = [
    edited("Site", "shop"),
    edited("Domain", "www"),
    edited("Domain", "alias"),
    edited("Deployment", "shop", status={"replicas": 2}),
    edited("Pod", "shop-1", status={"containerStatuses": [{"name": "php"}]}),
    edited("SitePreset", "wordpress"),
    edited("RuntimeCatalog", "default"),
    edited("DatabaseServer", "embedded"),
    owned("Pod", "shop-2"),
    domain("new"),
    body("DatabaseServer", "second", ""),
]
NOT_READ_BY_SITE = [
    edited("Site", "blog"),
    edited("Domain", "blog"),
    edited("SitePreset", "joomla"),
    edited("DomainClaim", HOST),
    edited("PersistentVolumeClaim", "retained", status={"phase": "Bound"}),
]
READ_BY_DOMAIN = [
    edited("Domain", "www"),
    edited("Domain", "alias"),
    edited("DomainClaim", HOST),
    edited("Service", "shop", spec={"clusterIP": "10.96.0.8"}),
    domain("rival", "blog", host=HOST),
    domain("second", role="Primary"),
]
NOT_READ_BY_DOMAIN = [
    edited("Site", "shop"),
    edited("Domain", "blog"),
    edited("DomainClaim", "alias.example.com"),
    edited("Deployment", "shop", status={"replicas": 2}),
    edited("SitePreset", "wordpress"),
]


READ_BY_REDIRECT = [
    body("DomainClaim", "old.example.net", "", spec={}),
    body("DomainClaim", "example.net", "", spec={}),
    body("DomainClaim", "example.net.wildcard", "", spec={}),
    edited("DomainClaim", HOST),
    edited("Domain", "www"),
    domain("person", "blog", host="www.old.example.net"),
    domain("old-www", "blog", host="other.example.net"),
]


@pytest.fixture
def redirect(put: Edit) -> Key:
    """Put a Domain with a pair that sends its visitors to a host which another one holds."""
    holder = {"namespace": "demo", "name": "www", "uid": "Domain-www"}
    put(edited("DomainClaim", HOST, spec={"domainRef": holder}))
    item = domain("old", host="old.example.net", role="Redirect")
    spec = {**item["spec"], "redirect": {"to": f"https://{HOST}/x"}, "www": "Redirect"}
    put({**item, "spec": spec})
    return Key("Domain", "demo", "old")


@pytest.mark.parametrize(
    "item", READ_BY_REDIRECT, ids=lambda item: f"{item['kind']}-{item['metadata']['name']}"
)
def test_a_redirect_reads(cache: MemoryObjectCache, put: Edit, redirect: Key, item: dict[str, Any]) -> None:
    assert changed(cache, redirect, lambda: put(item))


def test_a_redirect_does_not_read_its_siblings_unless_it_has_no_target_of_its_own(
    cache: MemoryObjectCache, put: Edit, redirect: Key
) -> None:
    assert not changed(cache, redirect, lambda: put(edited("Domain", "alias")))
    put(domain("older", host="older.example.net", role="Redirect"))
    older = Key("Domain", "demo", "older")
    assert changed(cache, older, lambda: put(edited("Domain", "alias", status={"host": "x"})))


def test_a_claim_reads_itself(cache: MemoryObjectCache, put: Edit) -> None:
    claim = Key("DomainClaim", "", HOST)
    assert changed(cache, claim, lambda: put(edited("DomainClaim", HOST)))
    assert not changed(cache, claim, lambda: put(edited("Domain", "www")))


@pytest.mark.parametrize("item", READ_BY_SITE, ids=lambda item: f"{item['kind']}-{item['metadata']['name']}")
def test_a_site_reads(cache: MemoryObjectCache, put: Edit, item: dict[str, Any]) -> None:
    assert changed(cache, SITE, lambda: put(item))


@pytest.mark.parametrize("item", NOT_READ_BY_SITE, ids=lambda item: item["kind"])
def test_a_site_does_not_read(cache: MemoryObjectCache, put: Edit, item: dict[str, Any]) -> None:
    assert not changed(cache, SITE, lambda: put(item))


@pytest.mark.parametrize(
    "item", READ_BY_DOMAIN, ids=lambda item: f"{item['kind']}-{item['metadata']['name']}"
)
def test_a_primary_domain_reads(cache: MemoryObjectCache, put: Edit, item: dict[str, Any]) -> None:
    assert changed(cache, DOMAIN, lambda: put(item))


@pytest.mark.parametrize("item", NOT_READ_BY_DOMAIN, ids=lambda item: item["kind"])
def test_a_domain_does_not_read(cache: MemoryObjectCache, put: Edit, item: dict[str, Any]) -> None:
    assert not changed(cache, DOMAIN, lambda: put(item))


def test_an_alias_does_not_read_its_siblings(cache: MemoryObjectCache, put: Edit) -> None:
    alias = Key("Domain", "demo", "alias")
    assert not changed(cache, alias, lambda: put(edited("Domain", "www")))


@pytest.mark.parametrize(
    ("key", "kind", "name"),
    [
        (SITE, "Domain", "alias"),
        (SITE, "Service", "shop"),
        (DOMAIN, "Domain", "alias"),
        (DOMAIN, "Service", "shop"),
        (DOMAIN, "Site", "shop"),
        (DOMAIN, "DomainClaim", HOST),
    ],
    ids=str,
)
def test_a_removal_is_a_change_of_those_who_read_it(
    cache: MemoryObjectCache, put: Edit, key: Key, kind: str, name: str
) -> None:
    assert changed(cache, key, lambda: cache.remove(edited(kind, name)))


def test_a_domain_that_moves_away_is_a_change_of_the_site_that_it_leaves(
    cache: MemoryObjectCache, put: Edit
) -> None:
    assert changed(cache, SITE, lambda: put(domain("alias", "blog")))


def test_volumes_count_where_the_site_takes_up_retained_data(cache: MemoryObjectCache, put: Edit) -> None:
    put({**SITE_BODY, "spec": {**SITE_BODY["spec"], "bootstrapFrom": {"retained": {"uid": "u"}}}})
    bound = edited("PersistentVolumeClaim", "retained", status={"phase": "Bound"})
    assert changed(cache, SITE, lambda: put(bound))


def test_a_pass_is_never_spared_where_the_cache_does_not_tell_all(
    cache: MemoryObjectCache, put: Edit
) -> None:
    assert inputs_of(Key("DatabaseServer", "", "embedded"), cache) is None
    assert inputs_of(Key("Site", "demo", "unknown"), cache) is None


@pytest.mark.parametrize("spec", [None, {}, {"siteRef": "text", "source": []}, {"siteRef": {"name": None}}])
def test_objects_of_a_laxer_schema_break_nothing(cache: MemoryObjectCache, put: Edit, spec: Any) -> None:
    for kind in ("Site", "Domain"):
        put(body(kind, "odd", spec=spec, status={"host": 7}))
        assert inputs_of(Key(kind, "demo", "odd"), cache) is not None


def test_a_promoted_domain_reads_what_its_jobs_are_made_of(cache: MemoryObjectCache, put: Edit) -> None:
    put({**SITE_BODY, "status": {"primary": {"host": HOST, "formerHosts": ["old.example.com"]}}})
    for item in (edited("SitePreset", "wordpress"), owned("Job", "shop-rewrite"), owned("Pod", "shop-2")):
        assert changed(cache, DOMAIN, lambda item=item: put(item))
    alias = Key("Domain", "demo", "alias")
    assert not changed(cache, alias, lambda: put(owned("Pod", "shop-3")))
