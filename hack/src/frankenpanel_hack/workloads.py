"""Wait for workloads, and say in the pods' own words why one does not become ready."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from frankenpanel_hack.images.commands import CommandFailedError, OnOutput
from frankenpanel_hack.kubectl import Kubectl
from frankenpanel_hack.polling import DeadlineError, wait_until

Manifest = dict[str, Any]
_KINDS = "deployments,statefulsets,daemonsets,pods"
_LOG_LINES = 15


def wait_for_workloads(kubectl: Kubectl, namespace: str, timeout_seconds: float, on_output: OnOutput) -> None:
    """Wait until every workload of a namespace has rolled out.

    Raises:
        DeadlineError: after the last log lines of each container that does not run were printed.
    """
    try:
        wait_until("workloads", lambda: missing_workloads(kubectl, namespace), timeout_seconds, on_output)
    except DeadlineError:
        _print_logs(kubectl, namespace, on_output)
        raise


def missing_workloads(kubectl: Kubectl, namespace: str) -> str | None:
    """Return what has not rolled out, and why as far as pods say it; None when everything has."""
    found = kubectl.json("get", _KINDS, f"--namespace={namespace}")["items"]
    pods = [item for item in found if item["kind"] == "Pod"]
    names = [item["metadata"]["name"] for item in found if item["kind"] != "Pod" and not is_rolled_out(item)]
    # After a crash the controllers' counts are older than what kubelet says of the pods.
    names += [pod["metadata"]["name"] for pod in pods if not is_ready_or_over(pod)]
    troubles = [f"{pod} {container}: {why}" for pod, container, why in container_troubles(pods)]
    return ", ".join([*names, *troubles]) if names else None


def is_rolled_out(workload: Manifest) -> bool:
    """Tell whether all pods of a workload are of its newest kind and ready."""
    status = workload.get("status", {})
    if status.get("observedGeneration", 0) < workload["metadata"]["generation"]:
        return False
    if workload["kind"] == "DaemonSet":
        wanted = status.get("desiredNumberScheduled", 0)
        return bool(
            status.get("updatedNumberScheduled", 0) >= wanted and status.get("numberReady", 0) >= wanted
        )
    wanted = workload["spec"].get("replicas", 1)
    counts = (status.get("updatedReplicas", 0), status.get("readyReplicas", 0))
    # Pods of the former kind that are still there may still be the ones that answer.
    return bool(min(counts) >= wanted and status.get("replicas", 0) <= wanted)


def is_ready_or_over(pod: Manifest) -> bool:
    """Tell whether a pod is ready, or is no part of a workload any more."""
    if "deletionTimestamp" in pod["metadata"] or pod.get("status", {}).get("phase") in {
        "Succeeded",
        "Failed",
    }:
        return True
    return any(
        c["type"] == "Ready" and c["status"] == "True" for c in pod.get("status", {}).get("conditions", ())
    )


def container_troubles(pods: Iterable[Manifest]) -> list[tuple[str, str, str]]:
    """Return pod, container and reason of every container that waits because something is wrong."""
    found = []
    for pod in pods:
        status = pod.get("status", {})
        for container in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
            waiting = container.get("state", {}).get("waiting", {})
            if waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
                why = ": ".join(filter(None, (waiting["reason"], waiting.get("message"))))
                found.append((pod["metadata"]["name"], container["name"], why))
    return found


def _troubles(kubectl: Kubectl, namespace: str) -> list[tuple[str, str, str]]:
    return container_troubles(kubectl.json("get", "pods", f"--namespace={namespace}")["items"])


def _print_logs(kubectl: Kubectl, namespace: str, on_output: OnOutput) -> None:
    for pod, container, why in _troubles(kubectl, namespace):
        on_output(f"--- {pod}, container {container}: {why}")
        for flag in ("--previous", "--previous=false"):
            try:
                log = kubectl.text(
                    "logs", pod, container, f"--namespace={namespace}", f"--tail={_LOG_LINES}", flag
                )
            except CommandFailedError:
                continue
            for line in log.splitlines():
                on_output(line)
            break
