"""Every pod of the platform meets the restricted Pod Security level, and holds no more than it needs."""

import json
from pathlib import Path

import pytest
from frankenpanel_gateway.blocklist import read_block_list
from frankenpanel_gateway.edge_config import configured
from frankenpanel_gateway.metrics import Metrics
from frankenpanel_gateway.probes import probes_app
from frankenpanel_gateway.settings import Settings as GatewaySettings
from frankenpanel_operator.settings import Settings

REPOSITORY = Path(__file__).parents[2]
GATEWAY_CONFIG = REPOSITORY / "images" / "gateway" / "gateway.json"
API_DESCRIPTION = REPOSITORY / "dashboard-api" / "openapi.json"


@pytest.fixture(params=["defaults", "on_host_ports"])
def rendered(request: pytest.FixtureRequest):
    return request.getfixturevalue(request.param)


def test_pods_and_containers_are_restricted(rendered):
    for name, pod in rendered.workloads():
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True, name
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
    for path, container in rendered.containers():
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        }, path


def test_volumes_are_of_kinds_that_restricted_admits(rendered):
    for name, pod in rendered.workloads():
        for volume in pod.get("volumes", []):
            assert set(volume) - {"name"} <= {"emptyDir", "projected", "configMap", "secret"}, name


def test_nothing_shares_the_host(rendered):
    for name, pod in rendered.workloads():
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod), name


def test_every_container_has_requests_limits_and_all_three_probes(rendered):
    for path, container in rendered.containers():
        assert {"cpu", "memory"} <= set(container["resources"]["requests"]), path
        assert "memory" in container["resources"]["limits"], path
        assert "livenessProbe" in container, path
        assert "startupProbe" in container, path
        # The agent's own readiness would take visitors from a Caddy that still serves the last tree.
        assert ("readinessProbe" in container) is (path != "frankenpanel-gateway/agent"), path


def test_probes_name_a_declared_port(rendered):
    for path, container in rendered.containers():
        ports = {port["name"] for port in container["ports"]}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            check = container.get(probe, {}).get("httpGet")
            if check:
                assert check["port"] in ports, f"{path} {probe}"


def _probed_paths(rendered, path):
    container = rendered.container(path)
    probes = [
        container[name] for name in ("startupProbe", "livenessProbe", "readinessProbe") if name in container
    ]
    return {probe["httpGet"]["path"] for probe in probes}


def test_probes_ask_for_paths_that_the_programs_serve(rendered):
    api = set(json.loads(API_DESCRIPTION.read_text())["paths"])
    assert _probed_paths(rendered, "frankenpanel-dashboard-api/api") <= api
    agent = probes_app(lambda: True, lambda: True, Metrics()).router.resources()
    assert _probed_paths(rendered, "frankenpanel-gateway/agent") <= {resource.canonical for resource in agent}
    routes = json.loads(GATEWAY_CONFIG.read_text())["apps"]["http"]["servers"]["local"]["routes"]
    caddy = {path for route in routes for match in route.get("match", []) for path in match.get("path", [])}
    assert _probed_paths(rendered, "frankenpanel-gateway/caddy") <= caddy


def test_service_links_are_off(rendered):
    for name, pod in rendered.workloads():
        assert pod["enableServiceLinks"] is False, name


def test_only_the_operator_and_the_gateways_agent_hold_a_token(rendered):
    automatic = {name for name, pod in rendered.workloads() if pod.get("automountServiceAccountToken", True)}
    assert automatic == {"frankenpanel-operator"}
    mounted = {
        path
        for path, container in rendered.containers()
        if any("serviceaccount" in mount["mountPath"] for mount in container.get("volumeMounts", []))
    }
    assert mounted == {"frankenpanel-gateway/agent"}


def test_every_mount_has_its_volume(rendered):
    claims = {"frankenpanel-mariadb": {"data"}}
    for name, pod in rendered.workloads():
        volumes = {volume["name"] for volume in pod.get("volumes", [])} | claims.get(name, set())
        for container in pod["containers"]:
            assert {mount["name"] for mount in container.get("volumeMounts", [])} <= volumes, name


def test_an_operator_stands_by_before_another_one_leaves(rendered):
    operator = rendered.find("Deployment", "frankenpanel-operator")["spec"]
    assert operator["replicas"] == 2
    assert operator["strategy"] == {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def test_leader_and_standby_prefer_different_nodes_and_need_none(defaults):
    operator = defaults.find("Deployment", "frankenpanel-operator")["spec"]
    affinity = operator["template"]["spec"]["affinity"]["podAntiAffinity"]
    (preferred,) = affinity.pop("preferredDuringSchedulingIgnoredDuringExecution")
    assert affinity == {}
    selector = preferred["podAffinityTerm"]["labelSelector"]["matchLabels"]
    assert selector == operator["selector"]["matchLabels"]


def test_a_drain_takes_one_operator_at_a_time_and_is_never_refused_the_only_one(defaults, render):
    budget = defaults.find("PodDisruptionBudget", "frankenpanel-operator")["spec"]
    assert budget["maxUnavailable"] == 1
    pods = defaults.find("Deployment", "frankenpanel-operator")["spec"]["template"]["metadata"]["labels"]
    assert budget["selector"]["matchLabels"].items() <= pods.items()
    alone = render(operator={"replicas": 1})
    assert not [m for m in alone.objects if m["kind"] == "PodDisruptionBudget"]


def test_each_operator_signs_the_lease_with_the_name_of_its_pod(defaults):
    environment = {v["name"]: v for v in defaults.container("frankenpanel-operator/operator")["env"]}
    source = environment["FRANKENPANEL_IDENTITY"]["valueFrom"]
    assert source == {"fieldRef": {"fieldPath": "metadata.name"}}


def test_the_gateway_listens_where_its_configuration_says(rendered):
    servers = json.loads(GATEWAY_CONFIG.read_text())["apps"]["http"]["servers"]
    listens = {int(address.rpartition(":")[2]) for server in servers.values() for address in server["listen"]}
    caddy = rendered.container("frankenpanel-gateway/caddy")
    assert {port["containerPort"] for port in caddy["ports"]} == listens
    # Kubelet probes from outside the pod.
    assert servers["local"]["listen"] == [":19180"]


def _caddy_environment(rendered):
    return {v["name"]: v["value"] for v in rendered.container("frankenpanel-gateway/caddy")["env"]}


@pytest.mark.parametrize(
    ("gateway", "suffix"),
    [
        ({}, ""),
        ({"hostPorts": {"enabled": True, "https": 8443}}, ":8443"),
        ({"publicPorts": {"http": 0, "https": 443}, "hostPorts": {"enabled": True, "https": 8443}}, ""),
    ],
)
def test_the_gateway_learns_the_port_to_which_it_sends_visitors(render, gateway, suffix):
    assert _caddy_environment(render(gateway=gateway))["FRANKENPANEL_HTTPS_PORT_SUFFIX"] == suffix


def test_what_was_chosen_for_the_gateway_stands_in_its_configuration(render):
    rendered = render(gateway={"trustedProxies": ["10.0.0.0/8", "2001:db8::/32"], "maxConnectionsPerSite": 7})
    config = configured(json.loads(GATEWAY_CONFIG.read_text()), _caddy_environment(rendered))
    edge = config["apps"]["http"]["servers"]["edge"]
    assert edge["trusted_proxies"]["ranges"] == ["10.0.0.0/8", "2001:db8::/32"]
    assert '"max_conns_per_host": 7' in json.dumps(edge)


def test_by_itself_the_gateway_runs_as_shipped(defaults):
    shipped = json.loads(GATEWAY_CONFIG.read_text())
    assert configured(shipped, _caddy_environment(defaults)) == shipped


def test_the_agent_finds_the_block_list_where_it_looks(render):
    rendered = render(gateway={"blockedNetworks": ["203.0.113.7", "2001:db8::/48"]})
    (key,) = rendered.find("ConfigMap", "frankenpanel-blocked-addresses")["data"].items()
    mounts = rendered.container("frankenpanel-gateway/agent")["volumeMounts"]
    (folder,) = [mount["mountPath"] for mount in mounts if mount["name"] == "blocked-addresses"]
    assert str(GatewaySettings.model_fields["blocked_networks_file"].default) == f"{folder}/{key[0]}"
    assert read_block_list(key[1]).names == {"203.0.113.7", "2001:db8::/48"}


def test_visitors_cannot_write_the_routing_tree(rendered):
    mounts = {m["mountPath"]: m for m in rendered.container("frankenpanel-gateway/caddy")["volumeMounts"]}
    assert mounts["/srv/routes"]["readOnly"] is True


def test_without_host_ports_a_new_gateway_is_ready_before_the_old_one_leaves(defaults):
    strategy = defaults.find("Deployment", "frankenpanel-gateway")["spec"]["strategy"]
    assert strategy["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_with_host_ports_the_old_gateway_leaves_its_ports_first(on_host_ports):
    strategy = on_host_ports.find("Deployment", "frankenpanel-gateway")["spec"]["strategy"]
    assert strategy["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}


def test_host_ports_are_on_the_loopback_address_unless_told_otherwise(on_host_ports, render, defaults):
    def host_ports(rendered):
        ports = rendered.container("frankenpanel-gateway/caddy")["ports"]
        return {(port["hostPort"], port.get("hostIP")) for port in ports if "hostPort" in port}

    assert host_ports(on_host_ports) == {(80, "127.0.0.1"), (443, "127.0.0.1")}
    everywhere = render(gateway={"hostPorts": {"enabled": True, "ip": "", "http": 8088}})
    assert host_ports(everywhere) == {(8088, None), (443, None)}
    assert host_ports(defaults) == set()


def _operator_settings(rendered, monkeypatch):
    """Start as the operator does: from the environment that its container gets."""
    for variable in rendered.container("frankenpanel-operator/operator")["env"]:
        field = variable["name"].removeprefix("FRANKENPANEL_").lower()
        assert field in Settings.model_fields, f"{variable['name']} is no setting of the operator"
        monkeypatch.setenv(variable["name"], variable.get("value", "frankenpanel-system"))
    return Settings()


@pytest.mark.parametrize(
    ("gateway", "expected"),
    [
        ({}, (80, 443)),
        ({"hostPorts": {"http": 8088}}, (80, 443)),
        ({"hostPorts": {"enabled": True, "http": 8088, "https": 8443}}, (8088, 8443)),
        ({"hostPorts": {"enabled": True}, "publicPorts": {"http": 8088, "https": 0}}, (8088, 443)),
    ],
)
def test_the_operator_learns_the_ports_that_visitors_type(render, monkeypatch, gateway, expected):
    settings = _operator_settings(render(gateway=gateway), monkeypatch)
    assert (settings.public_http_port, settings.public_https_port) == expected


def test_the_operator_learns_what_was_chosen_for_it(render, monkeypatch):
    operator = {"logLevel": "WARNING", "workers": 3, "resyncSeconds": 1200}
    settings = _operator_settings(render(operator=operator, mariadb={"enabled": False}), monkeypatch)
    assert (settings.log_level, settings.workers, settings.resync_seconds) == ("WARNING", 3, 1200)
    assert settings.embedded_mariadb is False


def test_the_database_waits_for_the_password_that_the_operator_generates(defaults):
    (password,) = (
        variable
        for variable in defaults.container("frankenpanel-mariadb/mariadb")["env"]
        if variable["name"] == "MARIADB_ROOT_PASSWORD"
    )
    assert password["valueFrom"] == {"secretKeyRef": {"name": "frankenpanel-mariadb", "key": "password"}}
