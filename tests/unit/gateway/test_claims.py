from __future__ import annotations

from ipaddress import ip_network

import pytest
from frankenpanel_gateway.claims import (
    Refusal,
    Route,
    compile_claim,
    is_admitted_upstream,
    is_routable_host,
)
from frankenpanel_gateway.tree import folder_name
from hypothesis import example, given
from hypothesis import strategies as st

HOST = "shop.example.com"
EVIL = "{}*?[]/\\\n\r\x00 ,|%~$`'\"<>:@éİ"


def test_a_claim_with_a_route_is_compiled(claim):
    assert compile_claim(claim(HOST)) == Route(HOST, "demo.shop", "10.96.3.4:8080")


def test_a_claim_without_a_route_is_neither_routed_nor_refused(claim):
    assert compile_claim(claim(HOST, None)) is None


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
    if is_routable_host(host):
        folder = folder_name(host)
        assert len(folder.encode()) <= 255
        assert folder.count(".") == 9
        assert set(host) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")


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


@pytest.mark.parametrize(
    "upstream",
    ["10.96.3.4:8080", "192.168.1.1:1", "[fd00:10:96::a]:65535", "8.8.8.8:80"],
)
def test_addresses_that_a_service_can_have_are_admitted(upstream):
    assert is_admitted_upstream(upstream)


@pytest.mark.parametrize(
    "upstream",
    [
        "127.0.0.1:2019",
        "169.254.169.254:80",
        "0.0.0.0:80",
        "0.1.2.3:80",
        "224.0.0.1:80",
        "255.255.255.255:80",
        "[::1]:80",
        "[::]:80",
        "[fe80::1]:80",
        "[ff02::1]:80",
        "[::ffff:7f00:1]:80",
        "[2002:7f00:1::]:80",
        "[64:ff9b::7f00:1]:80",
        "10.96.3.4",
        "10.96.3.4:0",
        "10.96.3.4:65536",
        "10.96.3.4:080",
        "10.96.3.04:80",
        "10.96.3:80",
        "010.96.3.4:80",
        "[fd00::0001]:80",
        "[FD00::1]:80",
        "[fe80::1%eth0]:80",
        "fd00::1:80",
        "localhost:80",
        "metadata.internal:80",
        "unix//run/x:80",
        "10.96.3.4:80/evil",
        " 10.96.3.4:80",
        "10.96.3.4:80\n",
        "١٠.96.3.4:80",
    ],
)
def test_other_upstreams_are_not(upstream):
    assert not is_admitted_upstream(upstream)


def test_named_networks_are_the_only_ones_admitted():
    networks = (ip_network("10.96.0.0/12"), ip_network("127.0.0.0/8"))
    assert is_admitted_upstream("10.97.0.1:80", networks)
    assert is_admitted_upstream("127.0.0.1:80", networks)
    assert not is_admitted_upstream("10.0.0.1:80", networks)
    assert not is_admitted_upstream("[fd00::1]:80", networks)
