from __future__ import annotations

import pytest
from frankenpanel_gateway.claims import (
    Refusal,
    compile_claim,
    is_routable_host,
)
from frankenpanel_gateway.tree import folder_name, place_of
from hypothesis import example, given
from hypothesis import strategies as st

HOST = "shop.example.com"
EVIL = "{}*?[]/\\\n\r\x00 ,|%~$`'\"<>:@éİ"


def test_a_claim_with_a_route_is_compiled(claim):
    assert compile_claim(claim(HOST)) == "p0,demo.shop,10.96.3.4:8080"


def test_a_claim_without_a_route_is_neither_routed_nor_refused(claim):
    assert compile_claim(claim(HOST, None)) is None


def test_a_released_claim_is_neither_routed_nor_refused(claim):
    body = claim(HOST, tls={"mode": "Internal"})
    body["spec"]["releasedAt"] = "2026-01-01T00:00:00Z"
    assert compile_claim(body) is None


def test_switches_of_a_route_stand_in_its_record(claim):
    route = {"httpsRedirect": True, "hsts": "max-age=31536000; includeSubDomains; preload"}
    assert compile_claim(claim(HOST, **route)) == "p1,demo.shop,10.96.3.4:8080,31536000sp"
    assert compile_claim(claim(HOST, hsts="max-age=0")) == "p0,demo.shop,10.96.3.4:8080,0"


def redirect(claim, **options):
    return claim(HOST, None, redirect={"to": "https://www.example.com", **options})


@pytest.mark.parametrize(
    ("options", "record"),
    [
        ({}, "r0,demo.shop,301k,https:||www.example.com"),
        ({"to": "https://WWW.Example.com/"}, "r0,demo.shop,301k,https:||www.example.com"),
        ({"to": "http://b.example:8080", "code": 308}, "r0,demo.shop,308k,http:||b.example:8080"),
        ({"to": "http://localhost", "code": 302}, "r0,demo.shop,302k,http:||localhost"),
        (
            {"to": "https://b.example/a/b.php?c=d&e=%20(f)", "code": 307, "keepPath": False},
            "r0,demo.shop,307x,https:||b.example|a|b.php?c=d&e=%20(f)",
        ),
        ({"to": "https://b.example?q=/x", "keepPath": False}, "r0,demo.shop,301x,https:||b.example?q=|x"),
    ],
)
def test_a_redirect_is_compiled(claim, options, record):
    assert compile_claim(redirect(claim, **options)) == record


def test_a_redirect_has_the_switches_too(claim):
    body = claim(HOST, None, redirect={"to": "https://b.example"}, httpsRedirect=True, hsts="max-age=300")
    assert compile_claim(body) == "r1,demo.shop,301k,300,https:||b.example"


@pytest.mark.parametrize(
    "options",
    [
        {"to": None},
        {"to": "https://"},
        {"to": "//b.example"},
        {"to": "ftp://b.example"},
        {"to": "javascript:alert(1)"},
        {"to": "https://user@b.example"},
        {"to": "https://b..example"},
        {"to": "https://-b.example"},
        {"to": "https://b.example/#top"},
        {"to": "https://b.example/a,b", "keepPath": False},
        {"to": "https://b.example/{env.HOME}", "keepPath": False},
        {"to": "https://b.example/a|b", "keepPath": False},
        {"to": "https://b.example/a\\b", "keepPath": False},
        {"to": "https://b.example/a\r\nX: y", "keepPath": False},
        {"to": "https://b.example\n"},
        {"to": "https://b.example/path"},
        {"to": "https://b.example?query"},
        {"to": f"https://{HOST}"},
        {"to": f"http://{HOST.upper()}:8080/", "keepPath": True},
        {"to": f"https://{HOST}/elsewhere", "keepPath": False},
        {"to": "https://b.example/" + "x" * 230, "keepPath": False},
        {"code": 300},
        {"code": "301"},
        {"code": [301]},
        {"code": True},
        {"keepPath": "yes"},
    ],
    ids=str,
)
def test_other_redirects_are_refused(claim, options):
    assert isinstance(compile_claim(redirect(claim, **options)), Refusal)


@pytest.mark.parametrize(
    "options",
    [
        {"redirect": {"to": "https://b.example"}},  # beside an upstream
        {"hsts": "max-age=1; script"},
        {"hsts": "max-age=123456789"},
        {"hsts": ["max-age=1"]},
        {"httpsRedirect": 1},
    ],
    ids=str,
)
def test_other_switches_are_refused(claim, options):
    assert isinstance(compile_claim(claim(HOST, **options)), Refusal)


def test_a_wildcard_is_claimed_under_a_name_of_its_own(claim):
    body = claim("*.shop.example")
    assert body["metadata"]["name"] == "shop.example.wildcard"
    assert compile_claim(body) == "p0,demo.shop,10.96.3.4:8080"
    for name in ("shop.example", "*.shop.example", "x.shop.example.wildcard"):
        assert isinstance(compile_claim({**body, "metadata": {"name": name}}), Refusal)


@pytest.mark.parametrize(
    "host",
    ["*.com", "*.*.example", "a.*.example", "*", "*.", "*.a.b.c.d.e.f.g.h.i.example", "shop.wildcard"],
)
def test_other_wildcards_are_not_routable(host):
    assert not is_routable_host(host)


def test_a_wildcard_of_nine_labels_is_the_deepest(claim):
    assert is_routable_host("*.b.c.d.e.f.g.h.i.example")


def test_a_claim_on_another_host_than_its_name_is_refused(claim):
    body = claim(HOST)
    body["metadata"]["name"] = "other.example.com"
    assert isinstance(compile_claim(body), Refusal)


@pytest.mark.parametrize("body", [{}, {"metadata": None, "spec": None}, {"spec": []}, {"spec": {"host": 7}}])
def test_a_body_of_another_shape_is_refused(body):
    assert isinstance(compile_claim(body), Refusal)


@pytest.mark.parametrize("route", ["text", 5, [], {}, {"site": None}, {"site": "a.b", "upstream": None}])
def test_a_route_of_another_shape_is_refused(claim, route):
    body = claim(HOST)
    body["spec"]["route"] = route
    assert isinstance(compile_claim(body), Refusal)


@pytest.mark.parametrize(
    "host",
    [
        "a.b",
        "xn--bcher-kva.example",
        "a.b.c.d.e.f.g.h.i.example",
        "0.1.2.3.example",
        ".".join(["x" * 61] * 4),
        "x" * 63 + ".example",
    ],
)
def test_hosts_in_normal_form_are_routable(host):
    assert is_routable_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "localhost",
        "Shop.example",
        "shop.example.",
        ".shop.example",
        "shop..example",
        "-shop.example",
        "shop-.example",
        "_acme.example",
        "a.b.c.d.e.f.g.h.i.j.example",
        "x" * 64 + ".example",
        ".".join(["x" * 62] * 4),  # with its padding longer than a file name may be
        ".".join(["x" * 60] * 5),
        "10.0.0.1",
        "shop.example\n",
        "shop.example:80",
        "[::1]",
        "*.example",
        "{env.HOME}.example",
        "..",
        "../etc.example",
        "shop.exam\u0440le",
    ],
)
def test_other_hosts_are_not_routable(host):
    assert not is_routable_host(host)


@given(st.text(min_size=1) | st.from_regex(r"[a-z0-9.{}/*-]+", fullmatch=True))
@example("a.b\n")
def test_what_is_routable_is_one_plain_file_name(host):
    if is_routable_host(host) and "*" not in host:
        folder = folder_name(host)
        assert len(folder.encode()) <= 255
        assert folder.count(".") == 9
        assert set(host) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")


@given(st.from_regex(r"\*\.[a-z0-9.*@/-]+", fullmatch=True))
def test_what_is_a_routable_wildcard_lies_below_its_labels(host):
    if is_routable_host(host):
        kind, *labels, leaf = place_of(host).split("/")
        assert (kind, leaf) == ("wild", "@")
        assert ".".join(["*", *reversed(labels)]) == host


@given(st.sampled_from(["host", "site", "upstream"]), st.integers(0, 30), st.sampled_from(EVIL))
def test_one_hostile_character_anywhere_refuses_the_claim(field, position, character):
    values = {"host": HOST, "site": "demo.shop", "upstream": "10.96.3.4:8080"}
    text = values[field]
    values[field] = text[:position] + character + text[position:]
    body = {
        "metadata": {"name": values["host"]},
        "spec": {
            "host": values["host"],
            "route": {"site": values["site"], "upstream": values["upstream"]},
        },
    }
    outcome = compile_claim(body)
    assert isinstance(outcome, Refusal)
    assert values[field] not in outcome.message


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner), max_leaves=5
    )
)
def test_no_shape_of_spec_raises(spec):
    assert isinstance(compile_claim({"metadata": {"name": HOST}, "spec": spec}), Refusal)
