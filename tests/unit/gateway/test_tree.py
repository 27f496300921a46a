from __future__ import annotations

import re

from frankenpanel_gateway import tree
from hypothesis import given
from hypothesis import strategies as st

LABEL = st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
HOSTS = st.lists(LABEL, min_size=2, max_size=10).map(".".join)


def caddy_folder(host: str) -> str:
    """Join label placeholders as the configuration does: from the right, empty beyond the last."""
    labels = host.split(".")[::-1]
    return ".".join(labels[n] if n < len(labels) else "" for n in range(9, -1, -1))


@given(HOSTS)
def test_the_folder_is_the_one_that_caddy_looks_for(host):
    assert tree.folder_name(host) == caddy_folder(host)


@given(HOSTS, HOSTS)
def test_two_hosts_never_share_a_folder(one, other):
    assert (tree.folder_name(one) == tree.folder_name(other)) == (one == other)


@given(HOSTS)
def test_a_folder_gives_its_host_back(host):
    assert tree.host_of_folder(tree.folder_name(host)) == host


def test_every_folder_has_nine_dots():
    assert tree.folder_name("shop.example") == "........shop.example"
    assert re.fullmatch(r"[^.]+(\.[^.]+){9}", tree.folder_name("a.b.c.d.e.f.g.h.i.example"))


def test_the_record_names_kind_site_and_upstream():
    assert tree.proxy_record("demo.shop", "10.96.3.4:8080") == "p0,demo.shop,10.96.3.4:8080"


def test_a_wildcard_lies_below_its_labels():
    assert tree.place_of("*.shop.example") == "wild/example/shop/@"
    assert tree.place_of("shop.example") == "hosts/........shop.example"
    assert tree.wildcard_of_path("example/shop") == "*.shop.example"
    assert tree.wildcard_above("a.shop.example") == "*.shop.example"


def test_the_name_of_a_claim_stands_for_its_host():
    for host, name in (("shop.example", "shop.example"), ("*.shop.example", "shop.example.wildcard")):
        assert tree.host_of_claim(name) == host
        assert tree.claim_of_host(host) == name


def test_a_redirect_is_one_file_name():
    record = tree.redirect_record(
        "demo.shop", 301, "https://b.example/a/b", keep_path=False, to_https=True, hsts="300s"
    )
    assert record == "r1,demo.shop,301x,300s,https:||b.example|a|b"


def test_hsts_is_spelled_compactly():
    assert tree.compact_hsts("max-age=300") == "300"
    assert tree.compact_hsts("max-age=300; includeSubDomains") == "300s"
    assert tree.compact_hsts("max-age=300; preload") == "300p"
    assert tree.compact_hsts("max-age=300; includeSubDomains; preload") == "300sp"
