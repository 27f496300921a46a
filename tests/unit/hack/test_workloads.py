from typing import Any

import pytest
from frankenpanel_hack.workloads import container_troubles, is_ready_or_over, is_rolled_out

NEW = {"observedGeneration": 3, "updatedReplicas": 1, "readyReplicas": 1, "replicas": 1}


def workload(kind: str = "Deployment", **status: int) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"generation": 3}, "spec": {"replicas": 1}, "status": status}


@pytest.mark.parametrize(
    ("changes", "rolled_out"),
    [
        ({}, True),
        ({"observedGeneration": 2}, False),
        ({"updatedReplicas": 0}, False),
        ({"readyReplicas": 0}, False),
        ({"replicas": 2}, False),
    ],
    ids=["all new", "not seen yet", "old pods only", "not ready", "an old pod is left"],
)
def test_a_rollout_is_over_when_only_new_pods_are_there_and_ready(
    changes: dict[str, int], rolled_out: bool
) -> None:
    assert is_rolled_out(workload(**{**NEW, **changes})) is rolled_out


def test_a_daemon_set_counts_nodes() -> None:
    counts = {"observedGeneration": 3, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2}
    assert not is_rolled_out(workload("DaemonSet", **counts, numberReady=1))
    assert is_rolled_out(workload("DaemonSet", **counts, numberReady=2))


def test_a_container_that_waits_tells_why() -> None:
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 10s"}
    statuses = [
        {"name": "caddy", "state": {"waiting": waiting}},
        {"name": "agent", "state": {"running": {}}},
        {"name": "new", "state": {"waiting": {"reason": "ContainerCreating"}}},
    ]
    pod = {"metadata": {"name": "gateway-1"}, "status": {"containerStatuses": statuses}}
    assert container_troubles([pod]) == [("gateway-1", "caddy", "CrashLoopBackOff: back-off 10s")]


def conditions(ready: str) -> dict[str, Any]:
    return {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]}


@pytest.mark.parametrize(
    ("pod", "settled"),
    [
        ({"metadata": {}, "status": conditions("True")}, True),
        ({"metadata": {}, "status": conditions("False")}, False),
        ({"metadata": {}}, False),
        ({"metadata": {"deletionTimestamp": "now"}, "status": conditions("False")}, True),
        ({"metadata": {}, "status": {"phase": "Succeeded"}}, True),
    ],
    ids=["ready", "not ready", "new", "leaving", "over"],
)
def test_pods_count_while_they_are_part_of_a_workload(pod: dict[str, Any], settled: bool) -> None:
    assert is_ready_or_over(pod) is settled
