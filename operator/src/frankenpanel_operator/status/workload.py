"""Checks of what runs: the installation and the pods that serve visitors."""

from __future__ import annotations

from frankenpanel_crds.conditions import Condition, SiteCondition, SiteReason
from frankenpanel_crds.labels import ANNOTATION_HASH, Component
from frankenpanel_crds.site import Site

from frankenpanel_operator import naming
from frankenpanel_operator.desired.install_job import needs_installation
from frankenpanel_operator.desired.site import is_installed, is_job_complete
from frankenpanel_operator.observed import Manifest, OwnedKind
from frankenpanel_operator.status.check import fails, holds
from frankenpanel_operator.status.facts import SiteFacts, is_database_usable
from frankenpanel_operator.status.pods import PodProblem, pod_problem, pods_of

# Failures with other kinds have conditions of their own.
_WEB_KINDS = frozenset(OwnedKind) - {OwnedKind.PERSISTENT_VOLUME_CLAIM, OwnedKind.JOB}


def installed(site: Site, facts: SiteFacts) -> Condition:
    """Say whether the application was set up."""
    condition = SiteCondition.INSTALLED
    application = facts.resolution.inputs.application
    if application is None:
        return fails(condition, SiteReason.WAITING, "The installation waits until the application is known.")
    if not application.install_command:
        return holds(condition, SiteReason.NOT_REQUIRED, "There is nothing to set up.")
    failure = facts.failure_of([OwnedKind.JOB])
    if failure is not None:
        return fails(condition, failure.reason, failure.message)
    job = facts.desired.find(OwnedKind.JOB)
    if job is None:
        return _without_job(site, facts)
    live = facts.live(job)
    if is_job_complete(live):
        return holds(condition, SiteReason.INSTALLED, "The application was set up.")
    if live is None and (facts.failure is not None or not is_database_usable(site, facts)):
        return fails(condition, SiteReason.WAITING, "The installation waits for what it needs.")
    return _install_progress(site, facts, live)


def workload_available(site: Site, facts: SiteFacts) -> Condition:
    """Say whether pods of the present spec serve visitors."""
    condition = SiteCondition.WORKLOAD_AVAILABLE
    failure = facts.failure
    if failure is not None and (failure.kind is None or failure.kind in _WEB_KINDS):
        return fails(condition, failure.reason, failure.message)
    live = facts.observed.find(OwnedKind.DEPLOYMENT, naming.web_name(site.metadata.name))
    if live is None:
        return _not_started(facts)
    if _is_rolled_out(facts.desired.find(OwnedKind.DEPLOYMENT), live):
        return holds(
            condition, SiteReason.AVAILABLE, f"{_served_by(live['spec'].get('replicas', 1))} the site."
        )
    problem = pod_problem(site, pods_of(facts.observed.pods, Component.WEB)) or _rollout_problem(
        site, facts, live
    )
    if problem is not None:
        return fails(condition, problem.reason, problem.message + _still_served(live))
    status = live.get("status", {})
    ready, wanted = status.get("readyReplicas", 0), live["spec"].get("replicas", 1)
    message = f"New pods are starting: {ready} of {wanted} are ready."
    return fails(condition, SiteReason.ROLLOUT_IN_PROGRESS, message)


def _without_job(site: Site, facts: SiteFacts) -> Condition:
    """Judge an installation for which no Job is desired: done before, or not yet decidable."""
    condition = SiteCondition.INSTALLED
    if not needs_installation(site, facts.resolution.inputs):
        return holds(condition, SiteReason.INSTALLED, "The application was set up.")
    return fails(condition, SiteReason.WAITING, "The installation waits for what it needs.")


def _install_progress(site: Site, facts: SiteFacts, job: Manifest | None) -> Condition:
    condition = SiteCondition.INSTALLED
    problem = pod_problem(site, pods_of(facts.observed.pods, Component.INSTALL))
    if problem is not None and problem.reason is SiteReason.CONTAINER_FAILING:
        return fails(condition, SiteReason.INSTALL_FAILED, f"The installation fails. {problem.message}")
    if problem is not None:
        return fails(condition, problem.reason, problem.message)
    conditions = (job or {}).get("status", {}).get("conditions", [])
    if any(item["type"] == "Failed" and item["status"] == "True" for item in conditions):
        message = "The installation gave up; its log says why, and deleting the Job starts it again."
        return fails(condition, SiteReason.INSTALL_FAILED, message)
    return fails(condition, SiteReason.INSTALLING, "The application is being set up.")


def _not_started(facts: SiteFacts) -> Condition:
    condition = SiteCondition.WORKLOAD_AVAILABLE
    if facts.desired.find(OwnedKind.DEPLOYMENT) is None:
        return fails(condition, SiteReason.WAITING, "The pods wait for what they are made of.")
    if not is_installed(facts.desired, facts.observed):
        return fails(condition, SiteReason.WAITING, "The pods wait until the application is set up.")
    return fails(condition, SiteReason.ROLLOUT_IN_PROGRESS, "The first pods are starting.")


def _is_rolled_out(desired: Manifest | None, live: Manifest) -> bool:
    """Say whether the live Deployment is the desired one and all of its pods are available."""
    if desired is not None and _hash(desired) != _hash(live):
        return False
    status, wanted = live.get("status", {}), live["spec"].get("replicas", 1)
    is_current = status.get("observedGeneration", 0) >= live["metadata"].get("generation", 0)
    counts = (status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas"))
    return is_current and all(count == wanted for count in counts)


def _rollout_problem(site: Site, facts: SiteFacts, live: Manifest) -> PodProblem | None:
    """Return what the Deployment itself says: pods that cannot be made, or that never become ready."""
    conditions = {item["type"]: item for item in live.get("status", {}).get("conditions", [])}
    failure = conditions.get("ReplicaFailure", {})
    if failure.get("status") == "True":
        return _creation_problem(failure.get("message", ""))
    if conditions.get("Progressing", {}).get("reason") == "ProgressDeadlineExceeded":
        application = facts.resolution.inputs.application
        path = application.health_path if application is not None else site.spec.health.path or "/"
        message = (
            f"The pods run, but {path} does not answer as a healthy site; read their log, "
            "or set spec.health.path to a page that works."
        )
        return PodProblem(SiteReason.CONTAINER_FAILING, message)
    return None


def _creation_problem(detail: str) -> PodProblem:
    if "exceeded quota" in detail:
        message = (
            "The quota of the namespace leaves no room for a pod; lower spec.resources, or ask for more."
        )
        return PodProblem(SiteReason.QUOTA_EXCEEDED, message)
    message = "The cluster refuses the Site's pods; ask your administrator which rule of the namespace does."
    return PodProblem(SiteReason.OBJECT_REFUSED, message)


def _still_served(live: Manifest) -> str:
    available = live.get("status", {}).get("availableReplicas", 0)
    return f" Meanwhile {_served_by(available)} the site as it was." if available else ""


def _served_by(count: int) -> str:
    return "1 pod serves" if count == 1 else f"{count} pods serve"


def _hash(manifest: Manifest) -> str | None:
    value: str | None = manifest["metadata"].get("annotations", {}).get(ANNOTATION_HASH)
    return value
