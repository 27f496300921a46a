from __future__ import annotations

import pytest
from frankenpanel_crds.hosts import hosts_above, is_wildcard, normalise_host
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("shop.localhost", "shop.localhost"),
        ("WWW.Example.COM", "www.example.com"),
        ("www.example.com.", "www.example.com"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("ｓｈｏｐ.example", "shop.example"),
        ("店。example", "xn--hxt.example"),
        ("1.example", "1.example"),
        ("a.b.c.d.e.f.g.h.i.example", "a.b.c.d.e.f.g.h.i.example"),
        ("*.Bücher.Example.", "*.xn--bcher-kva.example"),
        ("*.c.d.e.f.g.h.i.j.example", "*.c.d.e.f.g.h.i.j.example"),
        ("wildcard.example", "wildcard.example"),
    ],
)
def test_host_has_one_normal_form(text: str, host: str) -> None:
    assert normalise_host(text) == host
    assert normalise_host(host) == host


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        ("192.0.2.1", "is an IP address"),
        ("１９２.0.2.1", "is an IP address"),
        ("127.1", "is an IP address"),
        ("example.0x7f", "is an IP address"),
        ("2001:db8::1", "port or is an IPv6 address"),
        ("[::1]", "port or is an IPv6 address"),
        ("shop.example:80", "contains a port"),
        ("http://shop.example", "scheme or a path"),
        ("{http.request.host}.example", "braces"),
        ("*.com", "wildcard is below a top-level domain"),
        ("*.", "is empty"),
        ("*example.com", "its whole first part"),
        ("www.*.com", "its whole first part"),
        ("*.*.example.com", "its whole first part"),
        ("*.192.0.2.1", "is an IP address"),
        ("*.b.c.d.e.f.g.h.i.j.example", "more than 10 parts"),
        ("example.wildcard", "which the platform uses itself"),
        ("*.shop.WildCard.", "which the platform uses itself"),
        ("shop.example\n", "control characters"),
        ("shop\x00.example", "control characters"),
        ("shop .example", "spaces"),
        ("shop\u00a0.example", "spaces"),
        ("shop", "only one part"),
        ("shop..example", "empty part"),
        (".example.com", "empty part"),
        ("my_shop.example", "cannot be used in DNS"),
        ("-shop.example", "cannot be used in DNS"),
        ("shop\u202e.example", "cannot be used in DNS"),
        ("xn--a.example", "cannot be used in DNS"),
        ("a.b.c.d.e.f.g.h.i.j.example", "more than 10 parts"),
        ("a" * 64 + ".example", "more than 63 characters"),
        (".".join(["a" * 60] * 5), "more than 253 characters"),
        (".".join(["a" * 60] * 4) + ".abc", "more than 245 characters"),
        (".".join(["店猫犬木水火土金"] * 9), "Domain too long"),
    ],
)
def test_what_is_not_a_host_is_refused_with_the_cure(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        normalise_host(text)


@given(st.text(max_size=80))
def test_any_text_is_normalised_or_refused(text: str) -> None:
    try:
        host = normalise_host(text)
    except ValueError:
        return
    assert normalise_host(host) == host
    assert set(host.removeprefix("*.")) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")
    assert 2 <= len(host.split(".")) <= 10
    assert len(host) <= 245


@given(st.text(max_size=80))
def test_a_wildcard_is_normalised_where_its_name_is(text: str) -> None:
    try:
        host = normalise_host(f"*.{text}")
    except ValueError:
        return
    assert is_wildcard(host)
    assert normalise_host(text) == host.removeprefix("*.")


@pytest.mark.parametrize(
    ("host", "above"),
    [
        ("example.com", []),
        ("www.example.com", ["example.com", "*.example.com"]),
        ("*.example.com", ["example.com"]),
        ("a.b.example.com", ["b.example.com", "*.b.example.com", "example.com", "*.example.com"]),
        ("*.b.example.com", ["b.example.com", "example.com", "*.example.com"]),
    ],
)
def test_the_hosts_above_are_names_and_their_wildcards(host: str, above: list[str]) -> None:
    assert list(hosts_above(host)) == above
