from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from edge import layouts
from edge.layouts import SLOT, Place
from edge.population import hosts_of

UPSTREAM = "127.0.0.1:9"


@pytest.fixture
def place() -> Place:
    return Place(Path("/srv/bench"), 1001, 1002, 1003, 1004, 1005)


def dials(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "dial" in node:
            yield node["dial"]
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from dials(part)


def routes(config: dict[str, Any]) -> list[Any]:
    return list(config["apps"]["http"]["servers"]["edge"]["routes"])


def test_the_shipped_configuration_is_moved_and_otherwise_as_shipped(place: Place) -> None:
    config = layouts.shipped_config(place)
    edge = config["apps"]["http"]["servers"]["edge"]
    shipped = json.loads((layouts.GATEWAY / "gateway.json").read_text())
    assert edge["listen"] == ["127.0.0.1:1001", "127.0.0.1:1002"]
    assert len(edge["routes"]) == len(shipped["apps"]["http"]["servers"]["edge"]["routes"])
    assert "/srv/routes" not in json.dumps(config)
    assert config["admin"]["listen"].startswith("unix//srv/bench/admin.sock")


def test_the_lookup_is_all_that_the_constant_layout_lacks(place: Place) -> None:
    config = layouts.constant_config(place, UPSTREAM)
    (route,) = routes(config)
    handlers = [handler["handler"] for handler in route["handle"]]
    assert handlers[-1] == "reverse_proxy"
    assert {"request_body", "headers"} <= set(handlers)
    assert list(dials(config)) == [UPSTREAM]
    assert "http.regexp" not in json.dumps(route)


def test_the_bare_proxy_has_nothing_but_its_upstream(place: Place) -> None:
    config = layouts.bare_config(place, UPSTREAM)
    assert routes(config) == [{"handle": [{"handler": "reverse_proxy", "upstreams": [{"dial": UPSTREAM}]}]}]
    assert "logging" not in config


def test_every_host_has_a_route_of_its_own_in_order(place: Place) -> None:
    hosts = hosts_of(12)
    config = json.loads(layouts.route_per_host_text(place, hosts, UPSTREAM))
    found = [route["match"][0]["host"] for route in routes(config)[1:-2]]
    assert found == [[host] for host in hosts]
    assert routes(config)[-2] == SLOT


@pytest.mark.parametrize(("count", "parts"), [(10, 1), (1000, 8), (50_000, 225)], ids=str)
def test_buckets_are_as_many_as_each_is_long_and_lose_nobody(count: int, parts: int) -> None:
    hosts = hosts_of(count)
    cut = layouts.buckets(hosts)
    assert [host for bucket in cut for host in bucket] == hosts
    assert len(cut) == parts


def test_the_map_leads_every_host_to_its_upstream(place: Place) -> None:
    hosts = hosts_of(300)
    config = json.loads(layouts.bucketed_map_text(place, hosts, UPSTREAM))
    maps = [route["handle"][0]["mappings"] for route in routes(config)[:-3]]
    found = {mapping["input"]: mapping["outputs"] for mappings in maps for mapping in mappings}
    assert found == {host: [UPSTREAM] for host in hosts}
    assert list(dials(config)) == ["{upstream}"]


def test_nginx_has_a_server_per_host_and_refuses_others(place: Place) -> None:
    text = layouts.nginx_text(place, hosts_of(3), UPSTREAM, "")
    assert text.count("server_name ") == 3
    assert text.count("default_server; return 404;") == 1
    assert text.count(SLOT) == 1


@pytest.mark.parametrize("make", [layouts.route_per_host_text, layouts.bucketed_map_text])
def test_changing_hosts_have_one_place_in_a_pushed_layout(place: Place, make: Any) -> None:
    text = make(place, hosts_of(3), UPSTREAM)
    before, after = text.split(f'"{SLOT}", ')
    added = json.dumps(layouts.host_route("new.example", UPSTREAM))
    assert len(routes(json.loads(f"{before}{added}, {after}"))) == len(routes(json.loads(before + after))) + 1


def test_a_configuration_without_what_is_moved_is_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "gateway.json").write_text("{}")
    monkeypatch.setattr(layouts, "GATEWAY", tmp_path)
    with pytest.raises(ValueError, match="no longer has"):
        layouts.shipped_config(place)
