"""What a Site says about itself, as a tenant reads it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from frankenpanel_crds.conditions import SiteCondition, SiteReason
from frankenpanel_crds.site_status import PrimaryStatus, SiteStatus
from frankenpanel_operator.errors import (
    ClusterRefusedError,
    ClusterUnavailableError,
    DatabaseLostError,
    DatabaseNameTakenError,
    DatabaseUnavailableError,
    FrankenPanelError,
    ObjectNameTakenError,
    RetainedDataNotFoundError,
)

DETAILS = [condition.value for condition in SiteCondition if condition is not SiteCondition.PAUSED]


def types(status):
    return [condition.type for condition in status.conditions]


class TestSummary:
    def test_a_site_that_runs_and_is_reached_is_ready(self, life, make_domain):
        status = life(domains=(make_domain(),)).running().status
        assert types(status) == ["Ready", *DETAILS]
        assert all(condition.is_true for condition in status.conditions)
        assert status.url == "http://shop.localhost"

    def test_the_address_is_the_one_that_the_primary_domain_shows(self, life, make_domain):
        domain = make_domain()
        status = domain.status.model_copy(update={"url": "https://shop.localhost"})
        found = life(domains=(domain.model_copy(update={"status": status}),)).running()
        assert found.status.url == "https://shop.localhost"

    def test_a_site_without_a_domain_is_ready_and_says_that_it_has_no_address(self, life):
        found = life().running()
        assert found.says("Ready") == ("True", "Ready")
        assert found.says("RouteReady") == ("False", "NoDomain")
        assert "spec.siteRef.name: shop" in found.message()
        assert found.status.url is None

    def test_the_first_cause_in_order_is_the_reason(self, life, make_domain):
        found = life({"runtime": {"php": "5.6"}, "scaling": {"replicas": 2}}, domains=(make_domain(),))
        assert found.says("Ready") == ("False", "RuntimeNotFound")
        assert found.message() == found.message("RuntimeReady")

    def test_what_merely_waits_is_no_cause(self, life):
        found = life().tried(database_error=DatabaseUnavailableError("no route"))
        assert found.says("StorageReady") == ("False", "Waiting")
        assert found.says("Ready") == ("False", "DatabaseServerUnreachable")

    @pytest.mark.parametrize(
        "references",
        [{"preset": None}, {"spec": {"runtime": {"php": "5.6"}}}, {"spec": {"storage": [{"name": "x"}]}}],
        ids=["unknown preset", "unknown PHP", "nonsense storage"],
    )
    def test_what_only_an_edit_heals_is_stalled(self, life, references):
        found = life(references.pop("spec", None), **references)
        assert found.says("Stalled")[0] == "True"
        assert found.condition("Reconciling") is None

    def test_what_heals_by_itself_is_reconciling(self, life):
        found = life().tried(database_error=DatabaseUnavailableError("no route"))
        assert found.says("Reconciling") == ("True", "DatabaseServerUnreachable")
        assert found.condition("Stalled") is None

    def test_both_are_gone_once_it_is_ready(self, life):
        assert not {"Reconciling", "Stalled"} & set(types(life().running().status))


class TestPrimary:
    def test_the_address_is_remembered_since_it_became_so(self, life, now, make_domain):
        found = life(domains=(make_domain(),)).running()
        assert found.status.primary == PrimaryStatus(host="shop.localhost", since=now)

    def test_another_address_of_an_installed_site_remembers_the_former(self, life, now, make_domain):
        before = life(domains=(make_domain("old.localhost"),)).running().status.to_manifest()
        found = life(status=before, domains=(make_domain(),)).running()
        assert found.status.primary.former_hosts == ("old.localhost",)
        assert found.status.primary.since == now

    def test_before_the_installation_there_is_no_content_that_could_name_one(self, life, make_domain):
        before = life(domains=(make_domain("old.localhost"),)).bound().status.to_manifest()
        assert life(status=before, domains=(make_domain(),)).running().status.primary.former_hosts == ()

    def test_it_outlives_a_time_without_an_address(self, life, make_domain):
        before = life(domains=(make_domain("old.localhost"),)).running().status.to_manifest()
        found = life(status=before).running().status
        assert (found.url, found.primary.host) == (None, "old.localhost")


class TestTimes:
    def test_a_time_moves_only_with_the_status(self, life, now, make_domain):
        first = life(domains=(make_domain(),)).running()
        later = first.site.model_copy(update={"status": first.status})
        first.site, first.now = later, now + timedelta(hours=1)
        assert {condition.last_transition_time for condition in first.status.conditions} == {now}
        assert first.status == later.status

    def test_a_changed_status_has_the_new_time(self, life, now):
        found = life().running()
        found.site = found.site.model_copy(update={"status": found.status})
        found.now = now + timedelta(hours=1)
        found.deployed(ready=0)
        times = {condition.type: condition.last_transition_time for condition in found.status.conditions}
        assert times["WorkloadAvailable"] == times["Ready"] == found.now
        assert times["Installed"] == now

    def test_another_reason_alone_does_not_move_the_time(self, life, now):
        found = life().bound().installed().deployed(ready=0)
        found.site = found.site.model_copy(update={"status": found.status})
        found.now = now + timedelta(hours=1)
        found.pod(containerStatuses=[{"name": "web", "state": {"waiting": {"reason": "ErrImagePull"}}}])
        condition = found.condition("WorkloadAvailable")
        assert (condition.reason, condition.last_transition_time) == ("ImagePullFailed", now)

    def test_every_condition_and_the_status_carry_the_generation(self, life):
        status = life().running().status
        assert status.observed_generation == 3
        assert {condition.observed_generation for condition in status.conditions} == {3}


class TestDatabase:
    @pytest.mark.parametrize(
        ("error", "reason"),
        [
            (DatabaseUnavailableError("10.1.2.3 refused"), "DatabaseServerUnreachable"),
            (DatabaseNameTakenError("fpabc of tenant x"), "DatabaseNameTaken"),
            (DatabaseLostError("fpabc is gone"), "DatabaseLost"),
            (RetainedDataNotFoundError("fpabc never was"), "RetainedDataNotFound"),
            (FrankenPanelError("ERROR 1064"), "DatabaseRefused"),
        ],
    )
    def test_an_error_is_told_without_what_the_server_said(self, life, error, reason):
        found = life().tried(database_error=error)
        assert found.says("DatabaseReady") == ("False", reason)
        assert str(error) not in found.message("DatabaseReady")

    def test_an_untried_database_keeps_its_last_word(self, life):
        last = {"type": "DatabaseReady", "status": "True", "reason": "Provisioned", "message": "as before"}
        found = life(status={"conditions": [last]}).tried()
        assert (found.says("DatabaseReady"), found.message("DatabaseReady")) == (
            ("True", "Provisioned"),
            "as before",
        )

    def test_a_database_that_was_never_looked_at_is_pending(self, life):
        assert life().tried().says("DatabaseReady") == ("False", "Pending")

    def test_a_site_without_database_needs_none(self, life, make_preset):
        found = life({"database": {"engine": "None"}}, preset=make_preset({"configFormat": "EnvOnly"}))
        assert found.tried().says("DatabaseReady") == ("True", "NotRequired")
        assert found.status.database is None

    def test_the_server_is_recorded_as_soon_as_it_is_chosen(self, life):
        status = life().tried(database_error=DatabaseUnavailableError("down")).status
        assert status.database.server_name == "embedded"
        assert status.database.secret_name == "shop-database-zgeu2"

    def test_a_lost_server_stays_recorded(self, life):
        database = {"serverName": "gone", "name": "fpx", "secretName": "s"}
        found = life(status={"database": database}, servers=())
        assert found.status.database.server_name == "gone"
        assert found.says("Ready") == ("False", "DatabaseServerNotFound")


class TestStorage:
    def test_volumes_are_listed_with_what_they_really_have(self, life):
        [volume] = life().bound().status.storage
        assert (volume.name, volume.claim_name, volume.capacity) == ("content", "shop-content-zgeu2", "1Gi")

    def test_an_unbound_volume_that_a_pod_waits_for_is_pending(self, life):
        found = life().observe("PersistentVolumeClaim", {"phase": "Pending"}).pod("install")
        assert found.says("StorageReady") == ("False", "VolumePending")
        assert "shop-content-zgeu2" in found.message("StorageReady")

    def test_a_lost_volume_is_told(self, life):
        found = life().observe("PersistentVolumeClaim", {"phase": "Lost"})
        assert found.says("Ready") == ("False", "VolumeLost")

    def test_a_change_that_no_volume_can_follow_is_told(self, life):
        spec = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}
        found = life().observe("PersistentVolumeClaim", {"phase": "Bound"}, spec=spec)
        assert found.says("StorageReady") == ("False", "StorageInvalid")
        assert "another access" in found.message("StorageReady")

    def test_a_site_without_volumes_needs_none(self, life, make_preset):
        found = life(preset=make_preset({"persistentPaths": []}))
        assert found.says("StorageReady") == ("True", "NotRequired")

    def test_a_refused_volume_is_told(self, life):
        found = life().tried(apply_error=ObjectNameTakenError("PersistentVolumeClaim", "shop-content-zgeu2"))
        assert found.says("StorageReady") == ("False", "ObjectNameTaken")


class TestRefusedObjects:
    @pytest.mark.parametrize(
        ("error", "reason", "part"),
        [
            (ObjectNameTakenError("Service", "shop"), "ObjectNameTaken", "Service shop exists"),
            (ClusterRefusedError("pods: exceeded quota: small", status=403), "QuotaExceeded", "quota"),
            (
                ClusterRefusedError("spec.x: Invalid value.", status=422),
                "ObjectRefused",
                "spec.x: Invalid value.",
            ),
            (ClusterUnavailableError("https://10.0.0.1 refused"), "ClusterUnavailable", "tried again"),
        ],
    )
    def test_the_reason_is_told(self, life, error, reason, part):
        found = life().running().tried(is_database_ready=True, apply_error=error)
        assert found.says("WorkloadAvailable") == ("False", reason)
        assert part in found.message("WorkloadAvailable")
        assert "10.0.0.1" not in found.message("WorkloadAvailable")

    def test_an_installation_that_cannot_start_for_it_is_no_cause(self, life):
        error = ObjectNameTakenError("Secret", "shop-admin")
        found = life().bound().tried(is_database_ready=True, apply_error=error)
        assert found.says("Installed") == ("False", "Waiting")
        assert found.says("Ready") == ("False", "ObjectNameTaken")

    def test_a_refused_job_is_told_by_the_installation(self, life):
        error = ObjectNameTakenError("Job", "shop-install-x")
        found = life().tried(is_database_ready=True, apply_error=error)
        assert found.says("Installed") == ("False", "ObjectNameTaken")

    def test_a_long_answer_is_cut(self, life):
        error = ClusterRefusedError("x" * 5000, status=422)
        assert len(life().tried(apply_error=error).message("WorkloadAvailable")) < 400


LAST_STATUS = {
    "runtime": {"php": "8.1", "image": "old"},
    "application": {"preset": "wordpress", "version": "6.0", "image": "old"},
    "storage": [{"name": "content", "claimName": "c"}],
    "adminSecretName": "shop-admin",
}


class TestUnresolved:
    def test_what_still_runs_is_still_shown(self, life):
        status = life(status=LAST_STATUS, preset=None, catalog=None).status
        assert status.runtime.php == "8.1"
        assert status.application.version == "6.0"
        assert status.storage[0].claim_name == "c"
        assert status.admin_secret_name == "shop-admin"

    def test_what_depends_on_the_application_waits_for_it(self, life):
        found = life(preset=None)
        for condition in ("StorageReady", "Installed", "WorkloadAvailable"):
            assert found.says(condition) == ("False", "Waiting")

    def test_the_rest_goes_on(self, life):
        found = life(preset=None)
        assert found.says("RuntimeReady") == ("True", "RuntimeFound")
        assert found.says("DatabaseReady") == ("True", "Provisioned")


class TestPaused:
    def test_a_paused_site_says_so_and_nobody_works_on_it(self, life):
        found = life({"paused": True, "runtime": {"php": "5.6"}})
        assert types(found.status)[:2] == ["Ready", "Paused"]
        assert found.says("Ready") == ("False", "Paused")
        assert "PHP" in found.message()

    def test_a_paused_site_that_runs_is_ready(self, life):
        found = life({"paused": True}).running()
        assert found.says("Ready") == ("True", "Ready")
        assert found.says("Paused") == ("True", "Paused")


class TestLookups:
    def test_people_find_what_they_look_for(self, life):
        status = life().running().status
        assert (status.replicas, status.ready_replicas) == (1, 1)
        assert status.admin_secret_name == "shop-admin"
        assert status.runtime.php == "8.4"
        assert status.application.version == "6.8"
        assert status.selector == (
            "frankenpanel.io/site-uid=0b0f6d0e-7d0a-4b0a-8f0e-0123456789ab,app.kubernetes.io/component=web"
        )

    def test_there_is_no_admin_secret_where_nothing_is_installed(self, life, make_preset):
        assert life(preset=make_preset({"install": None})).status.admin_secret_name is None

    def test_a_status_is_the_same_after_the_api_server_had_it(self, life, make_domain):
        status = life(domains=(make_domain(),)).running().status
        assert SiteStatus.model_validate(status.to_manifest()) == status


def test_every_reason_and_message_is_fit_for_a_tenant(life):
    lives = [
        life(preset=None, catalog=None, servers=()),
        life({"runtime": {"php": "5"}, "storage": [{"name": "x"}]}),
        life().tried(database_error=DatabaseUnavailableError("10.1.2.3")),
        life().running(),
    ]
    known = {reason.value for reason in SiteReason}
    for found in lives:
        for condition in found.status.conditions:
            assert condition.reason in known
            assert condition.message.endswith(".")
            assert "frankenpanel-system" not in condition.message
            assert "10.1.2.3" not in condition.message
