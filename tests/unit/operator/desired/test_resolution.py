from __future__ import annotations

from collections.abc import Mapping

import pytest
from frankenpanel_operator import naming
from frankenpanel_operator.desired.inputs import Database, Runtime
from frankenpanel_operator.desired.resolution import site_data_id


def problems(resolution) -> Mapping[str, tuple[str, str]]:
    return {problem.condition: (problem.reason, problem.message) for problem in resolution.problems}


def test_absent_versions_are_the_defaults_of_the_administrator(make_site, resolved):
    resolution = resolved(make_site())
    assert resolution.problems == ()
    assert resolution.inputs.runtime == Runtime("8.4", "frankenpanel/frankenphp:8.4")
    assert resolution.inputs.application.version == "6.8"
    assert resolution.inputs.application.image == "frankenpanel/wordpress:6.8"


def test_named_versions_win(make_site, resolved):
    site = make_site({"runtime": {"php": "8.3"}, "source": {"preset": {"version": "6.7"}}})
    inputs = resolved(site).inputs
    assert inputs.runtime.image == "frankenpanel/frankenphp:8.3"
    assert inputs.application.image == "frankenpanel/wordpress:6.7"


def test_the_site_overrules_document_root_and_health_path_of_the_preset(make_site, resolved):
    site = make_site({"runtime": {"documentRoot": "web"}, "health": {"path": "/up"}})
    application = resolved(site).inputs.application
    assert (application.document_root, application.health_path) == ("web", "/up")
    plain = resolved(make_site()).inputs.application
    assert (plain.document_root, plain.health_path) == (".", "/wp-login.php")


def test_an_unknown_php_version_lists_the_known_ones(make_site, resolved):
    resolution = resolved(make_site({"runtime": {"php": "5.6"}}))
    assert resolution.inputs.runtime is None
    assert problems(resolution) == {
        "RuntimeReady": (
            "RuntimeNotFound",
            'PHP "5.6" is not on offer; set spec.runtime.php to one of: "8.3", "8.4".',
        )
    }


def test_a_missing_catalogue_is_the_administrators_to_make(make_site, resolved):
    resolution = resolved(make_site(), catalog=None)
    assert problems(resolution)["RuntimeReady"][0] == "CatalogNotFound"
    assert resolution.inputs.application is not None


def test_an_unknown_preset_names_field_and_cure(make_site, resolved):
    resolution = resolved(make_site(), preset=None)
    reason, message = problems(resolution)["SourceReady"]
    assert reason == "PresetNotFound"
    assert "spec.source.preset.name" in message
    assert resolution.inputs.storage is None
    assert resolution.inputs.runtime is not None


def test_an_unknown_version_lists_the_known_ones_and_leaves_the_rest(make_site, resolved):
    resolution = resolved(make_site({"source": {"preset": {"version": "1.0"}}}))
    reason, message = problems(resolution)["SourceReady"]
    assert reason == "PresetVersionNotFound"
    assert '"6.7", "6.8"' in message
    assert resolution.inputs.database is not None


def test_without_a_hook_of_the_preset_there_is_no_install_command(make_site, make_preset, resolved):
    assert resolved(make_site()).inputs.application.install_command[0] == "frankenpanel-php"
    resolution = resolved(make_site(), preset=make_preset({"install": None}))
    assert resolution.inputs.application.install_command == ()


class TestDatabase:
    def test_a_ready_server_goes_before_one_that_is_not(self, make_site, resolved, make_server):
        servers = (make_server("a", ready=False), make_server("c"), make_server("b"))
        assert resolved(make_site(), servers=servers).inputs.database.server_name == "b"

    def test_a_server_that_is_down_is_better_than_none(self, make_site, resolved, make_server):
        servers = (make_server("a", ready=False),)
        assert resolved(make_site(), servers=servers).inputs.database.server_name == "a"

    def test_only_servers_of_the_engine_count(self, make_site, resolved, make_server):
        servers = (make_server("a"), make_server("b", spec={"engine": "MySQL"}))
        site = make_site({"database": {"engine": "MySQL"}})
        assert resolved(site, servers=servers).inputs.database.server_name == "b"

    def test_a_site_stays_where_its_data_is(self, make_site, resolved, make_server):
        site = make_site(status={"database": {"serverName": "b"}})
        servers = (make_server("a"), make_server("b", ready=False))
        assert resolved(site, servers=servers).inputs.database.server_name == "b"

    def test_a_server_that_is_gone_is_never_replaced_by_an_empty_one(self, make_site, resolved, make_server):
        site = make_site(status={"database": {"serverName": "gone"}})
        resolution = resolved(site, servers=(make_server("a"),))
        assert resolution.inputs.database is None
        reason, message = problems(resolution)["DatabaseReady"]
        assert reason == "DatabaseServerNotFound"
        assert "gone" not in message

    def test_no_server_of_the_engine_is_said(self, make_site, resolved):
        resolution = resolved(make_site(), servers=())
        reason, message = problems(resolution)["DatabaseReady"]
        assert (reason, "MariaDB" in message) == ("DatabaseServerNotFound", True)

    def test_a_site_without_database_has_none_and_no_problem(self, make_site, resolved, make_preset):
        site = make_site({"database": {"engine": "None"}})
        resolution = resolved(site, preset=make_preset({"configFormat": "EnvOnly"}))
        assert (resolution.inputs.database, resolution.problems) == (None, ())

    def test_an_application_that_needs_a_database_says_so(self, make_site, resolved):
        resolution = resolved(make_site({"database": {"engine": "None"}}))
        reason, message = problems(resolution)["DatabaseReady"]
        assert reason == "SpecInvalid"
        assert "spec.database.engine" in message

    def test_the_database_is_named_after_the_data_not_the_site(self, make_site, resolved):
        site = make_site()
        name = naming.database_name(naming.data_id(site.metadata.uid))
        assert resolved(site).inputs.database == Database(
            server_name="embedded",
            engine="MariaDB",
            host="frankenpanel-mariadb.frankenpanel-system.svc",
            port=3306,
            name=name,
            admin_secret="frankenpanel-mariadb",
        )


class TestPrimaryHost:
    def test_the_oldest_primary_that_holds_its_host_leads(self, make_site, resolved, make_domain):
        older = {"creationTimestamp": "2026-01-01T00:00:00Z"}
        domains = (
            make_domain("late.example.com"),
            make_domain("early.example.com", metadata=older),
            make_domain(
                "unclaimed.example.com", claimed=False, metadata={"creationTimestamp": "2020-01-01T00:00:00Z"}
            ),
        )
        assert resolved(make_site(), domains=domains).inputs.primary_host == "early.example.com"

    def test_of_the_same_age_the_name_decides(self, make_site, resolved, make_domain):
        domains = (make_domain("b.example.com"), make_domain("a.example.com"))
        for order in (domains, domains[::-1]):
            assert resolved(make_site(), domains=order).inputs.primary_host == "a.example.com"

    @pytest.mark.parametrize(
        "change",
        [
            {"role": "Alias"},
            {"claimed": False},
            {"metadata": {"deletionTimestamp": "2026-07-02T00:00:00Z"}},
        ],
        ids=["an alias", "unclaimed", "being deleted"],
    )
    def test_others_do_not_lead(self, make_site, resolved, make_domain, change):
        assert resolved(make_site(), domains=(make_domain(**change),)).inputs.primary_host is None

    def test_no_domain_is_no_problem(self, make_site, resolved):
        resolution = resolved(make_site())
        assert (resolution.inputs.primary_host, resolution.problems) == (None, ())


def test_retained_data_keeps_its_id(make_site):
    site = make_site({"bootstrapFrom": {"retained": {"uid": "old"}}})
    assert site_data_id(site) == naming.data_id("old") != site_data_id(make_site())


def test_messages_are_one_sentence_without_platform_internals(make_site, resolved):
    broken = make_site(
        {
            "runtime": {"php": "5.6"},
            "source": {"preset": {"version": "1"}},
            "storage": [{"name": "x"}],
            "scaling": {"replicas": 2},
        }
    )
    resolution = resolved(broken, servers=())
    assert len(resolution.problems) >= 4
    for problem in resolution.problems:
        assert problem.message.endswith(".")
        assert ". " not in problem.message
        assert "frankenpanel-system" not in problem.message
        assert "\n" not in problem.message
