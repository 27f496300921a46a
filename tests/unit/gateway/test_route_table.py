from __future__ import annotations

import os

import pytest
from frankenpanel_gateway import route_table as module
from frankenpanel_gateway.metrics import Metrics
from frankenpanel_gateway.object_event import ObjectEvent
from frankenpanel_gateway.route_table import RouteTable, TreeWriteError
from frankenpanel_gateway.store import TreeStore
from frankenpanel_gateway.tree import folder_name


async def pages(*claims):
    for body in claims:
        yield [body]


async def broken_pages(*claims):
    for body in claims:
        yield [body]
    raise ConnectionError


@pytest.fixture
async def table(tmp_path):
    table = RouteTable(TreeStore(tmp_path), Metrics())
    await table.open()
    yield table
    await table.close()


CHANGES = ("added", "changed", "removed")


def records(root):
    hosts = root / "current" / "hosts"
    return {name.lstrip("."): os.listdir(hosts / name) for name in os.listdir(hosts)}


def value(table, name, **labels):
    return table._metrics.registry.get_sample_value(name, labels)


async def test_a_listing_becomes_the_tree(table, tmp_path, claim):
    assert not table.is_ready()
    await table.replace(pages(claim("a.example"), claim("b.example", None)))
    assert table.is_ready()
    assert records(tmp_path) == {"a.example": ["p0,demo.shop,10.96.3.4:8080"]}


async def test_a_second_listing_changes_only_what_differs(table, tmp_path, claim):
    await table.replace(pages(claim("a.example"), claim("b.example"), claim("c.example")))
    tree_before = os.readlink(tmp_path / "current")
    kept = (tmp_path / "current" / "hosts" / folder_name("a.example")).stat().st_ino

    await table.replace(pages(claim("a.example"), claim("c.example", "10.96.0.9:80"), claim("d.example")))

    assert os.readlink(tmp_path / "current") == tree_before
    assert (tmp_path / "current" / "hosts" / folder_name("a.example")).stat().st_ino == kept
    assert records(tmp_path) == {
        "a.example": ["p0,demo.shop,10.96.3.4:8080"],
        "c.example": ["p0,demo.shop,10.96.0.9:80"],
        "d.example": ["p0,demo.shop,10.96.3.4:8080"],
    }
    changes = [value(table, "frankenpanel_gateway_route_changes_total", change=c) for c in CHANGES]
    assert changes == [1, 1, 1]


async def test_of_many_events_for_a_host_the_last_counts(table, tmp_path, claim):
    await table.replace(pages(claim("a.example")))
    await table.apply(
        [
            ObjectEvent(claim("a.example"), is_deleted=True),
            ObjectEvent(claim("b.example")),
            ObjectEvent(claim("a.example", "10.96.0.9:80")),
            ObjectEvent(claim("b.example"), is_deleted=True),
        ]
    )
    assert records(tmp_path) == {"a.example": ["p0,demo.shop,10.96.0.9:80"]}
    assert value(table, "frankenpanel_gateway_routes") == 1


async def test_a_listing_that_breaks_off_changes_nothing(table, tmp_path, claim):
    await table.replace(pages(claim("a.example")))
    with pytest.raises(ConnectionError):
        await table.replace(broken_pages(claim("b.example")))
    assert list(records(tmp_path)) == ["a.example"]
    await table.apply([ObjectEvent(claim("b.example"))])
    assert set(records(tmp_path)) == {"a.example", "b.example"}


async def test_a_refused_claim_is_counted_until_it_is_mended_or_gone(table, tmp_path, claim):
    await table.replace(pages(claim("a.example", "127.0.0.1:80"), claim("b.example", "localhost:80")))
    assert value(table, "frankenpanel_gateway_refused_claims") == 2
    assert records(tmp_path) == {}
    await table.apply([ObjectEvent(claim("a.example"))])
    assert value(table, "frankenpanel_gateway_refused_claims") == 1
    await table.apply([ObjectEvent(claim("b.example"), is_deleted=True)])
    assert value(table, "frankenpanel_gateway_refused_claims") == 0
    await table.apply([ObjectEvent(claim("a.example", "127.0.0.1:80"))])
    assert records(tmp_path) == {}
    await table.replace(pages())
    assert value(table, "frankenpanel_gateway_refused_claims") == 0


async def test_the_tree_of_an_earlier_run_counts_until_the_first_listing(table, tmp_path, claim):
    await table.replace(pages(claim("a.example"), claim("b.example")))
    later = RouteTable(TreeStore(tmp_path), Metrics())
    await later.open()
    assert later.is_ready()
    assert value(later, "frankenpanel_gateway_routes") == 2
    assert set(records(tmp_path)) == {"a.example", "b.example"}
    await later.replace(pages(claim("a.example")))
    assert set(records(tmp_path)) == {"a.example"}
    await later.close()


async def test_a_wildcard_is_routed_beside_its_parent(table, tmp_path, claim):
    await table.replace(pages(claim("*.shop.example"), claim("shop.example")))
    assert records(tmp_path) == {"shop.example": ["p0,demo.shop,10.96.3.4:8080"]}
    wild = tmp_path / "current" / "wild" / "example" / "shop" / "@"
    assert os.listdir(wild) == ["p0,demo.shop,10.96.3.4:8080"]
    await table.apply([ObjectEvent(claim("*.shop.example"), is_deleted=True)])
    assert not wild.exists()
    assert list(records(tmp_path)) == ["shop.example"]


async def test_a_released_claim_loses_its_route(table, tmp_path, claim):
    await table.replace(pages(claim("a.example")))
    body = claim("a.example")
    body["spec"]["releasedAt"] = "2026-01-01T00:00:00Z"
    await table.apply([ObjectEvent(body)])
    assert records(tmp_path) == {}


async def test_a_tree_that_someone_damaged_is_written_anew(table, tmp_path, claim):
    await table.replace(pages(claim("a.example"), claim("b.example")))
    folder = tmp_path / "current" / "hosts" / folder_name("a.example")
    for record in folder.iterdir():
        record.unlink()
    folder.rmdir()

    await table.apply([ObjectEvent(claim("a.example", "10.96.0.9:80"))])

    assert records(tmp_path) == {
        "a.example": ["p0,demo.shop,10.96.0.9:80"],
        "b.example": ["p0,demo.shop,10.96.3.4:8080"],
    }
    assert os.readlink(tmp_path / "current").endswith("/2")


async def test_a_superseded_tree_is_dropped_after_a_while(tmp_path, claim, monkeypatch):
    first = TreeStore(tmp_path)
    first.open()
    first.replace_all({})
    monkeypatch.setattr(module, "SUPERSEDED_TREE_SECONDS", 0.0)
    table = RouteTable(TreeStore(tmp_path), Metrics())
    await table.open()
    await table.replace(pages(claim("a.example")))
    await table._dropping
    assert os.listdir(tmp_path / "generations") == ["2"]


async def test_a_disk_that_refuses_is_an_error_and_the_last_tree_stays(table, tmp_path, claim, monkeypatch):
    await table.replace(pages(claim("a.example")))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(TreeStore, "change", full)
    monkeypatch.setattr(TreeStore, "replace_all", full)
    with pytest.raises(TreeWriteError, match="No space left"):
        await table.apply([ObjectEvent(claim("a.example", "10.96.0.9:80"))])
    assert records(tmp_path) == {"a.example": ["p0,demo.shop,10.96.3.4:8080"]}


async def test_changes_before_a_listing_are_a_mistake_of_the_caller(table, claim):
    with pytest.raises(RuntimeError, match="listing"):
        await table.apply([ObjectEvent(claim("a.example"))])
