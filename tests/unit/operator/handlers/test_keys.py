from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from frankenpanel_operator.cluster.cache import MemoryObjectCache
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.priority import Priority
from frankenpanel_operator.handlers.keys import SETTLE_SECONDS, Work, all_keys, keys_for
from frankenpanel_operator.naming import data_id
from frankenpanel_operator.observed import ObjectRef

RETAINED = "frankenpanel.io/retained"
RENEWED = {
    "host": "second.example.com",
    "url": "http://second.example.com",
    "conditions": [{"type": "Claimed", "status": "True"}, {"type": "Ready", "status": "True"}],
}


def body(kind: str, name: str, namespace: str = "demo", **extra: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "uid": f"{kind}-{name}", "resourceVersion": "1"}
    if namespace:
        metadata["namespace"] = namespace
    metadata |= extra.pop("metadata", {})
    return {"kind": kind, "metadata": metadata, **extra}


def site(name: str, preset: str = "wordpress") -> dict[str, Any]:
    return body("Site", name, spec={"source": {"preset": {"name": preset}}})


def domain(name: str, site_name: str, host: str = "", role: str = "Alias", **extra: Any) -> dict[str, Any]:
    spec = {"host": host or f"{name}.example.com", "siteRef": {"name": site_name}, "role": role}
    return body("Domain", name, spec=spec, **extra)


def claimed(item: dict[str, Any]) -> dict[str, Any]:
    conditions = [{"type": "Claimed", "status": "True"}]
    return {**item, "status": {"host": item["spec"]["host"], "conditions": conditions}}


def claim_of(name: str, host: str) -> dict[str, Any]:
    reference = {"namespace": "demo", "name": name, "uid": "u"}
    return body("DomainClaim", host, "", spec={"domainRef": reference})


@pytest.fixture
def cache() -> MemoryObjectCache:
    cache = MemoryObjectCache()
    for item in (
        site("shop"),
        site("blog", preset="joomla"),
        domain("www", "shop", role="Primary"),
        domain("alias", "shop"),
        domain("blog", "blog"),
        body("DatabaseServer", "embedded", ""),
    ):
        cache.put(item)
    return cache


Touch = Callable[..., set[Work]]


@pytest.fixture
def touched(cache: MemoryObjectCache) -> Touch:
    """Return a function that takes an object from one state to another, and tells what that touches."""
    versions = itertools.count(2)

    def put(item: Any, *, is_own: bool = False) -> None:
        known, version = cache.get(ObjectRef.of(item)), str(next(versions))
        # What is created anew has a uid of its own: that of a deleted object stays deleted.
        uid = known["metadata"]["uid"] if known else f"uid-{version}"
        metadata = {**item["metadata"], "resourceVersion": version, "uid": uid}
        (cache.put_own if is_own else cache.put)({**item, "metadata": metadata})

    def touch(old: Any, new: Any, *, is_own: bool = False) -> set[Work]:
        told: list[Work] = []
        ref = ObjectRef.of(new or old)
        known = cache.get(ref)
        if old is None and known is not None:
            cache.remove(known)
        elif old is not None:
            put(old)
        cache.listen(lambda change: told.extend(keys_for(change, cache)))
        if new is not None:
            put(new, is_own=is_own)
        elif (known := cache.get(ref)) is not None:
            cache.remove(known)
        cache.listen(lambda change: None)
        return set(told)

    return touch


def live(*keys: str, delay: float = 0.0) -> set[Work]:
    return {work(key, Priority.LIVE, delay) for key in keys}


def work(key: str, priority: Priority, delay: float = 0.0) -> Work:
    kind, *namespace, name = key.split("/")
    return Work(Key(kind, "".join(namespace), name), priority, delay)


def soon(*keys: str) -> set[Work]:
    return live(*keys, delay=SETTLE_SECONDS)


def with_status(item: dict[str, Any], **status: Any) -> dict[str, Any]:
    return {**item, "status": status}


def test_a_new_or_deleted_site_leads_to_its_domains_an_edited_one_only_to_itself(touched: Touch) -> None:
    expected = live("Site/demo/shop", "Domain/demo/www", "Domain/demo/alias")
    assert touched(None, site("shop")) == expected
    assert touched(site("shop"), None) == expected
    assert touched(site("shop"), site("shop", preset="other")) == live("Site/demo/shop")


def test_our_own_status_or_finalizer_leads_nowhere(touched: Touch) -> None:
    shop = site("shop")
    assert touched(shop, with_status(shop, url="http://shop"), is_own=True) == set()
    finalized = {**shop, "metadata": {**shop["metadata"], "finalizers": ["frankenpanel.io/data"]}}
    assert touched(shop, finalized, is_own=True) == set()
    server = body("DatabaseServer", "embedded", "")
    assert touched(server, with_status(server, version="11.8"), is_own=True) == set()


def test_an_edit_that_shows_in_the_answer_to_our_own_write_is_not_lost(touched: Touch) -> None:
    edited = with_status(site("shop", preset="other"), url="http://shop")
    assert touched(site("shop"), edited, is_own=True) == live("Site/demo/shop")
    moved = with_status(domain("alias", "blog"), host="x")
    keys = touched(domain("alias", "shop"), moved, is_own=True)
    assert keys == live("Domain/demo/alias") | soon("Site/demo/shop", "Site/demo/blog")


def test_a_foreign_hand_in_a_status_leads_to_the_object(touched: Touch) -> None:
    assert touched(site("shop"), with_status(site("shop"), url="x")) == live("Site/demo/shop")


def test_a_domain_leads_to_its_site_after_a_moment(touched: Touch) -> None:
    alias = domain("alias", "shop")
    expected = live("Domain/demo/alias") | soon("Site/demo/shop")
    assert touched(None, alias) == expected
    assert touched(alias, with_status(alias, host="y")) == expected
    assert touched(alias, with_status(alias, host="z"), is_own=True) == soon("Site/demo/shop")
    finalized = {**alias, "metadata": {**alias["metadata"], "finalizers": ["frankenpanel.io/claim"]}}
    assert touched(alias, finalized, is_own=True) == set()


def test_only_what_makes_a_primary_a_rival_leads_to_the_other_primaries(
    touched: Touch, cache: MemoryObjectCache
) -> None:
    second = domain("second", "shop", role="Primary")
    www = live("Domain/demo/www")
    assert www <= touched(None, second)
    assert www <= touched(second, claimed(second), is_own=True)
    assert not www & touched(claimed(second), with_status(claimed(second), **RENEWED), is_own=True)
    assert www <= touched(claimed(second), second)
    assert www <= touched(claimed(second), domain("second", "shop", role="Alias"))
    assert www <= touched(second, domain("second", "blog", role="Primary"))
    leaving = {**second, "metadata": {**second["metadata"], "deletionTimestamp": "2026-08-01T13:00:00Z"}}
    assert www <= touched(claimed(second), leaving)
    assert www <= touched(claimed(second), None)
    assert not www & touched(None, domain("third", "shop", role="Alias"))
    assert live("Domain/demo/alias").isdisjoint(touched(None, domain("fourth", "shop", role="Primary")))


def test_a_domain_that_moves_leads_to_both_sites(touched: Touch) -> None:
    keys = touched(domain("www", "shop"), domain("www", "blog"))
    assert soon("Site/demo/shop", "Site/demo/blog") <= keys


def test_a_claim_leads_to_its_domain_and_when_it_goes_to_those_who_wait_for_the_host(
    touched: Touch, cache: MemoryObjectCache
) -> None:
    cache.put(domain("loser", "blog", host="www.example.com"))
    claim = claim_of("www", "www.example.com")
    both = live("Domain/demo/www", "Domain/demo/loser")
    assert touched(None, claim) == both
    assert touched(claim, None) == both
    assert touched(claim, with_status(claim, certificate={"issuer": "x"})) == live("Domain/demo/www")


def with_spec(item: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {**item, "spec": {**item["spec"], **spec}}


def test_a_claim_that_is_proven_or_given_up_leads_to_all_whom_it_concerns(
    touched: Touch, cache: MemoryObjectCache
) -> None:
    for name, host, extra in (
        ("rival", "www.example.com", {}),
        ("below", "a.b.www.example.com", {}),
        ("beside", "other.example.com", {}),
        ("sender", "old.example.net", {"redirect": {"to": "https://WWW.example.com:8443/x"}}),
        ("sender-of-sender", "older.example.net", {"redirect": {"to": "http://old.example.net"}}),
    ):
        cache.put(with_spec(domain(name, "blog", host=host, role="Redirect"), **extra))
    claim = claim_of("www", "www.example.com")
    proven = with_spec(claim, verifiedAt="2026-08-01T12:00:00Z")
    names = ("rival", "sender", "sender-of-sender")
    nearest = live(*(f"Domain/demo/{name}" for name in names))
    concerned = nearest | {work("Domain/demo/below", Priority.RESYNC)}
    assert touched(None, claim, is_own=True) == nearest, "who has shown nothing concerns nobody below"
    assert touched(claim, proven, is_own=True) == concerned
    assert touched(proven, with_spec(proven, route={"site": "demo.shop"}), is_own=True) == set()
    released = with_spec(proven, releasedAt="2026-08-01T13:00:00Z")
    assert touched(proven, released, is_own=True) == concerned | live("DomainClaim/www.example.com")


def test_the_claim_of_a_wildcard_concerns_those_below_it(touched: Touch, cache: MemoryObjectCache) -> None:
    cache.put(domain("below", "blog", host="a.example.org"))
    cache.put(domain("wild", "blog", host="*.example.org"))
    claim = with_spec(claim_of("gone", "example.org.wildcard"), verifiedAt="2026-08-01T12:00:00Z")
    below = {work(f"Domain/demo/{name}", Priority.RESYNC) for name in ("below", "wild")}
    assert touched(claim, None) == below | live("Domain/demo/wild", "Domain/demo/gone")


def test_a_domain_leads_to_those_who_send_their_visitors_to_it(
    touched: Touch, cache: MemoryObjectCache
) -> None:
    sender = domain("sender", "blog", host="old.example.net", role="Redirect")
    cache.put(with_spec(sender, redirect={"to": "https://alias.example.com"}))
    alias = domain("alias", "shop")
    turned = with_spec(alias, role="Redirect", redirect={"to": "https://old.example.net"})
    assert live("Domain/demo/sender") <= touched(alias, turned)
    assert not live("Domain/demo/sender") & touched(turned, with_status(turned, host="alias.example.com"))


def test_the_address_of_a_primary_leads_to_redirects_without_a_target(
    touched: Touch, cache: MemoryObjectCache
) -> None:
    cache.put(domain("sender", "shop", host="old.example.net", role="Redirect"))
    www = claimed(domain("www", "shop", role="Primary"))
    known = {**www["status"], "url": "http://www.example.com"}
    assert live("Domain/demo/sender") <= touched(www, with_status(www, **known), is_own=True)
    # Its claim counts as before, and so do its Site's other Primaries.
    assert not live("Domain/demo/alias") & touched(www, with_status(www, **known), is_own=True)


def test_a_domain_leads_to_the_one_that_it_was_made_for_and_to_whoever_wants_its_host_as_other_form(
    touched: Touch, cache: MemoryObjectCache
) -> None:
    cache.put(with_spec(domain("bare", "blog", host="example.org"), www="Redirect"))
    owners = [{"kind": "Domain", "name": "bare", "uid": "u"}]
    made = domain("bare-www", "blog", host="www.example.org", metadata={"ownerReferences": owners})
    bare = live("Domain/demo/bare")
    assert bare <= touched(made, None)
    assert bare <= touched(made, with_spec(made, host="changed.example.org"))
    assert not bare & touched(made, with_status(made, host="x"), is_own=True)
    assert bare <= touched(None, domain("person", "blog", host="WWW.example.org"))


def test_released_claims_are_looked_at_and_no_other_ones(cache: MemoryObjectCache) -> None:
    cache.put(claim_of("www", "www.example.com"))
    cache.put(with_spec(claim_of("gone", "gone.example.com"), releasedAt="2026-08-01T12:00:00Z"))
    claims = [key.name for key in all_keys(cache) if key.kind == "DomainClaim"]
    assert claims == ["gone.example.com"]


def test_a_claim_that_we_wrote_is_known_to_the_domain_that_it_was_written_for(touched: Touch) -> None:
    assert touched(None, claim_of("www", "www.example.com"), is_own=True) == set()


def test_a_domain_that_vanishes_leads_to_those_who_wait_for_its_host(
    touched: Touch, cache: MemoryObjectCache
) -> None:
    cache.put(domain("loser", "blog", host="www.example.com"))
    assert live("Domain/demo/loser") <= touched(domain("www", "shop", host="WWW.example.com"), None)


def test_platform_objects_lead_to_sites_behind_everything_live(touched: Touch) -> None:
    shop, blog = work("Site/demo/shop", Priority.RESYNC), work("Site/demo/blog", Priority.RESYNC)
    assert touched(None, body("SitePreset", "wordpress", "")) == {shop}
    assert touched(None, body("RuntimeCatalog", "default", "")) == {shop, blog}
    server = body("DatabaseServer", "embedded", "")
    moved, itself = {**server, "spec": {"host": "elsewhere"}}, live("DatabaseServer/embedded")
    assert touched(server, moved) == {shop, blog, *itself}
    ready = with_status(server, conditions=[{"type": "Ready", "status": "True"}])
    assert touched(server, ready, is_own=True) == {shop, blog}
    assert touched(server, with_status(server, version="11.8")) == itself


@pytest.mark.parametrize("kind", ["Deployment", "Pod", "Job", "PersistentVolumeClaim", "ConfigMap"])
def test_an_owned_object_leads_to_its_site(touched: Touch, kind: str) -> None:
    owned = body(kind, "x", metadata={"labels": {"frankenpanel.io/site": "shop"}})
    assert touched(None, owned) == live("Site/demo/shop")
    assert touched(owned, None) == live("Site/demo/shop")
    assert touched(None, body(kind, "x")) == set()


def test_an_owned_object_that_we_created_is_known_to_its_site(touched: Touch) -> None:
    owned = body("ConfigMap", "x", metadata={"labels": {"frankenpanel.io/site": "shop"}}, data={"a": "1"})
    assert touched(None, owned, is_own=True) == set()
    assert touched(owned, {**owned, "data": {"a": "2"}}, is_own=True) == live("Site/demo/shop")


def test_an_owned_object_whose_label_was_changed_leads_to_both_sites(touched: Touch) -> None:
    owned = body("ConfigMap", "x", metadata={"labels": {"frankenpanel.io/site": "shop"}})
    stolen = body("ConfigMap", "x", metadata={"labels": {"frankenpanel.io/site": "blog"}})
    assert touched(owned, stolen) == live("Site/demo/shop", "Site/demo/blog")


def test_a_retained_volume_leads_to_the_site_that_takes_it_up(
    touched: Touch, cache: MemoryObjectCache
) -> None:
    cache.put(body("Site", "heir", spec={"bootstrapFrom": {"retained": {"uid": "uid-of-shop"}}}))
    labels = {"frankenpanel.io/site": "shop", "frankenpanel.io/data-id": data_id("uid-of-shop")}
    volume = body("PersistentVolumeClaim", "x", metadata={"labels": labels})
    assert touched(None, volume) == live("Site/demo/shop", "Site/demo/heir")
    retained = {**volume, "metadata": {**volume["metadata"], "labels": {**labels, RETAINED: "true"}}}
    assert touched(volume, retained) == live("Site/demo/shop", "Site/demo/heir")


def test_a_services_address_leads_to_the_routes_as_well(touched: Touch) -> None:
    labels = {"labels": {"frankenpanel.io/site": "shop"}}
    service = body("Service", "x", metadata=labels, spec={"clusterIP": "10.96.0.7", "ports": []})
    routes = live("Domain/demo/www", "Domain/demo/alias")
    assert touched(None, service) == live("Site/demo/shop") | routes
    assert touched(None, service, is_own=True) == routes
    patched = {**service, "spec": {**service["spec"], "selector": {"a": "1"}}}
    assert touched(service, patched) == live("Site/demo/shop")


@pytest.mark.parametrize(
    "spec", [None, {}, {"siteRef": None}, {"siteRef": "text"}, {"siteRef": {"name": None}}]
)
def test_objects_of_a_laxer_schema_break_nothing(cache: MemoryObjectCache, touched: Touch, spec: Any) -> None:
    assert touched(None, body("Domain", "odd", spec=spec)) == live("Domain/demo/odd")
    cache.put(body("Site", "odd", spec=spec))
    assert touched(None, body("SitePreset", "nobody", "")) == set()
    assert touched(None, body("DomainClaim", "odd", "", spec=spec)) == set()


def test_all_keys_are_servers_before_sites_before_domains(cache: MemoryObjectCache) -> None:
    keys = list(all_keys(cache))
    assert keys[0] == Key("DatabaseServer", "", "embedded")
    assert [key.kind for key in keys] == ["DatabaseServer", "Site", "Site", "Domain", "Domain", "Domain"]


PROMOTED = {"primary": {"host": "www.example.com", "formerHosts": ["old.example.com"]}}


def rewriting(kind: str, **extra: Any) -> dict[str, Any]:
    names = {"frankenpanel.io/site": "shop", "app.kubernetes.io/component": "rewrite"}
    return body(kind, "shop-rewrite", metadata={"labels": names}, **extra)


def test_another_address_of_a_site_leads_to_the_domains_that_may_be_it(touched: Touch) -> None:
    keys = touched(site("shop"), with_status(site("shop"), **PROMOTED), is_own=True)
    assert keys == live("Domain/demo/www")


def test_a_job_that_rewrites_leads_to_the_domain_and_not_to_the_site(touched: Touch) -> None:
    for kind in ("Job", "Pod"):
        ended = rewriting(kind, status={"conditions": [{"type": "PodScheduled", "status": "True"}]})
        assert touched(rewriting(kind), ended) == live("Domain/demo/www")
        assert touched(ended, None) == live("Domain/demo/www")
    assert touched(None, rewriting("Job"), is_own=True) == set()
