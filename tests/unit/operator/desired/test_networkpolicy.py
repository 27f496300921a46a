"""Which addresses a tenant's pod can reach, judged by address and not by list."""

from __future__ import annotations

import ipaddress

import pytest
from frankenpanel_operator.desired.networkpolicy import build_networkpolicy, in_cluster_namespace


@pytest.fixture
def policy(make_site, resolved, make_server):
    def build(**server):
        site = make_site()
        servers = (make_server(spec=server),)
        [manifest] = build_networkpolicy(site, resolved(site, servers=servers).inputs)
        return manifest["spec"]

    return build


def allows(spec, address, port):
    """Evaluate the ipBlock rules of a policy as a network plugin does."""
    address = ipaddress.ip_address(address)
    for rule in spec["egress"]:
        ports = {item["port"] for item in rule.get("ports", [])}
        if ports and port not in ports:
            continue
        for peer in rule["to"]:
            block = peer.get("ipBlock")
            if block is None or not _contains(block["cidr"], address):
                continue
            if not any(_contains(network, address) for network in block.get("except", [])):
                return True
    return False


def _contains(network, address):
    network = ipaddress.ip_network(network)
    return network.version == address.version and address in network


PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450::1"]
FORBIDDEN = [
    "169.254.169.254",
    "10.96.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "0.0.0.0",  # noqa: S104  an address to be refused, not to listen on
    "224.0.0.1",
    "239.255.255.255",
    "255.255.255.255",
    "198.18.0.1",
    "::1",
    "fe80::1",
    "fd00::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:0a00:0001::1",
    "2001:0:0a00:1::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet_is_reached(policy, address):
    assert allows(policy(), address, 443)


@pytest.mark.parametrize("port", [80, 443, 3306, 6443, 2019])
@pytest.mark.parametrize("address", FORBIDDEN)
def test_the_cluster_its_nodes_and_its_neighbours_are_not(policy, address, port):
    assert not allows(policy(), address, port)


def test_exceptions_lie_inside_their_block(policy):
    for rule in policy()["egress"]:
        for peer in rule["to"]:
            block = peer.get("ipBlock", {})
            outer = block and ipaddress.ip_network(block["cidr"])
            assert all(ipaddress.ip_network(item).subnet_of(outer) for item in block.get("except", []))


def test_only_the_gateway_comes_in_and_only_to_the_site(policy):
    spec = policy()
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["ingress"] == [
        {
            "from": [
                {
                    "namespaceSelector": {
                        "matchLabels": {"kubernetes.io/metadata.name": "frankenpanel-system"}
                    },
                    "podSelector": {"matchLabels": {"app.kubernetes.io/name": "frankenpanel-gateway"}},
                }
            ],
            "ports": [{"protocol": "TCP", "port": 8080}],
        }
    ]


def test_every_pod_of_the_site_is_meant(policy, make_site):
    assert policy()["podSelector"]["matchLabels"] == {"frankenpanel.io/site-uid": make_site().metadata.uid}


def test_names_are_resolved_by_the_cluster_only(policy):
    dns = policy()["egress"][0]
    assert {(item["protocol"], item["port"]) for item in dns["ports"]} == {("UDP", 53), ("TCP", 53)}
    [peer] = dns["to"]
    assert peer["podSelector"]["matchLabels"] == {"k8s-app": "kube-dns"}


def test_a_database_in_the_cluster_is_reached_in_its_namespace_on_its_port(policy):
    rule = policy(host="db.databases.svc.cluster.local", port=3307)["egress"][1]
    assert rule == {
        "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "databases"}}}],
        "ports": [{"protocol": "TCP", "port": 3307}],
    }


@pytest.mark.parametrize(("host", "neighbour"), [("10.1.2.3", "10.1.2.4"), ("fd00::5", "fd00::6")])
def test_a_database_at_an_address_opens_that_address_alone(policy, host, neighbour):
    spec = policy(host=host)
    assert allows(spec, host, 3306)
    assert not allows(spec, host, 443)
    assert not allows(spec, neighbour, 3306)


def test_a_database_with_a_foreign_name_opens_its_port_but_never_link_local(policy):
    spec = policy(host="db.example.com", port=3310)
    assert allows(spec, "10.1.2.3", 3310)
    assert allows(spec, "fd12::1", 3310)
    assert not allows(spec, "10.1.2.3", 3306)
    assert not allows(spec, "169.254.169.254", 3310)


def test_without_a_database_there_is_no_rule_for_one(make_site, resolved, make_preset):
    site = make_site({"database": {"engine": "None"}})
    inputs = resolved(site, preset=make_preset({"configFormat": "EnvOnly"})).inputs
    [manifest] = build_networkpolicy(site, inputs)
    assert len(manifest["spec"]["egress"]) == 2


def test_an_unresolved_database_leaves_the_policy_as_it_is(make_site, resolved):
    site = make_site()
    assert build_networkpolicy(site, resolved(site, servers=()).inputs) is None


@pytest.mark.parametrize(
    ("host", "namespace"),
    [
        ("db.databases.svc", "databases"),
        ("db.databases.svc.cluster.local", "databases"),
        ("db.databases.svc.cluster.local.", "databases"),
        ("db.databases", None),
        ("db", None),
        ("db.example.com", None),
        ("10.0.0.1", None),
    ],
)
def test_the_namespace_is_read_from_a_service_name(host, namespace):
    assert in_cluster_namespace(host) == namespace
