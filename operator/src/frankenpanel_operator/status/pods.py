"""Finds out from pods why they do not run, in words for the person who can change it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from frankenpanel_crds.conditions import SiteReason
from frankenpanel_crds.labels import LABEL_COMPONENT, Component
from frankenpanel_crds.site import Site

from frankenpanel_operator.observed import Manifest

_MISSING_SECRET = re.compile(r'secret "(?P<name>[^"]+)" not found')
_PULL_REASONS = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
_CONFIG_REASONS = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
_OUT_OF_MEMORY = "OOMKilled"
# With this code the runtime image's entry point refuses to start, and leaves the reason as its last word.
_REFUSED_BY_ENTRY_POINT = 64


@dataclass(frozen=True, slots=True)
class PodProblem:
    """Why a pod does not run."""

    reason: SiteReason
    message: str


def pods_of(pods: Iterable[Manifest], component: Component) -> tuple[Manifest, ...]:
    """Return the pods of one component that are not on their way out."""
    return tuple(
        pod
        for pod in pods
        if pod["metadata"].get("labels", {}).get(LABEL_COMPONENT) == component
        and "deletionTimestamp" not in pod["metadata"]
    )


def pod_problem(site: Site, pods: Iterable[Manifest]) -> PodProblem | None:
    """Return the first problem that keeps one of the pods from running."""
    for pod in pods:
        problem = _scheduling_problem(pod)
        if problem is not None:
            return problem
        for container in _container_statuses(pod):
            problem = _container_problem(site, container)
            if problem is not None:
                return problem
    return None


def _scheduling_problem(pod: Manifest) -> PodProblem | None:
    for condition in pod.get("status", {}).get("conditions", []):
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            return _unschedulable(condition.get("message", ""))
    return None


def _unschedulable(detail: str) -> PodProblem:
    short = [name for name in ("cpu", "memory", "ephemeral-storage") if f"Insufficient {name}" in detail]
    if short:
        fields = " and ".join(
            f"spec.resources.requests.{name}" for name in short if name != "ephemeral-storage"
        )
        cure = (
            f"lower {fields}, or ask your administrator for room"
            if fields
            else "ask your administrator for room"
        )
        message = f"No node has enough {' and '.join(short)} for a pod; {cure}."
        return PodProblem(SiteReason.UNSCHEDULABLE, message)
    if "PersistentVolumeClaim" in detail or "volume" in detail:
        return PodProblem(
            SiteReason.UNSCHEDULABLE,
            "A pod waits for its volume; check class and access in spec.storage, or ask your administrator.",
        )
    return PodProblem(SiteReason.UNSCHEDULABLE, "No node takes a pod at the moment; ask your administrator.")


def _container_statuses(pod: Manifest) -> Iterator[Manifest]:
    status = pod.get("status", {})
    yield from status.get("initContainerStatuses", [])
    yield from status.get("containerStatuses", [])


def _container_problem(site: Site, container: Manifest) -> PodProblem | None:
    state = container.get("state", {})
    if "waiting" in state:
        return _waiting_problem(site, container, state["waiting"])
    return _exit_problem(container, state["terminated"]) if "terminated" in state else None


def _waiting_problem(site: Site, container: Manifest, waiting: Manifest) -> PodProblem | None:
    reason, detail = waiting.get("reason", ""), waiting.get("message", "")
    if reason in _PULL_REASONS:
        message = (
            f"The image {container.get('image', '')} cannot be fetched; it is tried again, "
            "and an administrator may have to correct it."
        )
        return PodProblem(SiteReason.IMAGE_PULL_FAILED, message)
    missing = _MISSING_SECRET.search(detail)
    if reason in _CONFIG_REASONS and missing is not None:
        return PodProblem(SiteReason.SECRET_NOT_FOUND, _missing_secret(site, missing["name"]))
    if reason in _CONFIG_REASONS:
        return PodProblem(
            SiteReason.CONTAINER_FAILING, f"The container {container['name']} cannot start: {detail}."
        )
    if reason == "CrashLoopBackOff":
        return _exit_problem(container, container.get("lastState", {}).get("terminated", {}))
    return None


def _missing_secret(site: Site, name: str) -> str:
    for index, source in enumerate(site.spec.env_from):
        if source.secret_ref.name == name:
            return (
                f'spec.envFrom[{index}] names the Secret "{name}", which does not exist in this namespace; '
                "create it, or remove the entry."
            )
    return f'The Secret "{name}" is missing; the operator makes it again, and the pods start then.'


def _exit_problem(container: Manifest, terminated: Manifest) -> PodProblem | None:
    if terminated.get("exitCode") == 0:
        return None
    name = container["name"]
    if terminated.get("reason") == _OUT_OF_MEMORY:
        message = (
            f"The container {name} used more memory than it may; raise spec.resources.limits.memory, "
            "or lower spec.runtime.threads."
        )
        return PodProblem(SiteReason.CONTAINER_FAILING, message)
    code = terminated.get("exitCode", "unknown")
    if code == _REFUSED_BY_ENTRY_POINT and terminated.get("message"):
        message = f"The container {name} does not start: {terminated['message']}."
        return PodProblem(SiteReason.CONTAINER_FAILING, message)
    message = f"The container {name} stopped with exit code {code} and is started again; its log says why."
    return PodProblem(SiteReason.CONTAINER_FAILING, message)
