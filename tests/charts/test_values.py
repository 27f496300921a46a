"""What may be chosen, what is refused, and that nothing is random."""

import json
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

CHARTS = Path(__file__).parents[2] / "charts"
IMAGES = ("operator", "gateway", "mariadb", "dashboard-api", "frankenphp", "wordpress")


def _parts(schema, path=""):
    yield path, schema
    for name, part in schema.get("properties", {}).items():
        yield from _parts(part, f"{path}.{name}")
    if "items" in schema:
        yield from _parts(schema["items"], f"{path}[]")


def test_two_renderings_are_equal(try_render):
    assert try_render({}).stdout == try_render({}).stdout


def test_templates_call_nothing_that_is_random_or_asks_the_cluster():
    for template in (CHARTS / "frankenpanel" / "templates").iterdir():
        text = template.read_text()
        for function in (
            "rand",
            "genCA",
            "genSelfSigned",
            "genPrivateKey",
            "uuidv4",
            "lookup",
            "now",
            "derivePassword",
        ):
            assert f" {function}" not in text.replace("(", " "), f"{template.name}: {function}"


def test_the_chart_brings_no_secret(defaults):
    assert "Secret" not in {manifest["kind"] for manifest in defaults.objects}


@pytest.mark.parametrize("version", ["1.30", "1.35", "1.37"])
def test_objects_are_valid_kubernetes(defaults, on_host_ports, version):
    for manifest in (*defaults.objects, *on_host_ports.objects):
        if not manifest["apiVersion"].startswith("frankenpanel.io/"):
            kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize(
    "values",
    [
        {"gatway": {}},
        {"gateway": {"hostPort": {"enabled": True}}},
        {"gateway": {"hostPorts": {"http": 70000}}},
        {"gateway": {"hostPorts": {"ip": "localhost"}}},
        {"gateway": {"service": {"type": "ExternalName"}}},
        {"gateway": {"blockedNetworks": ["10.0.0.0/7"]}},
        {"gateway": {"blockedNetworks": ["2001:db8::/65"]}},
        {"gateway": {"blockedNetworks": ["shop.example"]}},
        {"gateway": {"trustedProxies": ["10.0.0.0/33"]}},
        {"gateway": {"maxConnectionsPerSite": 0}},
        {"images": {"operator": {"tag": "a b"}}},
        {"images": {"postgres": {"tag": "17"}}},
        {"mariadb": {"storage": {"size": "10 GB"}}},
        {"domains": {"gatewayAddresses": ["https://edge.example.net"]}},
        {"domains": {"resolvers": ["dns.example.net"]}},
        {"domains": {"trustedNamespaces": ["a,b"]}},
        {"operator": {"logLevel": "TRACE"}},
        {"runtimeCatalog": {"runtimes": []}},
        {"runtimeCatalog": {"default": 8.4}},
    ],
    ids=json.dumps,
)
def test_a_wrong_value_is_refused_by_name(try_render, values):
    result = try_render(values)
    assert result.returncode != 0
    assert str(next(iter(values))) in result.stderr


@pytest.mark.parametrize("chart", ["frankenpanel", "frankenpanel-crds"])
def test_the_schema_is_closed_and_every_part_of_it_described(chart):
    schema = json.loads((CHARTS / chart / "values.schema.json").read_text())
    for path, part in _parts(schema):
        assert path == "" or part.get("description"), path
        if "properties" in part:
            assert part["additionalProperties"] is False, path


def test_every_value_has_a_default_that_the_schema_knows():
    schema = json.loads((CHARTS / "frankenpanel" / "values.schema.json").read_text())
    values = yaml.safe_load((CHARTS / "frankenpanel" / "values.yaml").read_text())

    def compare(part, defaults, path):
        if "properties" not in part:
            return
        assert set(part["properties"]) - {"global"} == set(defaults), path
        for name, default in defaults.items():
            compare(part["properties"][name], default, f"{path}.{name}")

    compare(schema, values, "values")


def test_the_readme_lists_the_values_as_they_are():
    check = (sys.executable, "-m", "frankenpanel_hack.values_table", str(CHARTS / "frankenpanel"), "--check")
    result = subprocess.run(check, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_every_image_follows_registry_repository_and_tag(render):
    rendered = render(
        image={"registry": "registry.example.com:5000", "repository": "team/panel"},
        images={name: {"tag": f"tag-{name}"} for name in IMAGES},
    )
    used = {container["image"] for _, container in rendered.containers()}
    used |= {runtime["image"] for runtime in rendered.find("RuntimeCatalog", "default")["spec"]["runtimes"]}
    used |= {version["image"] for version in rendered.find("SitePreset", "wordpress")["spec"]["versions"]}
    assert used == {f"registry.example.com:5000/team/panel/{name}:tag-{name}" for name in IMAGES}


def test_an_untagged_image_has_the_version_of_the_chart(defaults):
    version = yaml.safe_load((CHARTS / "frankenpanel" / "Chart.yaml").read_text())["appVersion"]
    for path, container in defaults.containers():
        assert container["image"].startswith("docker.io/frankenpanel/"), path
        assert container["image"].endswith(f":{version}"), path


def test_what_is_switched_off_leaves_nothing_behind(render):
    rendered = render(
        mariadb={"enabled": False},
        dashboardApi={"enabled": False},
        runtimeCatalog={"create": False},
        presets={"wordpress": {"create": False}},
        networkPolicies={"enabled": False},
    )
    kinds = {manifest["kind"] for manifest in rendered.objects}
    assert not kinds & {"StatefulSet", "DatabaseServer", "RuntimeCatalog", "SitePreset", "NetworkPolicy"}
    assert {name for name, _ in rendered.workloads()} == {"frankenpanel-operator", "frankenpanel-gateway"}


def test_nobody_is_trusted_unless_told_to(defaults):
    assert _operator_environment(defaults)["FRANKENPANEL_TRUSTED_NAMESPACES"] == ""


def test_what_is_said_of_domains_reaches_the_operator(render):
    domains = {
        "gatewayAddresses": ["203.0.113.20", "2001:db8::20"],
        "trustedNamespaces": ["*"],
        "reservedHosts": ["panel.example.net", "*.edge.example.net"],
        "resolvers": ["192.0.2.53:5353", "[2001:db8::53]:53", "2001:db8::54"],
        "httpProofNetworks": ["10.0.0.0/8"],
        "recheckSeconds": 3600,
    }
    environment = _operator_environment(render(domains=domains))
    assert environment["FRANKENPANEL_GATEWAY_ADDRESSES"] == "203.0.113.20,2001:db8::20"
    assert environment["FRANKENPANEL_TRUSTED_NAMESPACES"] == "*"
    assert environment["FRANKENPANEL_RESERVED_HOSTS"] == "panel.example.net,*.edge.example.net"
    assert environment["FRANKENPANEL_DNS_RESOLVERS"] == "192.0.2.53:5353,[2001:db8::53]:53,2001:db8::54"
    assert environment["FRANKENPANEL_HTTP_PROOF_NETWORKS"] == "10.0.0.0/8"
    assert environment["FRANKENPANEL_DNS_RECHECK_SECONDS"] == "3600"


def _operator_environment(rendered):
    pod = rendered.find("Deployment", "frankenpanel-operator")["spec"]["template"]["spec"]
    return {item["name"]: item.get("value") for item in pod["containers"][0]["env"]}


def test_the_embedded_database_is_announced_under_its_own_service(defaults):
    server = defaults.find("DatabaseServer", "embedded")["spec"]
    service = defaults.find("Service", "frankenpanel-mariadb")
    assert server["host"] == f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc"
    assert server["port"] == service["spec"]["ports"][0]["port"]


def test_an_acme_authority_reaches_the_agent_and_its_own_certificates_reach_caddy_too(render):
    bundle = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    acme = {"directory": "https://ca.example/dir", "email": "admin@example.com", "caBundle": bundle}
    rendered = render(gateway={"tls": {"acme": acme}})
    pod = rendered.find("Deployment", "frankenpanel-gateway")["spec"]["template"]["spec"]
    caddy, agent = ({item["name"]: item.get("value") for item in part["env"]} for part in pod["containers"])
    assert caddy["SSL_CERT_DIR"] == "/etc/gateway/acme"
    assert agent["FRANKENPANEL_GATEWAY_ACME_DIRECTORY"] == acme["directory"]
    assert agent["FRANKENPANEL_GATEWAY_ACME_EMAIL"] == acme["email"]
    assert agent["FRANKENPANEL_GATEWAY_ACME_CA_FILE"] == "/etc/gateway/acme/ca.crt"
    assert rendered.find("ConfigMap", "frankenpanel-acme-authority")["data"] == {"ca.crt": bundle}


def test_without_an_acme_authority_nothing_of_it_is_rendered(defaults):
    assert not [m for m in defaults.objects if m["metadata"]["name"] == "frankenpanel-acme-authority"]
