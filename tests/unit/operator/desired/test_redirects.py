from __future__ import annotations

import pytest
from frankenpanel_operator.desired.redirects import (
    MAX_HOPS,
    leads_in_a_circle,
    named_target,
    sends_to,
    target_host,
)
from hypothesis import given
from hypothesis import strategies as st

hosts = st.sampled_from([f"{letter}.example" for letter in "abcdef"])


@given(hosts, hosts, st.dictionaries(hosts, hosts))
def test_a_circle_is_found_wherever_it_is(host, first, ways):
    addresses = {source: f"https://{target}/x" for source, target in ways.items()}
    seen, current = {host}, first
    while current not in seen and current in ways:
        seen.add(current)
        current = ways[current]
    assert leads_in_a_circle(host, f"http://{first}", addresses.get) == (current in seen)


@given(st.integers(1, 40))
def test_a_long_way_is_one_without_end(hops):
    ways = {f"h{number}.example": f"https://h{number + 1}.example" for number in range(1, hops)}
    assert leads_in_a_circle("start.example", "https://h1.example", ways.get) == (hops >= MAX_HOPS)


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://WWW.Example.com:8443/a?b=c", "www.example.com"),
        ("http://b\u00fccher.example", "xn--bcher-kva.example"),
        ("https://192.0.2.1/", ""),
        ("https://", ""),
        ("https://[::1", ""),
        ("mailto:me@example.com", ""),
    ],
)
def test_the_host_of_an_address_is_in_its_normal_form_or_none(address, host):
    assert target_host(address) == host


@pytest.mark.parametrize(
    "spec", [None, {}, {"role": "Alias", "redirect": {"to": "x"}}, {"role": "Redirect", "redirect": 7}]
)
def test_what_names_no_target_sends_nobody_away(spec):
    assert named_target({"spec": spec}) == ""


def test_a_host_that_nobody_holds_sends_nobody_anywhere():
    domain = {"metadata": {"uid": "u"}, "spec": {"role": "Redirect", "redirect": {"to": "https://x.example"}}}
    claim = {"metadata": {}, "spec": {"domainRef": {"uid": "u"}}}
    assert sends_to(claim, domain) == "https://x.example"
    assert sends_to(claim, {**domain, "metadata": {"uid": "another"}}) is None
    assert sends_to(None, domain) is None
    assert sends_to(claim, None) is None
