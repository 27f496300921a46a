from __future__ import annotations

from typing import Any

import pytest
from frankenpanel_operator.cluster import cache as cache_module
from frankenpanel_operator.cluster.cache import Change, MemoryObjectCache
from frankenpanel_operator.observed import ObjectRef

Told = tuple[int | None, int | None]
"""The versions before and after."""


def body(kind: str = "Service", name: str = "a", *, version: int, uid: str = "u", **extra: Any) -> Any:
    metadata = {"name": name, "namespace": "demo", "uid": uid, "resourceVersion": str(version)}
    metadata |= extra.pop("metadata", {})
    return {"kind": kind, "metadata": metadata, "spec": {"ports": [version]}, **extra}


def version_of(item: Any) -> int | None:
    return int(item["metadata"]["resourceVersion"]) if item else None


@pytest.fixture
def cache() -> MemoryObjectCache:
    return MemoryObjectCache()


@pytest.fixture
def changes(cache: MemoryObjectCache) -> list[Told]:
    told: list[Told] = []
    cache.listen(lambda change: told.append((version_of(change.old), version_of(change.new))))
    return told


REF = ObjectRef("Service", "demo", "a")


def test_echoes_and_stale_observations_are_dropped(cache: MemoryObjectCache, changes: list[Told]) -> None:
    assert cache.put(body(version=5))
    assert not cache.put(body(version=5))
    assert not cache.put(body(version=4))
    assert cache.put(body(version=10))
    assert changes == [(None, 5), (5, 10)]


def test_versions_are_compared_as_numbers(cache: MemoryObjectCache) -> None:
    cache.put(body(version=9))
    assert cache.put(body(version=10))


def test_a_late_answer_does_not_bring_a_deleted_object_back(
    cache: MemoryObjectCache, changes: list[Told]
) -> None:
    cache.put(body(version=5))
    assert cache.remove(body(version=7))
    assert not cache.put(body(version=6))
    assert not cache.put(body(version=8))
    assert cache.get(REF) is None
    assert changes == [(None, 5), (5, None)]
    assert cache.put(body(version=9, uid="successor"))


def test_the_end_of_a_predecessor_does_not_remove_its_successor(cache: MemoryObjectCache) -> None:
    cache.put(body(version=5, uid="first"))
    cache.put(body(version=8, uid="second"))
    assert not cache.remove(body(version=7, uid="first"))
    assert not cache.put(body(version=9, uid="first"))
    assert cache.get(REF) is not None
    assert cache.get(REF)["metadata"]["uid"] == "second"  # type: ignore[index]


def test_a_complete_list_removes_what_it_lacks_unless_younger(
    cache: MemoryObjectCache, changes: list[Told]
) -> None:
    cache.put(body(name="old", version=3, uid="1"))
    cache.put(body(name="young", version=30, uid="2"))
    cache.put(body("Pod", "other-kind", version=1, uid="3"))
    listing = cache.begin_listing("Service")
    listing.add(body(name="listed", version=4, uid="4"))
    listing.finish("20")
    names = {item["metadata"]["name"] for item in cache.list("Service")}
    assert names == {"young", "listed"}
    assert cache.count("Pod") == 1
    assert (3, None) in changes


def test_what_nobody_reads_is_no_change_but_moves_the_version_along(
    cache: MemoryObjectCache, changes: list[Told]
) -> None:
    spec = {"ports": [80]}
    cache.put(body(version=5, spec=spec))
    stamp = cache.stamp(REF)
    assert not cache.put(body(version=7, spec={**spec, "sessionAffinity": "ClientIP"}))
    assert changes == [(None, 5)]
    assert cache.stamp(REF) == stamp
    assert version_of(cache.get(REF)) == 7
    assert not cache.put(body(version=6, spec={"ports": [81]})), "an older state than the newest seen"


def test_each_change_has_a_higher_stamp_than_all_before(cache: MemoryObjectCache) -> None:
    stamps = [cache.stamp(REF)]
    for version in (5, 6):
        cache.put(body(version=version))
        stamps.append(cache.stamp(REF))
        cache.put(body("Pod", "p", version=version, uid="p", status={"phase": version}))
        stamps.append(cache.stamp(ObjectRef("Pod", "demo", "p")))
    assert stamps[0] == 0
    assert stamps[1] < stamps[2] < stamps[3]
    cache.remove(body(version=9))
    assert cache.stamp(REF) == 0


def test_an_answer_to_our_own_write_is_told_as_such_and_its_echo_is_dropped(
    cache: MemoryObjectCache,
) -> None:
    told: list[Change] = []
    cache.listen(told.append)
    assert cache.put_own(body(version=5))
    assert not cache.put(body(version=5))
    cache.put(body(version=6))
    assert [change.is_own for change in told] == [True, False]
    assert cache.newest_own_write("Service") == 5
    assert cache.newest_own_write("Pod") == 0


def test_names_are_known_without_unpacking(cache: MemoryObjectCache) -> None:
    cache.put(body(name="a", version=1, uid="1"))
    cache.put(body(name="b", version=2, uid="2", metadata={"namespace": "other"}))
    assert set(cache.refs("Service")) == {REF, ObjectRef("Service", "other", "b")}
    assert list(cache.refs("Service", "demo")) == [REF]
    assert cache.bytes("Service") > 0
    assert cache.bytes("Pod") == 0


def test_a_list_is_taken_in_object_by_object_while_changes_come(
    cache: MemoryObjectCache, changes: list[Told]
) -> None:
    cache.put(body(name="vanished", version=3, uid="1"))
    listing = cache.begin_listing("Service")
    listing.add(body(name="listed", version=4, uid="2"))
    cache.put_own(body(name="ours", version=25, uid="3"))
    cache.remove(body(name="listed", version=24, uid="2"))
    assert cache.count("Service") == 2
    listing.finish("20")
    assert [ref.name for ref in cache.refs("Service")] == ["ours"]
    assert changes[-1] == (3, None)


def test_bodies_are_the_callers_own(cache: MemoryObjectCache) -> None:
    cache.put(body(version=1))
    cache.get(REF)["spec"].clear()  # type: ignore[index]
    assert cache.get(REF)["spec"] == {"ports": [1]}  # type: ignore[index]


def test_managed_fields_are_not_kept(cache: MemoryObjectCache) -> None:
    cache.put(body(version=1, metadata={"managedFields": [{"manager": "kubectl"}]}))
    assert "managedFields" not in cache.get(REF)["metadata"]  # type: ignore[index]


def test_lists_by_kind_and_namespace(cache: MemoryObjectCache) -> None:
    cache.put(body(name="a", version=1, uid="1"))
    cache.put(body(name="b", version=2, uid="2", metadata={"namespace": "other"}))
    assert len(list(cache.list("Service"))) == 2
    assert [item["metadata"]["name"] for item in cache.list("Service", "other")] == ["b"]
    assert list(cache.list("Service", "none")) == []
    assert list(cache.list("Deployment")) == []
    assert cache.count("Service") == 2


def test_owned_objects_are_found_by_the_sites_uid(cache: MemoryObjectCache) -> None:
    labels = {"labels": {"frankenpanel.io/site-uid": "site-1"}}
    cache.put(body(version=1, metadata=labels))
    cache.put(body("Pod", "p", version=2, uid="p", metadata=labels))
    cache.put(body("Pod", "q", version=3, uid="q"))
    assert {item["metadata"]["name"] for item in cache.owned_by("site-1")} == {"a", "p"}
    cache.put(body(version=4, metadata={"labels": {"frankenpanel.io/site-uid": "site-2"}}))
    cache.remove(body("Pod", "p", version=5, uid="p"))
    assert list(cache.owned_by("site-1")) == []
    assert len(list(cache.owned_by("site-2"))) == 1


def test_domains_are_found_by_site_and_by_host(cache: MemoryObjectCache) -> None:
    spec = {"host": "Shop.Example.com", "siteRef": {"name": "shop"}}
    cache.put(body("Domain", "d", version=1, spec=spec))
    assert len(list(cache.domains_of("demo", "shop"))) == 1
    assert list(cache.domains_of("other", "shop")) == []
    status = {"host": "shop.example.com"}
    cache.put(body("Domain", "d", version=2, spec={**spec, "siteRef": {"name": "blog"}}, status=status))
    assert list(cache.domains_of("demo", "shop")) == []
    assert len(list(cache.domains_of("demo", "blog"))) == 1
    assert len(list(cache.domains_with_host("shop.example.com"))) == 1
    assert [ref.name for ref in cache.host_refs("shop.example.com")] == ["d"]
    assert [ref.name for ref in cache.domain_refs("demo", "blog")] == ["d"]


def test_a_host_is_found_in_its_normal_form_before_any_status(cache: MemoryObjectCache) -> None:
    cache.put(body("Domain", "d", version=1, spec={"host": "Shop.Example.com."}))
    cache.put(body("Domain", "odd", version=2, uid="odd", spec={"host": "no host"}))
    assert [ref.name for ref in cache.host_refs("shop.example.com")] == ["d"]
    assert [ref.name for ref in cache.host_refs("no host")] == ["odd"]


def test_memory_of_deletions_is_bounded(cache: MemoryObjectCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "_REMEMBERED_DELETIONS", 3)
    for number in range(10):
        cache.remove(body(version=number, uid=str(number)))
    assert list(cache._deleted_uids) == ["7", "8", "9"]


def domain_of(host: str, version: int, **spec: Any) -> Any:
    return {**body("Domain", "d", version=version), "spec": {"host": host, **spec}}


def test_domains_are_found_by_the_names_above_their_host_and_by_where_they_send_visitors(
    cache: MemoryObjectCache,
) -> None:
    ref = ObjectRef("Domain", "demo", "d")
    redirect = {"role": "Redirect", "redirect": {"to": "https://WWW.Target.example:8443/x"}}
    cache.put(domain_of("A.b.example.com", 1, **redirect))
    for name in ("b.example.com", "example.com"):
        assert list(cache.refs_below(name)) == [ref]
    for name in ("a.b.example.com", "com", "*.example.com"):
        assert list(cache.refs_below(name)) == []
    assert list(cache.redirecting_refs("www.target.example")) == [ref]
    cache.put(domain_of("*.example.net", 2))
    assert list(cache.refs_below("example.com")) == []
    assert list(cache.refs_below("example.net")) == [ref]
    assert list(cache.redirecting_refs("www.target.example")) == []
    cache.remove(body("Domain", "d", version=3))
    assert list(cache.refs_below("example.net")) == []


def test_released_claims_are_found_until_they_are_held_again(cache: MemoryObjectCache) -> None:
    released = {"releasedAt": "2026-08-01T12:00:00Z"}
    cache.put({**body("DomainClaim", "a.example", version=1), "spec": released})
    assert [ref.name for ref in cache.released_refs()] == ["a.example"]
    cache.put({**body("DomainClaim", "a.example", version=2), "spec": {}})
    assert list(cache.released_refs()) == []
