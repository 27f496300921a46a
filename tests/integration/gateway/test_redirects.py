"""Where visitors are sent on, and how they are kept on https."""

from __future__ import annotations

import json

import pytest
from frankenpanel_gateway.tree import redirect_record

pytestmark = pytest.mark.integration


def record(target="https://www.example.com", code=301, *, keep_path=True, to_https=False, hsts=""):
    return redirect_record("demo.shop", code, target, keep_path=keep_path, to_https=to_https, hsts=hsts)


@pytest.mark.parametrize("code", [301, 302, 307, 308])
async def test_visitors_are_sent_on_with_the_code_and_their_path(gateway, store, code):
    store.add("old.example", record(code=code))
    status, headers = await gateway.ask("old.example", "/a/%20b//c?d=e&f=/g%7B")
    assert status == code
    assert headers["location"] == "https://www.example.com/a/%20b//c?d=e&f=/g%7B"
    assert headers["cache-control"] == "max-age=300"


async def test_a_target_of_its_own_path_leaves_that_of_the_request(gateway, store):
    store.add("old.example", record("http://b.example:8080/a/b.php?c=d/e&f='(g)*~", keep_path=False))
    _, headers = await gateway.ask("old.example", "/other?x=y")
    assert headers["location"] == "http://b.example:8080/a/b.php?c=d/e&f='(g)*~"


@pytest.mark.parametrize(
    ("path", "arrives"),
    [
        ("/?x={env.PATH}", "/?x={env.PATH}"),
        ("/{env.PATH}", "/%7Benv.PATH%7D"),
        ("/{file./etc/passwd}", "/%7Bfile./etc/passwd%7D"),
        ("/?{http.regexp.red.2}", "/?{http.regexp.red.2}"),
        ("//evil.example/", "//evil.example/"),
    ],
)
async def test_what_looks_like_a_placeholder_stays_text(gateway, store, path, arrives):
    store.add("old.example", record())
    _, headers = await gateway.ask("old.example", path)
    assert headers["location"] == f"https://www.example.com{arrives}"


@pytest.mark.parametrize("target", ["http:.evil.example/", "http:@evil.example", "*", "evil.example:443"])
@pytest.mark.parametrize("host", ["old.example", "secure.example"])
async def test_a_request_without_a_path_is_sent_nowhere(gateway, store, shop, host, target):
    store.add("old.example", record())
    store.add("secure.example", f"p1,demo.shop,{shop.address}")
    request = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    answer = await gateway.raw(request.encode())
    assert answer.split(b" ", 2)[1] in {b"400", b"404"}
    assert b"Location" not in answer


async def test_nobody_is_sent_in_a_circle(gateway, store):
    store.add("*.example.com", record("https://www.example.com"))
    assert (await gateway.ask("a.example.com"))[0] == 301
    assert (await gateway.ask("www.example.com"))[0] == 404


@pytest.mark.parametrize(
    "name",
    [
        "r0,demo.shop,303k,https:||b.example",
        "r2,demo.shop,301k,https:||b.example",
        "r0,demo.shop,301k,javascript:alert(1)",
        "r0,demo.shop,301k,https:||{env.PATH}",
        "r0,demo.shop,301x,https:||b.example|{env.PATH}",
        "r0,demo,301k,https:||b.example",
        "r0,demo.shop,301k,-1,https:||b.example",
    ],
)
async def test_a_record_that_the_agent_would_not_write_is_not_found(gateway, store, name):
    store.add("old.example", name)
    status, headers = await gateway.ask("old.example")
    assert status == 404
    assert "location" not in headers


@pytest.mark.parametrize("suffix", ["", ":8443"])
async def test_visitors_by_http_are_sent_to_the_public_port_of_https(gateway, store, shop, suffix):
    gateway.environment["FRANKENPANEL_HTTPS_PORT_SUFFIX"] = suffix
    await gateway.restart()
    store.add("shop.example", f"p1,demo.shop,{shop.address}")
    store.add("old.example", record(to_https=True))
    for host in ("shop.example", "old.example", "shop.example:8088"):
        status, headers = await gateway.ask(host, "/a?b={env.PATH}")
        assert status == 308
        assert headers["location"] == f"https://{host.partition(':')[0]}{suffix}/a?b={{env.PATH}}"
    assert shop.received_requests == 0


async def test_proofs_of_a_host_are_answered_by_http(gateway, store, shop):
    store.add("shop.example", f"p1,demo.shop,{shop.address}")
    for path in ("/.well-known/acme-challenge/token", "/.well-known/frankenpanel-verification"):
        assert (await gateway.get("shop.example", path))[0] == 200
    assert (await gateway.get("shop.example", "/.well-known/other"))[0] == 308


async def test_by_https_the_site_answers_and_redirects_lead_on(gateway, store, shop, certificates):
    store.add("shop.example", f"p1,demo.shop,{shop.address}")
    store.add("old.example", record(to_https=True))
    certificates |= {"shop.example", "old.example"}
    assert (await gateway.ask("shop.example", is_secure=True))[0] == 200
    status, headers = await gateway.ask("old.example", "/a", is_secure=True)
    assert (status, headers["location"]) == (301, "https://www.example.com/a")


@pytest.mark.parametrize(
    ("compact", "header"),
    [
        ("0", "max-age=0"),
        ("31536000", "max-age=31536000"),
        ("300s", "max-age=300; includeSubDomains"),
        ("300p", "max-age=300; preload"),
        ("63072000sp", "max-age=63072000; includeSubDomains; preload"),
    ],
)
async def test_hsts_is_told_by_https_only(gateway, store, shop, certificates, compact, header):
    certificates |= {"shop.example", "old.example"}
    store.add("shop.example", f"p0,demo.shop,{shop.address},{compact}")
    store.add("old.example", record(hsts=compact))
    for host in ("shop.example", "old.example"):
        assert "strict-transport-security" not in (await gateway.ask(host))[1]
        _, headers = await gateway.ask(host, is_secure=True)
        assert headers["strict-transport-security"] == header


async def test_the_domains_hsts_counts_before_the_sites(gateway, store, shop, certificates):
    certificates.add("shop.example")
    shop.answer_headers["Strict-Transport-Security"] = "max-age=1"
    store.add("shop.example", f"p0,demo.shop,{shop.address},300")
    _, headers = await gateway.ask("shop.example", is_secure=True)
    assert headers["strict-transport-security"] == "max-age=300"
    store.change("shop.example", f"p0,demo.shop,{shop.address},300", shop.record())
    _, headers = await gateway.ask("shop.example", is_secure=True)
    assert headers["strict-transport-security"] == "max-age=1"


async def test_redirects_are_logged_with_their_site_and_without_query(gateway, store, shop, eventually):
    store.add("old.example", record("https://b.example/x?t=canary-target", keep_path=False))
    store.add("shop.example", f"p1,demo.other,{shop.address}")
    await gateway.ask("old.example", "/reset?key=canary-query")
    await gateway.ask("shop.example", "/reset?key=canary-query")

    async def logged():
        return len(gateway.access_log()) == 2

    await eventually(logged)
    assert [(line["site"], line["status"]) for line in gateway.access_log()] == [
        ("demo.shop", 301),
        ("demo.other", 308),
    ]
    assert "canary" not in gateway.log_path.read_text()


async def test_a_redirect_changes_at_once(gateway, store, shop):
    store.add("shop.example", shop.record())
    store.change("shop.example", shop.record(), record("https://b.example"))
    assert (await gateway.ask("shop.example"))[1]["location"] == "https://b.example/"
    store.change("shop.example", record("https://b.example"), shop.record())
    assert json.loads((await gateway.get("shop.example"))[1])["site"] == "shop"
