"""Which Host reaches which site, and what reaches none."""

from __future__ import annotations

import json

import aiohttp
import pytest

pytestmark = pytest.mark.integration

NOT_FOUND = "There is no site at this address"


async def test_each_host_reaches_its_own_site(gateway, store, shop, blog):
    store.add("shop.example", shop.record("demo.shop"))
    store.add("www.blog.example", blog.record("demo.blog"))

    for host, name in (("shop.example", "shop"), ("www.blog.example", "blog")):
        status, body = await gateway.get(host, "/a/path?with=query")
        assert status == 200
        answer = json.loads(body)
        assert (answer["site"], answer["path"]) == (name, "/a/path?with=query")
        assert answer["headers"]["Host"] == host


@pytest.mark.parametrize(
    "host",
    ["SHOP.Example", "shop.example:8080", "sHop.example:1"],
    ids=["mixed-case", "port", "mixed-case-and-port"],
)
async def test_spellings_of_a_host_reach_the_site(gateway, store, shop, host):
    store.add("shop.example", shop.record())
    assert (await gateway.get(host))[0] == 200


async def test_hosts_of_two_to_ten_labels_are_found(gateway, store, shop):
    ten = "a.b.c.d.e.f.g.h.i.example"
    longest = ".".join(["x" * 61] * 4)
    for host in ("two.example", ten, longest, "xn--bcher-kva.example"):
        store.add(host, shop.record())
        assert (await gateway.get(host))[0] == 200, host


HOSTILE_HOSTS = {
    "unknown": "other.example",
    "parent": "example",
    "child": "www.shop.example",
    "trailing-dot": "shop.example.",
    "leading-dot": ".shop.example",
    "leading-dots": ".......shop.example",
    "doubled-dot": "shop..example",
    "only-dots": "..",
    "eleven-labels": "a.b.c.d.e.f.g.h.i.shop.example",
    "eleven-labels-alias": "x.a.b.c.d.e.f.g.h.i.example",
    "300-characters": "a" * 300 + ".example",
    "300-characters-in-labels": ".".join(["a" * 59] * 5),
    "ipv4": "127.0.0.1",
    "ipv6": "[::1]",
    "star": "*.example",
    "star-alone": "*",
    "question-mark": "sho?.example",
    "bracket": "[s]hop.example",
    "brace-alternatives": "{shop,x}.example",
    "placeholder": "{env.PATH}.example",
    "file-placeholder": "{file./etc/passwd}.example",
    "escaped-dots": "%2e%2e.example",
    "slash": "shop.example/../shop.example",
    "backslash": "shop\\.example",
    "underscore": "_shop.example",
    "at": "user@shop.example",
    "space": "shop .example",
    "non-ascii": "sh\u00f6p.example",
    "empty": "",
}


@pytest.mark.parametrize("host", HOSTILE_HOSTS.values(), ids=HOSTILE_HOSTS.keys())
async def test_no_other_host_reaches_a_site(gateway, store, shop, host):
    store.add("shop.example", shop.record())
    store.add("a.b.c.d.e.f.g.h.i.example", shop.record())
    store.add(".".join(["a" * 59] * 4), shop.record())

    answer = await gateway.raw(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())

    status_line, _, rest = answer.partition(b"\r\n")
    assert status_line.split()[1] in {b"400", b"404"}, answer
    assert b'"site"' not in rest
    assert b"root:" not in rest


async def test_a_wildcard_serves_names_of_exactly_one_more_label(gateway, store, shop, blog):
    store.add("*.shop.example", shop.record())
    store.add("*.eu.shop.example", blog.record())
    store.add("*.b.c.d.e.f.g.h.i.example", shop.record())
    found = {
        "a.shop.example": "shop",
        "A.Shop.Example": "shop",
        "eu.shop.example": "shop",
        "a.eu.shop.example": "blog",
        "a.b.c.d.e.f.g.h.i.example": "shop",
    }
    for host, name in found.items():
        status, body = await gateway.get(host)
        assert status == 200, host
        assert json.loads(body)["site"] == name
    for host in (
        "shop.example",
        "b.a.shop.example",
        "a.b.eu.shop.example",
        "a.example",
        "b.c.d.e.f.g.h.i.example",
    ):
        assert (await gateway.get(host))[0] == 404, host


async def test_an_exact_host_counts_before_a_wildcard(gateway, store, shop, blog):
    store.add("*.shop.example", shop.record())
    store.add("own.shop.example", blog.record())
    assert json.loads((await gateway.get("own.shop.example"))[1])["site"] == "blog"
    store.remove("own.shop.example")
    assert json.loads((await gateway.get("own.shop.example"))[1])["site"] == "shop"
    store.remove("*.shop.example")
    assert (await gateway.get("own.shop.example"))[0] == 404


@pytest.mark.parametrize("host", ["@.shop.example", "*.shop.example", "..shop.example", "%40.shop.example"])
async def test_no_spelling_leads_into_the_tree_of_wildcards(gateway, store, shop, host):
    store.add("*.shop.example", shop.record())
    answer = await gateway.raw(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert answer.split(b" ", 2)[1] in {b"400", b"404"}


async def test_unknown_host_gets_a_page_that_nobody_stores(gateway):
    answer = (await gateway.raw(b"GET / HTTP/1.1\r\nHost: no.example\r\nConnection: close\r\n\r\n")).decode()
    assert answer.startswith("HTTP/1.1 404 ")
    assert NOT_FOUND in answer
    assert "Cache-Control: no-store" in answer
    assert "Content-Type: text/html; charset=utf-8" in answer


async def test_a_host_without_a_record_or_with_a_foreign_one_is_not_found(gateway, store, shop):
    for number, record in enumerate(
        [
            f"x0,demo.shop,{shop.address}",
            f"p2,demo.shop,{shop.address}",
            f"p0,demo,{shop.address}",
            f"p0,demo.shop,{shop.address},-1",
            "p0,demo.shop,localhost:80",
            f"p0,demo.{{env.HOME}},{shop.address}",
            f"p0,demo.shop,{shop.address},more",
        ]
    ):
        store.add(f"bad{number}.example", record)
        status, body = await gateway.get(f"bad{number}.example")
        assert status == 404, record
        assert NOT_FOUND in body


async def test_a_route_is_effective_at_once_and_gone_at_once(gateway, store, shop, blog):
    assert (await gateway.get("shop.example"))[0] == 404
    store.add("shop.example", shop.record())
    assert json.loads((await gateway.get("shop.example"))[1])["site"] == "shop"
    store.change("shop.example", shop.record(), blog.record())
    assert json.loads((await gateway.get("shop.example"))[1])["site"] == "blog"
    store.remove("shop.example")
    assert (await gateway.get("shop.example"))[0] == 404


async def test_without_a_complete_tree_visitors_are_told_to_come_back(gateway, folder):
    (gateway.routes / "current").rename(folder / "aside")
    assert await gateway.local_status("/readyz") == 503
    status, body = await gateway.get("shop.example")
    assert status == 503
    assert "temporarily unavailable" in body

    (folder / "aside").rename(gateway.routes / "current")
    assert await gateway.local_status("/readyz") == 200


async def test_caddy_restarted_serves_the_tree_that_lies_there(gateway, store, shop):
    store.add("shop.example", shop.record())
    gateway.stop()
    await gateway.start()
    assert (await gateway.get("shop.example"))[0] == 200


async def test_an_ipv6_upstream_is_dialled(gateway, store):
    store.add("six.example", "p0,demo.six,[::1]:1")
    assert (await gateway.get("six.example"))[0] == 502


async def test_admin_api_listens_on_a_private_socket_only(gateway):
    admin = gateway.folder / "admin.sock"
    assert admin.is_socket()
    assert admin.stat().st_mode & 0o077 == 0
    assert gateway.configuration()["admin"]["listen"].startswith("unix//")


async def test_metrics_do_not_grow_with_hosts(gateway, store, shop):
    async def names() -> set[str]:
        async with aiohttp.request("GET", f"http://127.0.0.1:{gateway.local}/metrics") as response:
            lines = (await response.text()).splitlines()
        return {line.rpartition(" ")[0] for line in lines if 'server="edge"' in line}

    store.add("warm.example", shop.record())
    await gateway.get("warm.example")
    before = await names()
    assert before
    for number in range(20):
        store.add(f"h{number}.example", shop.record())
        await gateway.get(f"h{number}.example")
    assert await names() == before
