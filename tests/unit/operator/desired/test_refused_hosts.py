from __future__ import annotations

import pytest
from frankenpanel_crds.conditions import DomainReason
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.desired.refused_hosts import refusal_of

PLATFORM = Platform(
    "frankenpanel-system",
    gateway_addresses=("192.0.2.1", "2001:db8::1", "Edge.Hosting.example"),
    reserved_hosts=("panel.hosting.example", "*.internal.example", "Bücher.example.", "*.localdomain"),
)


@pytest.mark.parametrize(
    "host",
    [
        "panel.hosting.example",
        "*.hosting.example",
        "edge.hosting.example",
        "token.verify.edge.hosting.example",
        "*.edge.hosting.example",
        "a.internal.example",
        "a.b.internal.example",
        "*.internal.example",
        "*.a.internal.example",
        "xn--bcher-kva.example",
        "box.localdomain",
    ],
)
def test_what_is_the_platform_s_is_nobody_else_s(host):
    assert refusal_of(host, PLATFORM).reason == DomainReason.HOST_RESERVED


@pytest.mark.parametrize(
    "host", ["co.uk", "github.io", "*.github.io", "*.co.uk", "*.kawasaki.jp", "x.kawasaki.jp"]
)
def test_a_host_under_which_anybody_registers_names_is_refused(host):
    refusal = refusal_of(host, PLATFORM)
    assert refusal.reason == DomainReason.PUBLIC_SUFFIX
    assert host in refusal.message


@pytest.mark.parametrize(
    "host",
    [
        "shop.localhost",
        "example.com",
        "*.example.com",
        "shop.github.io",
        "www.hosting.example",
        "*.panel.hosting.example",
        "internal.example",
        "city.kawasaki.jp",
    ],
)
def test_other_hosts_are_for_everybody(host):
    assert refusal_of(host, PLATFORM) is None
