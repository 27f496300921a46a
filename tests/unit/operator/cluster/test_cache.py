from __future__ import annotations

from typing import Any

import pytest
from frankenpanel_operator.cluster import cache as cache_module
from frankenpanel_operator.cluster.cache import MemoryObjectCache
from frankenpanel_operator.observed import ObjectRef

Change = tuple[int | None, int | None]


def body(kind: str = "Service", name: str = "a", *, version: int, uid: str = "u", **extra: Any) -> Any:
    metadata = {"name": name, "namespace": "demo", "uid": uid, "resourceVersion": str(version)}
    metadata |= extra.pop("metadata", {})
    return {"kind": kind, "metadata": metadata, **extra}


def version_of(item: Any) -> int | None:
    return int(item["metadata"]["resourceVersion"]) if item else None


@pytest.fixture
def cache() -> MemoryObjectCache:
    return MemoryObjectCache()


@pytest.fixture
def changes(cache: MemoryObjectCache) -> list[Change]:
    told: list[Change] = []
    cache.listen(lambda old, new: told.append((version_of(old), version_of(new))))
    return told


REF = ObjectRef("Service", "demo", "a")


def test_echoes_and_stale_observations_are_dropped(cache: MemoryObjectCache, changes: list[Change]) -> None:
    assert cache.put(body(version=5))
    assert not cache.put(body(version=5))
    assert not cache.put(body(version=4))
    assert cache.put(body(version=10))
    assert changes == [(None, 5), (5, 10)]


def test_versions_are_compared_as_numbers(cache: MemoryObjectCache) -> None:
    cache.put(body(version=9))
    assert cache.put(body(version=10))


def test_a_late_answer_does_not_bring_a_deleted_object_back(
    cache: MemoryObjectCache, changes: list[Change]
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
    cache: MemoryObjectCache, changes: list[Change]
) -> None:
    cache.put(body(name="old", version=3, uid="1"))
    cache.put(body(name="young", version=30, uid="2"))
    cache.put(body("Pod", "other-kind", version=1, uid="3"))
    cache.replace("Service", [body(name="listed", version=4, uid="4")], "20")
    names = {item["metadata"]["name"] for item in cache.list("Service")}
    assert names == {"young", "listed"}
    assert cache.count("Pod") == 1
    assert (3, None) in changes


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


def test_memory_of_deletions_is_bounded(cache: MemoryObjectCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "_REMEMBERED_DELETIONS", 3)
    for number in range(10):
        cache.remove(body(version=number, uid=str(number)))
    assert list(cache._deleted_uids) == ["7", "8", "9"]
