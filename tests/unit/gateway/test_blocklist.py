from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from frankenpanel_gateway import blocklist
from frankenpanel_gateway.blocklist import BlockList, read_block_list
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("203.0.113.7", {"203.0.113.7"}),
        ("203.0.113.7/32", {"203.0.113.7"}),
        ("203.0.113.9/24", {"203.0.113.0/24"}),
        ("198.51.0.0/16", {"198.51.0.0/16"}),
        ("203.0.113.6/31", {"203.0.113.6", "203.0.113.7"}),
        ("203.0.112.0/23", {"203.0.112.0/24", "203.0.113.0/24"}),
        ("198.50.0.0/15", {"198.50.0.0/16", "198.51.0.0/16"}),
        ("2001:db8:0:0::7", {"2001:db8::7"}),
        ("2001:DB8:1:2::/64", {"2001:db8:1:2::/64"}),
        ("2001:db8:1::/48", {"2001:db8:1::/48"}),
        ("2001:db8:1:2::/63", {"2001:db8:1:2::/64", "2001:db8:1:3::/64"}),
        ("::ffff:203.0.113.7", {"203.0.113.7"}),
        ("::ffff:203.0.113.0/120", {"203.0.113.0/24"}),
        ("  203.0.113.7  # a scanner", {"203.0.113.7"}),
        ("# nothing", set()),
        ("", set()),
    ],
)
def test_a_network_becomes_the_names_that_caddy_looks_for(line, names):
    assert read_block_list(line) == BlockList(frozenset(names))


@pytest.mark.parametrize(
    "line",
    ["10.0.0.0/7", "2001:db8::/32", "2001:db8::/65", "0.0.0.0/0", "::/0", "shop.example", "1.2.3", "../x"],
)
def test_a_line_that_cannot_be_taken_is_named_and_the_others_count(line):
    found = read_block_list(f"203.0.113.7\n\n{line}\n203.0.113.8")
    assert found == BlockList(frozenset({"203.0.113.7", "203.0.113.8"}), (3,))


def test_a_list_beyond_all_measure_is_cut(monkeypatch):
    monkeypatch.setattr(blocklist, "NAMES_MAX", 3)
    found = read_block_list("10.0.0.0/15\n10.2.0.0/15\n10.4.0.0/16")
    assert found == BlockList(frozenset({"10.0.0.0/16", "10.1.0.0/16", "10.4.0.0/16"}), (2,))


def asked_names(address):
    """Return what Caddy asks for: `{http.vars.client_ip}` and `{http.request.remote.host/...}`."""
    sizes = (24, 16) if address.version == 4 else (64, 48)
    return {str(address), *(str(ip_network(f"{address}/{size}", strict=False)) for size in sizes)}


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6), st.integers(0, 128), st.data())
def test_what_lies_in_a_network_is_blocked_and_nothing_beside_it(address, size, data):
    network = ip_network(f"{address}/{min(size, address.max_prefixlen)}", strict=False)
    found = read_block_list(str(network))
    if found.refused_lines or (address.version == 6 and address.ipv4_mapped):
        return
    number = data.draw(st.integers(0, network.num_addresses - 1))
    assert asked_names(network[number]) & found.names
    for outside in (int(network.network_address) - 1, int(network.broadcast_address) + 1):
        if 0 <= outside < 2**network.max_prefixlen:
            beside = type(network.network_address)(outside)
            assert not asked_names(beside) & found.names
            assert ip_address(str(beside)) not in network
