from frankenpanel_hack.kind_cluster import kind_config
from frankenpanel_hack.ports import PublicPorts


def test_the_nodes_ports_are_published_on_the_loopback_only() -> None:
    (node,) = kind_config(PublicPorts(8080, 8443))["nodes"]  # type: ignore[misc]
    assert [(port["containerPort"], port["hostPort"]) for port in node["extraPortMappings"]] == [
        (80, 8080),
        (443, 8443),
    ]
    assert {port["listenAddress"] for port in node["extraPortMappings"]} == {"127.0.0.1"}
