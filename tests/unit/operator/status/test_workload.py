"""Why pods do not run, told from what Kubernetes reports about them."""

from __future__ import annotations

import pytest


def waiting(reason, message="", name="web", **extra):
    state = {"waiting": {"reason": reason, "message": message}}
    return {"name": name, "image": "frankenpanel/frankenphp:8.4", "state": state, **extra}


def exited(code, reason="Error"):
    return {"terminated": {"exitCode": code, "reason": reason}}


@pytest.fixture
def starting(life):
    """Return a function that starts a Site whose pod has these container states and is not ready."""

    def build(*containers, spec=None, **status):
        pod = {"containerStatuses": list(containers), **status}
        return life(spec).bound().installed().deployed(ready=0).pod(**pod)

    return build


class TestPods:
    def test_a_missing_secret_names_the_entry_and_the_cure(self, starting):
        spec = {"envFrom": [{"secretRef": {"name": "there"}}, {"secretRef": {"name": "shop-env"}}]}
        error = waiting("CreateContainerConfigError", 'secret "shop-env" not found')
        found = starting(error, spec=spec)
        assert found.says("WorkloadAvailable") == ("False", "SecretNotFound")
        assert found.message("WorkloadAvailable") == (
            'spec.envFrom[1] names the Secret "shop-env", which does not exist in this namespace; '
            "create it, or remove the entry."
        )
        assert found.says("Ready") == ("False", "SecretNotFound")
        assert found.condition("Stalled") is None

    def test_a_missing_secret_of_ours_is_not_the_tenants_to_make(self, starting):
        found = starting(waiting("CreateContainerConfigError", 'secret "shop-admin" not found'))
        assert found.says("WorkloadAvailable") == ("False", "SecretNotFound")
        assert "the operator makes it again" in found.message("WorkloadAvailable")

    @pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff", "InvalidImageName"])
    def test_an_image_that_cannot_be_fetched_is_named(self, starting, reason):
        found = starting(waiting(reason, "dial tcp 10.0.0.1"))
        assert found.says("WorkloadAvailable") == ("False", "ImagePullFailed")
        assert "frankenpanel/frankenphp:8.4" in found.message("WorkloadAvailable")
        assert "10.0.0.1" not in found.message("WorkloadAvailable")

    def test_a_container_that_exits_tells_its_code(self, starting):
        found = starting(waiting("CrashLoopBackOff", lastState=exited(78)))
        assert found.says("WorkloadAvailable") == ("False", "ContainerFailing")
        assert "exit code 78" in found.message("WorkloadAvailable")

    def test_what_an_entry_point_refuses_is_told_in_its_words(self, starting):
        last = {"terminated": {"exitCode": 64, "reason": "Error", "message": "spec.http.rateLimit needs it"}}
        found = starting(waiting("CrashLoopBackOff", lastState=last))
        assert found.message("WorkloadAvailable").endswith("does not start: spec.http.rateLimit needs it.")

    def test_a_container_that_exits_without_a_code_is_told_too(self, starting):
        found = starting(waiting("CrashLoopBackOff"))
        assert "exit code unknown" in found.message("WorkloadAvailable")

    def test_a_container_that_ran_out_of_memory_names_the_fields(self, starting):
        found = starting(waiting("CrashLoopBackOff", lastState=exited(137, "OOMKilled")))
        assert "spec.resources.limits.memory" in found.message("WorkloadAvailable")

    def test_a_container_that_just_exited_is_told_before_it_backs_off(self, starting):
        found = starting({"name": "web", "state": exited(1)})
        assert found.says("WorkloadAvailable") == ("False", "ContainerFailing")

    def test_the_code_that_cannot_be_laid_out_is_told(self, starting):
        init = {"name": "code", "state": exited(64)}
        found = starting(waiting("PodInitializing"), initContainerStatuses=[init])
        assert "The container code stopped with exit code 64" in found.message("WorkloadAvailable")

    def test_a_container_that_cannot_be_started_is_told(self, starting):
        found = starting(waiting("RunContainerError", "no such file"))
        assert found.says("WorkloadAvailable") == ("False", "ContainerFailing")

    @pytest.mark.parametrize(
        "container",
        [
            waiting("ContainerCreating"),
            waiting("PodInitializing"),
            {"name": "web", "state": {"running": {}}},
            {"name": "web", "state": exited(0, "Completed")},
            {"name": "web"},
        ],
    )
    def test_a_pod_that_merely_starts_is_no_problem(self, starting, container):
        assert starting(container).says("WorkloadAvailable") == ("False", "RolloutInProgress")

    def test_a_pod_on_its_way_out_does_not_count(self, starting):
        found = starting(waiting("ErrImagePull"))
        found.pods[0]["metadata"]["deletionTimestamp"] = "2026-08-01T00:00:00Z"
        assert found.says("WorkloadAvailable") == ("False", "RolloutInProgress")


UNSCHEDULABLE = {
    "0/3 nodes are available: 3 Insufficient memory.": "spec.resources.requests.memory",
    "0/1 nodes: 1 Insufficient cpu, 1 Insufficient memory.": "spec.resources.requests.cpu and",
    "0/1 nodes are available: 1 Insufficient ephemeral-storage.": "ask your administrator for room",
    "pod has unbound immediate PersistentVolumeClaims": "spec.storage",
    "0/1 nodes are available: 1 node had volume node affinity conflict.": "spec.storage",
    "0/1 nodes are available: 1 node(s) had untolerated taint.": "ask your administrator",
}


@pytest.mark.parametrize("detail", UNSCHEDULABLE)
def test_a_pod_without_a_node_names_what_is_short(starting, detail):
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": detail}
    found = starting(conditions=[{"type": "Initialized", "status": "True"}, condition])
    assert found.says("WorkloadAvailable") == ("False", "Unschedulable")
    assert UNSCHEDULABLE[detail] in found.message("WorkloadAvailable")
    assert "nodes are available" not in found.message("WorkloadAvailable")


class TestRollout:
    def test_pods_of_the_present_spec_are_available(self, life):
        assert life().running().says("WorkloadAvailable") == ("True", "Available")
        assert life().running().message("WorkloadAvailable") == "1 pod serves the site."

    def test_a_deployment_of_another_spec_is_not(self, life, make_site, resolved):
        found = life().running()
        found.site = make_site({"runtime": {"threads": 9}})
        found.resolution = resolved(found.site)
        assert found.says("WorkloadAvailable") == ("False", "RolloutInProgress")

    def test_one_that_was_not_looked_at_yet_is_not(self, life):
        found = life().running()
        for body in found.objects.values():
            body["metadata"] = {**body["metadata"], "generation": 2}
        assert found.says("WorkloadAvailable") == ("False", "RolloutInProgress")

    def test_progress_is_counted(self, life):
        found = life().bound().installed().deployed(ready=0)
        assert found.message("WorkloadAvailable") == "New pods are starting: 0 of 1 are ready."

    def test_pods_that_still_serve_are_mentioned(self, life):
        found = life().bound().installed().deployed(ready=0, availableReplicas=2, replicas=3)
        found.pod(containerStatuses=[waiting("ErrImagePull")])
        assert "Meanwhile 2 pods serve the site as it was." in found.message("WorkloadAvailable")

    def test_pods_that_never_get_healthy_name_the_page(self, life):
        stuck = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
        found = life().bound().installed().deployed(ready=0, conditions=[stuck])
        assert found.says("WorkloadAvailable") == ("False", "ContainerFailing")
        assert "/wp-login.php" in found.message("WorkloadAvailable")

    def test_that_page_is_named_without_the_preset_as_well(self, life, resolved):
        stuck = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
        found = life({"health": {"path": "/up"}}).bound().installed().deployed(ready=0, conditions=[stuck])
        found.resolution = resolved(found.site, preset=None)
        assert "/up" in found.message("WorkloadAvailable")

    @pytest.mark.parametrize(
        ("detail", "reason"),
        [
            ("pods is forbidden: exceeded quota: small", "QuotaExceeded"),
            ('pods "x" is forbidden: violates PodSecurity "restricted:latest"', "ObjectRefused"),
        ],
    )
    def test_pods_that_the_cluster_refuses_are_told(self, life, detail, reason):
        failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": detail}
        found = life().bound().installed().deployed(ready=0, conditions=[failure])
        assert found.says("WorkloadAvailable") == ("False", reason)

    def test_a_deployment_whose_php_left_the_catalogue_keeps_being_judged(self, life, resolved):
        found = life().running()
        found.resolution = resolved(found.site, catalog=None)
        assert found.says("WorkloadAvailable") == ("True", "Available")
        assert found.says("Ready") == ("False", "CatalogNotFound")


class TestInstallation:
    def test_it_waits_for_the_database(self, life):
        found = life().tried(is_database_ready=False)
        assert found.says("Installed") == ("False", "Waiting")
        assert found.says("WorkloadAvailable") == ("False", "Waiting")

    def test_it_runs(self, life):
        assert life().says("Installed") == ("False", "Installing")
        found = life().bound().observe("Job", {}).pod("install")
        assert found.says("Ready") == ("False", "Installing")

    def test_it_is_done(self, life):
        assert life().installed().says("Installed") == ("True", "Installed")
        assert life().installed().says("WorkloadAvailable") == ("False", "RolloutInProgress")

    def test_it_is_remembered_when_its_job_is_gone(self, life):
        status = {
            "application": {"preset": "wordpress"},
            "conditions": [{"type": "Installed", "status": "True", "reason": "Installed"}],
        }
        assert life(status=status).says("Installed") == ("True", "Installed")

    def test_there_may_be_nothing_to_install(self, life, make_preset):
        found = life(preset=make_preset({"install": None}))
        assert found.says("Installed") == ("True", "NotRequired")

    def test_it_waits_for_what_is_unknown(self, life):
        assert life(catalog=None).says("Installed") == ("False", "Waiting")

    def test_a_hook_that_fails_is_told_and_tried_again(self, life):
        found = life().bound().observe("Job", {})
        found.pod(
            "install", containerStatuses=[waiting("CrashLoopBackOff", name="install", lastState=exited(1))]
        )
        assert found.says("Installed") == ("False", "InstallFailed")
        assert "exit code 1" in found.message("Installed")
        assert found.says("Reconciling") == ("True", "InstallFailed")

    def test_a_missing_secret_keeps_its_own_reason(self, life):
        found = life({"envFrom": [{"secretRef": {"name": "shop-env"}}]}).bound().observe("Job", {})
        error = waiting("CreateContainerConfigError", 'secret "shop-env" not found', name="install")
        found.pod("install", containerStatuses=[error])
        assert found.says("Installed") == ("False", "SecretNotFound")

    def test_a_job_that_gave_up_says_how_to_start_it_again(self, life):
        found = life().observe("Job", {"conditions": [{"type": "Failed", "status": "True"}]})
        assert found.says("Installed") == ("False", "InstallFailed")
        assert "deleting the Job" in found.message("Installed")
