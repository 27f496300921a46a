from __future__ import annotations

from ipaddress import ip_network

import pytest
from frankenpanel_gateway.upstreams import is_admitted_upstream


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
