from __future__ import annotations

import dataclasses

import pytest
from frankenpanel_operator.credentials import derive_site_credentials
from frankenpanel_operator.desired.deployment import build_deployment
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.desired.web_server import FAREWELL_SECONDS, GRACE_PERIOD_SECONDS


@pytest.fixture
def template(resolved):
    def build(site, **references):
        [deployment] = build_deployment(site, resolved(site, **references).inputs)
        return deployment["spec"]["template"]

    return build


@pytest.fixture
def spec(resolved):
    def build(site, **references):
        [deployment] = build_deployment(site, resolved(site, **references).inputs)
        return deployment["spec"]

    return build


def container(template):
    return template["spec"]["containers"][0]


SHARED = {"storage": [{"name": "content", "access": "ReadWriteMany"}]}


class TestStrategy:
    def test_a_volume_of_one_node_means_one_pod_after_the_other(self, make_site, spec):
        assert spec(make_site())["strategy"] == {"type": "Recreate"}

    def test_shared_volumes_are_rolled_without_a_gap(self, make_site, spec):
        found = spec(make_site(SHARED))["strategy"]
        assert found == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}

    def test_no_volumes_are_rolled_without_a_gap(self, make_site, make_preset, spec):
        found = spec(make_site(), preset=make_preset({"persistentPaths": []}))["strategy"]
        assert found["type"] == "RollingUpdate"

    def test_replicas_are_as_asked_for_where_volumes_allow(self, make_site, spec):
        assert spec(make_site({**SHARED, "scaling": {"replicas": 4}}))["replicas"] == 4
        assert spec(make_site({"scaling": {"replicas": 4}}))["replicas"] == 1


class TestProbes:
    def test_ready_is_what_answers_for_the_primary_host(self, make_site, make_domain, template):
        probe = container(template(make_site(), domains=(make_domain(),)))["readinessProbe"]
        assert probe["httpGet"]["path"] == "/wp-login.php"
        assert probe["httpGet"]["port"] == 8080
        assert probe["httpGet"]["httpHeaders"] == [{"name": "Host", "value": "shop.localhost"}]

    def test_the_host_has_the_port_that_visitors_use(self, make_site, make_domain, template):
        platform = Platform("frankenpanel-system", http_port=8000)
        pod = template(make_site(), domains=(make_domain(),), platform=platform)
        [header] = container(pod)["readinessProbe"]["httpGet"]["httpHeaders"]
        assert header["value"] == "shop.localhost:8000"

    def test_without_a_host_none_is_sent(self, make_site, template):
        assert "httpHeaders" not in container(template(make_site()))["readinessProbe"]["httpGet"]

    def test_alive_is_what_answers_without_php(self, make_site, template):
        found = container(template(make_site()))
        for name in ("livenessProbe", "startupProbe"):
            assert found[name]["httpGet"] == {"path": "/livez", "port": 8081}

    def test_a_pod_is_drained_before_it_stops(self, make_site, template):
        pod = template(make_site())
        sleep = container(pod)["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert pod["spec"]["terminationGracePeriodSeconds"] > sleep + 30


class TestChecksums:
    """A pod reads its files once: what changes them must change the template."""

    def annotations(self, template):
        return template["metadata"]["annotations"]

    def test_the_same_site_keeps_its_pods(self, make_site, template):
        assert template(make_site()) == template(make_site())

    def test_a_php_setting_starts_new_pods(self, make_site, template):
        one, other = (
            self.annotations(template(site))
            for site in (make_site(), make_site({"runtime": {"ini": {"precision": "5"}}}))
        )
        assert one["frankenpanel.io/settings-hash"] != other["frankenpanel.io/settings-hash"]
        assert one["frankenpanel.io/config-digest"] == other["frankenpanel.io/config-digest"]

    def test_another_primary_host_starts_new_pods(self, make_site, make_domain, template):
        one, other = (
            self.annotations(template(make_site(), domains=domains)) for domains in ((), (make_domain(),))
        )
        assert one["frankenpanel.io/config-digest"] != other["frankenpanel.io/config-digest"]

    def test_another_password_starts_new_pods(self, make_site, template):
        other_key = derive_site_credentials(bytes(32), "demo", "data")
        one = self.annotations(template(make_site()))
        other = self.annotations(template(make_site(), credentials=other_key))
        assert one["frankenpanel.io/config-digest"] != other["frankenpanel.io/config-digest"]

    def test_the_digest_of_a_secret_depends_on_a_key_of_its_own(self, make_site, resolved, template):
        credentials = resolved(make_site()).inputs.credentials
        keyed_otherwise = dataclasses.replace(credentials, digest_key=credentials.admin_password)
        one = self.annotations(template(make_site()))
        other = self.annotations(template(make_site(), credentials=keyed_otherwise))
        assert one["frankenpanel.io/config-digest"] != other["frankenpanel.io/config-digest"]


RULES = {
    "access": {"deny": ["192.0.2.1"], "noindex": True},
    "http": {"rateLimit": {"requests": 5}, "compression": False},
}


class TestRules:
    """A server takes up changed rules as it runs: only another Secret is a matter of the pod."""

    def mounts(self, template):
        return [mount for mount in container(template)["volumeMounts"] if mount["name"] == "accounts"]

    def test_rules_start_no_new_pods(self, make_site, template):
        assert template(make_site(RULES)) == template(make_site())

    def test_volumes_that_can_be_shared_start_no_new_pods_for_the_farewell(self, make_site, template):
        one, other = template(make_site()), template(make_site(SHARED))
        assert one["metadata"]["annotations"] == other["metadata"]["annotations"]

    def test_a_missing_secret_shuts_the_site_and_not_the_pod(self, make_site, template):
        pod = template(make_site({"access": {"basicAuth": {"secretRef": {"name": "staff"}}}}))
        [volume] = [volume for volume in pod["spec"]["volumes"] if volume["name"] == "accounts"]
        assert volume["secret"]["secretName"] == "staff"
        assert volume["secret"]["optional"] is True
        assert self.mounts(pod) == [
            {"name": "accounts", "mountPath": "/run/frankenpanel/accounts", "readOnly": True}
        ]

    def test_without_passwords_there_is_no_volume(self, make_site, template):
        assert self.mounts(template(make_site(RULES))) == []

    def test_the_server_has_time_to_say_farewell_and_to_finish(self, make_site, template):
        pod = template(make_site(SHARED))
        sleep = container(pod)["lifecycle"]["preStop"]["sleep"]["seconds"]
        needed = sleep + FAREWELL_SECONDS + GRACE_PERIOD_SECONDS
        assert pod["spec"]["terminationGracePeriodSeconds"] > needed


class TestEnvironment:
    def variables(self, template):
        return {item["name"]: item.get("value") for item in container(template)["env"]}

    def test_the_tenants_variables_come_last(self, make_site, template):
        site = make_site({"env": [{"name": "WP_DEBUG", "value": "true"}]})
        names = list(self.variables(template(site)))
        assert names == ["SITE_THREADS", "GOMEMLIMIT", "WP_DEBUG"]

    def test_a_variable_of_the_platform_stays_the_platforms(self, make_site, make_preset, template):
        site = make_site({"env": [{"name": "DATABASE_HOST", "value": "evil.example.com"}]})
        pod = template(site, preset=make_preset({"configFormat": "EnvOnly"}))
        assert [item for item in container(pod)["env"] if item["name"] == "DATABASE_HOST"] == [
            {
                "name": "DATABASE_HOST",
                "valueFrom": {"secretKeyRef": {"name": "shop-database-zgeu2", "key": "host"}},
            }
        ]

    @pytest.mark.parametrize(
        ("value", "written"),
        [("$(SITE_THREADS)", "$$(SITE_THREADS)"), ("a$$b", "a$$$$b"), ("5$", "5$$"), ("plain", "plain")],
    )
    def test_a_value_means_itself(self, make_site, template, value, written):
        site = make_site({"env": [{"name": "X", "value": value}]})
        assert self.variables(template(site))["X"] == written

    def test_secrets_of_the_tenant_are_named_not_read(self, make_site, template):
        site = make_site({"envFrom": [{"secretRef": {"name": "a"}}, {"secretRef": {"name": "b"}}]})
        assert container(template(site))["envFrom"] == [
            {"secretRef": {"name": "a"}},
            {"secretRef": {"name": "b"}},
        ]


@pytest.mark.parametrize("missing", [{"catalog": None}, {"preset": None}, {"servers": ()}])
def test_an_undecided_part_leaves_the_deployment_as_it_is(make_site, resolved, missing):
    site = make_site()
    assert build_deployment(site, resolved(site, **missing).inputs) is None


def test_a_configuration_file_without_a_database_is_never_decided(make_site, resolved):
    site = make_site({"database": {"engine": "None"}})
    assert build_deployment(site, resolved(site).inputs) is None


def test_an_application_without_database_has_no_digest_of_one(make_site, make_preset, template):
    site = make_site({"database": {"engine": "None"}})
    pod = template(site, preset=make_preset({"configFormat": "EnvOnly"}))
    assert set(pod["metadata"]["annotations"]) == {"frankenpanel.io/settings-hash"}
