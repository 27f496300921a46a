"""The complete objects of typical Sites, compared with reviewed files and with the schemas of Kubernetes."""

from __future__ import annotations

import copy
import re

import kubernetes_validate
import pytest
from frankenpanel_operator.desired.site import desired_site
from frankenpanel_operator.desired.web_server import CODE_PATH

# The oldest version with every field in use, and the newest one that is supported.
KUBERNETES_VERSIONS = ("1.30.0", kubernetes_validate.latest_version())

ENV_ONLY = {"configFormat": "EnvOnly", "install": None, "documentRoot": "public", "healthPath": "/"}


def smallest(make_site, resolved, **_):
    site = make_site({"source": {"preset": {"install": None}}})
    return site, resolved(site)


def wordpress(make_site, resolved, make_domain, **_):
    site = make_site()
    return site, resolved(site, domains=(make_domain(),))


def every_field(make_site, resolved, make_domain, **_):
    site = make_site(
        {
            "runtime": {
                "php": "8.3",
                "documentRoot": "public",
                "ini": {"memory_limit": "96M", "error_reporting": "E_ALL & ~E_DEPRECATED"},
                "threads": 3,
            },
            "source": {"preset": {"version": "6.7", "install": {"title": "$(ADMIN_PASSWORD) & more"}}},
            "storage": [
                {"name": "content", "size": "5Gi", "class": "fast", "access": "ReadWriteMany"},
                {"name": "more", "mountPath": "more/files", "access": "ReadWriteMany"},
            ],
            "env": [{"name": "WP_DEBUG", "value": "true"}],
            "envFrom": [{"secretRef": {"name": "shop-env"}}],
            "resources": {"requests": {"cpu": "250m"}, "limits": {"cpu": 2, "memory": "1Gi"}},
            "scaling": {"replicas": 3},
            "health": {"path": "/healthz", "timeoutSeconds": 9},
            "access": {
                "basicAuth": {"secretRef": {"name": "staff"}},
                "allow": ["203.0.113.0/24"],
                "deny": ["203.0.113.7"],
                "noindex": True,
            },
            "http": {
                "headers": [{"name": "X-Frame-Options", "value": "DENY"}],
                "rateLimit": {"requests": 100, "windowSeconds": 10},
                "maxBodySize": "64Mi",
                "staticCacheSeconds": 3600,
                "compression": False,
            },
        }
    )
    return site, resolved(site, domains=(make_domain(),))


def environment_only(make_site, resolved, make_preset, make_server, **_):
    site = make_site({"source": {"preset": {"name": "plain"}}, "database": {"engine": "MySQL"}})
    server = make_server("external", spec={"engine": "MySQL", "host": "192.0.2.10", "port": 3307})
    return site, resolved(site, preset=make_preset(ENV_ONLY), servers=(server,))


def no_database(make_site, resolved, make_preset, **_):
    site = make_site({"database": {"engine": "None"}})
    return site, resolved(site, preset=make_preset({**ENV_ONLY, "persistentPaths": []}))


def longest_name(make_site, resolved, make_domain, **_):
    site = make_site(metadata={"name": "9" + "x" * 62})
    return site, resolved(site, domains=(make_domain(),))


CASES = {
    case.__name__: case
    for case in (smallest, wordpress, every_field, environment_only, no_database, longest_name)
}


@pytest.fixture(params=CASES)
def case(request, make_site, resolved, make_domain, make_preset, make_server):
    build = CASES[request.param]
    site, resolution = build(
        make_site=make_site,
        resolved=resolved,
        make_domain=make_domain,
        make_preset=make_preset,
        make_server=make_server,
    )
    return request.param, site, resolution.inputs


@pytest.fixture
def manifests(case):
    _, site, inputs = case
    return [item.manifest for item in desired_site(site, inputs).objects]


def pods(manifests):
    return [
        manifest["spec"]["template"]["spec"]
        for manifest in manifests
        if manifest["kind"] in ("Deployment", "Job")
    ]


def containers(manifests):
    return [c for pod in pods(manifests) for c in (*pod["initContainers"], *pod["containers"])]


def test_the_objects_are_those_that_were_reviewed(case, manifests, snapshot):
    name, _, _ = case
    snapshot(name, manifests)


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
def test_kubernetes_knows_every_field(manifests, version):
    for manifest in manifests:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_the_same_site_gives_the_same_bytes_and_is_left_as_it_was(case):
    _, site, inputs = case
    before = copy.deepcopy((site, inputs))
    first, second = desired_site(site, inputs), desired_site(site, inputs)
    assert first == second
    assert (site, inputs) == before


def test_every_name_is_a_dns_label(manifests):
    for manifest in manifests:
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", manifest["metadata"]["name"])


def test_every_label_value_is_short_enough(manifests):
    for manifest in manifests:
        assert all(len(value) <= 63 for value in manifest["metadata"]["labels"].values())


def test_data_has_no_owner_and_everything_else_goes_with_the_site(case, manifests):
    _, site, _ = case
    for manifest in manifests:
        labels, owners = manifest["metadata"]["labels"], manifest["metadata"].get("ownerReferences")
        if labels["app.kubernetes.io/component"] == "data":
            assert owners is None
            assert labels["frankenpanel.io/data-id"]
        else:
            assert [owner["uid"] for owner in owners] == [site.metadata.uid]


def test_pods_meet_the_restricted_level(manifests):
    for pod in pods(manifests):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        allowed = {"configMap", "emptyDir", "persistentVolumeClaim", "secret"}
        assert all(set(volume) - {"name"} <= allowed for volume in pod["volumes"])
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    for container in containers(manifests):
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["readOnlyRootFilesystem"] is True


def test_pods_have_no_token_no_service_variables_and_bounded_scratch_space(manifests):
    for pod in pods(manifests):
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert all(volume["emptyDir"]["sizeLimit"] for volume in pod["volumes"] if "emptyDir" in volume)


def test_containers_have_requests_and_limits_for_all_that_a_node_can_run_out_of(manifests):
    for container in containers(manifests):
        for amounts in (container["resources"]["requests"], container["resources"]["limits"]):
            assert set(amounts) == {"cpu", "memory", "ephemeral-storage"}


def test_php_cannot_write_to_the_code(manifests):
    for pod in pods(manifests):
        for container in pod["containers"]:
            [code] = [mount for mount in container["volumeMounts"] if mount["mountPath"] == CODE_PATH]
            assert code["readOnly"] is True


def test_every_mount_has_its_volume(manifests):
    for pod in pods(manifests):
        volumes = {volume["name"] for volume in pod["volumes"]}
        for container in (*pod["initContainers"], *pod["containers"]):
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes


def test_no_secret_value_stands_outside_of_secrets(case, manifests):
    _, _, inputs = case
    credentials = inputs.credentials
    values = [credentials.database_password, credentials.admin_password, credentials.digest_key]
    values += [value for _, value in credentials.keys]
    text = repr([manifest for manifest in manifests if manifest["kind"] != "Secret"])
    assert not [value for value in values if value.get_secret_value() in text]
