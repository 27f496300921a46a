"""When objects come into being, which are left alone, and which are left over."""

from __future__ import annotations

import pytest
from frankenpanel_operator.desired.site import Stage, desired_site, is_installed, prunable, released
from frankenpanel_operator.observed import ObjectRef, ObservedSite, OwnedKind

PREPARED = [
    "ServiceAccount",
    "NetworkPolicy",
    "PersistentVolumeClaim",
    "Secret",
    "Secret",
    "Secret",
    "ConfigMap",
    "Service",
]


def kinds(objects):
    return [item.ref.kind for item in objects]


def observed(*manifests):
    return ObservedSite(objects={ObjectRef.of(manifest): manifest for manifest in manifests})


def completed(job):
    return {**job, "status": {"conditions": [{"type": "Complete", "status": "True"}]}}


@pytest.fixture
def site(make_site):
    return make_site()


@pytest.fixture
def desired(site, resolved):
    return desired_site(site, resolved(site).inputs)


class TestStages:
    def test_everything_is_desired_in_apply_order(self, desired):
        assert kinds(desired.objects) == [*PREPARED, "Job", "Deployment"]
        assert desired.withheld == frozenset()

    def test_nothing_runs_before_the_database_is_ready(self, desired):
        assert kinds(released(desired, observed(), database_ready=False)) == PREPARED

    def test_a_ready_database_releases_the_installation_but_no_pods_yet(self, desired):
        assert kinds(released(desired, observed(), database_ready=True)) == [*PREPARED, "Job"]

    def test_a_running_installation_releases_no_pods(self, desired):
        job = desired.find(OwnedKind.JOB)
        assert "Deployment" not in kinds(released(desired, observed(job), database_ready=True))

    def test_a_finished_installation_releases_the_pods(self, desired):
        job = completed(desired.find(OwnedKind.JOB))
        assert kinds(released(desired, observed(job), database_ready=True))[-1] == "Deployment"

    def test_pods_do_not_wait_for_a_database_that_went_down_after_the_installation(self, desired):
        job = completed(desired.find(OwnedKind.JOB))
        assert "Deployment" in kinds(released(desired, observed(job), database_ready=False))

    def test_what_exists_is_always_kept_up_to_date(self, desired):
        deployment, job = desired.find(OwnedKind.DEPLOYMENT), desired.find(OwnedKind.JOB)
        found = kinds(released(desired, observed(deployment, job), database_ready=False))
        assert found == [*PREPARED, "Job", "Deployment"]

    def test_without_a_hook_the_pods_start_at_once(self, site, resolved, make_preset):
        desired = desired_site(site, resolved(site, preset=make_preset({"install": None})).inputs)
        assert kinds(released(desired, observed(), database_ready=True))[-1] == "Deployment"
        assert is_installed(desired, observed())

    def test_a_new_installation_waits_until_the_old_one_is_gone(self, desired):
        old = {**desired.find(OwnedKind.JOB)}
        old["metadata"] = {**old["metadata"], "name": "shop-install-old"}
        assert "Job" not in kinds(released(desired, observed(old), database_ready=True))

    def test_stages_come_in_order(self, desired):
        stages = [item.stage for item in desired.objects]
        assert stages == sorted(stages)
        assert stages[0] is Stage.PREPARE


INSTALLED = {
    "application": {"preset": "wordpress"},
    "conditions": [{"type": "Installed", "status": "True", "reason": "Installed"}],
}


class TestInstallation:
    def test_what_the_status_remembers_needs_no_job(self, make_site, resolved):
        site = make_site(status=INSTALLED)
        desired = desired_site(site, resolved(site).inputs)
        assert desired.find(OwnedKind.JOB) is None
        assert OwnedKind.JOB in desired.withheld
        assert "Deployment" in kinds(released(desired, observed(), database_ready=True))

    def test_another_application_is_installed_anew(self, make_site, resolved):
        site = make_site(status={**INSTALLED, "application": {"preset": "other"}})
        assert desired_site(site, resolved(site).inputs).find(OwnedKind.JOB) is not None

    def test_a_host_that_comes_later_makes_no_second_job(self, site, resolved, make_domain):
        before = desired_site(site, resolved(site).inputs).find(OwnedKind.JOB)
        after = desired_site(site, resolved(site, domains=(make_domain(),)).inputs).find(OwnedKind.JOB)
        assert before == after

    def test_another_title_makes_another_job(self, desired, make_site, resolved):
        other = make_site({"source": {"preset": {"install": {"title": "Another"}}}})
        job = desired_site(other, resolved(other).inputs).find(OwnedKind.JOB)
        assert job["metadata"]["name"] != desired.find(OwnedKind.JOB)["metadata"]["name"]


class TestWithheld:
    @pytest.mark.parametrize(
        ("missing", "withheld"),
        [
            ({"catalog": None}, {"Job", "Deployment"}),
            (
                {"preset": None},
                {"PersistentVolumeClaim", "Secret", "ConfigMap", "Job", "Deployment"},
            ),
            ({"servers": ()}, {"NetworkPolicy", "Secret", "Job", "Deployment"}),
        ],
        ids=["no PHP", "no application", "no database server"],
    )
    def test_what_cannot_be_decided_is_withheld_and_the_rest_goes_on(self, site, resolved, missing, withheld):
        desired = desired_site(site, resolved(site, **missing).inputs)
        assert {str(kind) for kind in desired.withheld} == withheld
        assert {"ServiceAccount", "Service"} <= set(kinds(desired.objects))

    def test_a_running_site_is_left_alone_while_its_php_is_unknown(self, site, desired, resolved):
        running = observed(*(item.manifest for item in desired.objects))
        undecided = desired_site(site, resolved(site, catalog=None).inputs)
        assert prunable(undecided, running) == ()
        assert "Deployment" not in kinds(released(undecided, running, database_ready=True))


class TestPruning:
    def test_what_is_desired_stays(self, desired):
        assert prunable(desired, observed(*(item.manifest for item in desired.objects))) == ()

    def leftover(self, desired, kind, name="left-over", **metadata):
        template = desired.find(kind)
        return {**template, "metadata": {**template["metadata"], "name": name, **metadata}}

    def test_an_outdated_installation_goes(self, desired):
        old = self.leftover(desired, OwnedKind.JOB)
        assert prunable(desired, observed(old)) == (ObjectRef("Job", "demo", "left-over"),)

    @pytest.mark.parametrize("kind", [OwnedKind.PERSISTENT_VOLUME_CLAIM, OwnedKind.SECRET])
    def test_data_and_secrets_never_go(self, desired, site, kind):
        owner = desired.find(OwnedKind.SERVICE)["metadata"]["ownerReferences"]
        old = self.leftover(desired, kind, ownerReferences=owner)
        assert prunable(desired, observed(old)) == ()

    @pytest.mark.parametrize(
        "metadata",
        [
            {"labels": {}},
            {"ownerReferences": []},
            {"ownerReferences": [{"uid": "somebody else"}]},
            {"deletionTimestamp": "2026-08-01T00:00:00Z"},
        ],
        ids=["without our label", "without an owner", "owned by another", "on its way out"],
    )
    def test_what_is_not_surely_ours_stays(self, desired, metadata):
        other = self.leftover(desired, OwnedKind.SERVICE, **metadata)
        assert prunable(desired, observed(other)) == ()


class TestVolumes:
    def live_claim(self, desired, **spec):
        claim = desired.find(OwnedKind.PERSISTENT_VOLUME_CLAIM)
        return {**claim, "spec": {**claim["spec"], "storageClassName": "standard", **spec}}

    def requested_size(self, desired, live):
        items = released(desired, observed(live), database_ready=True)
        (claim,) = (item.manifest for item in items if item.ref.kind == "PersistentVolumeClaim")
        return claim["spec"]["resources"]["requests"]["storage"]

    def test_a_volume_may_grow(self, desired):
        claim = self.live_claim(desired, resources={"requests": {"storage": "512Mi"}})
        assert self.requested_size(desired, claim) == "1Gi"

    @pytest.mark.parametrize(
        "spec",
        [{}, {"accessModes": ["ReadWriteMany"]}],
        ids=["shrink", "change its access"],
    )
    def test_a_volume_is_not_asked_to(self, desired, spec):
        claim = self.live_claim(desired, resources={"requests": {"storage": "2Gi"}}, **spec)
        assert self.requested_size(desired, claim) == "2Gi"

    def test_a_volume_does_not_change_its_class(self, make_site, resolved):
        site = make_site({"storage": [{"name": "content", "class": "fast", "size": "2Gi"}]})
        desired = desired_site(site, resolved(site).inputs)
        claim = self.live_claim(desired, resources={"requests": {"storage": "1Gi"}})
        assert self.requested_size(desired, claim) == "1Gi"


def test_all_of_a_kind_are_found(desired):
    assert len(desired.all(OwnedKind.SECRET)) == 3
    assert desired.find(OwnedKind.SECRET) == desired.all(OwnedKind.SECRET)[0]
