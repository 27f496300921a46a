from __future__ import annotations

from ipaddress import ip_network

import pytest
from frankenpanel_operator.dns.public_addresses import may_connect


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946"])
def test_public_addresses_may_be_asked(address: str) -> None:
    assert may_connect(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "0.0.0.0",  # noqa: S104  an address to refuse, not to listen on
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "2001:0:a9fe:a9fe::1",
        "localhost",
        "0x7f000001",
        "127.1",
        "",
    ],
)
def test_what_only_the_platform_can_reach_may_not(address: str) -> None:
    assert not may_connect(address)


def test_an_administrator_may_allow_a_network_and_no_more_than_that() -> None:
    allowed = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
    assert may_connect("10.1.2.3", allowed)
    assert may_connect("::ffff:10.1.2.3", allowed)
    assert may_connect("fd00::1", allowed)
    assert not may_connect("192.168.1.1", allowed)
