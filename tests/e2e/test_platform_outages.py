"""Sites do not depend on the platform, and the platform changes nothing when it comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

PLATFORM = "frankenpanel-system"
OWNED = "deployments,services,serviceaccounts,configmaps,networkpolicies,jobs,persistentvolumeclaims"
OPERATOR = "deployment/frankenpanel-operator"


@pytest.fixture
def without_operator(cluster: Any) -> Iterator[Callable[[], None]]:
    """Stop the operator for the test; the yielded function brings it back and waits."""

    def bring_back() -> None:
        cluster.kubectl("scale", OPERATOR, "-n", PLATFORM, "--replicas=2")
        cluster.kubectl("rollout", "status", OPERATOR, "-n", PLATFORM, "--timeout=120s")

    cluster.kubectl("scale", OPERATOR, "-n", PLATFORM, "--replicas=0")
    cluster.kubectl(
        "wait",
        "--for=delete",
        "pod",
        "-n",
        PLATFORM,
        "-l",
        "app.kubernetes.io/name=frankenpanel-operator",
        "--timeout=60s",
    )
    yield bring_back
    bring_back()


def versions(cluster: Any, namespace: str) -> dict[str, tuple[str, str]]:
    """Every owned object and the Site itself, with uid and resourceVersion."""
    objects = [
        o for o in cluster.list(OWNED, namespace) if "frankenpanel.io/site" in o["metadata"].get("labels", {})
    ]
    objects += cluster.list("sites,domains", namespace)
    return {
        f"{o['kind']}/{o['metadata']['name']}": (o["metadata"]["uid"], o["metadata"]["resourceVersion"])
        for o in objects
    }


def test_site_answers_without_operator_also_after_the_gateway_restarted_and_nothing_is_written_on_return(
    cluster: Any,
    visitor: Any,
    without_operator: Callable[[], None],
    eventually: Callable[..., Any],
    open_gateway: Callable[[], tuple[str, int]],
) -> None:
    before = versions(cluster, "demo")
    assert len(before) >= 7
    assert visitor.get("http://shop.localhost/").status == 200
    cluster.kubectl("rollout", "restart", "deployment/frankenpanel-gateway", "-n", PLATFORM)
    cluster.kubectl("rollout", "status", "deployment/frankenpanel-gateway", "-n", PLATFORM, "--timeout=120s")
    # The port-forward died with the old gateway pod.
    visitor.address = open_gateway()
    eventually(
        lambda: visitor.get("http://shop.localhost/").status == 200, seconds=30, what="the new gateway routes"
    )
    without_operator()
    writes = eventually(lambda: operator_writes(cluster), seconds=60, what="the operator has caught up")
    assert versions(cluster, "demo") == before
    print(f"\nwrites of the returned operator: {writes or 'none'}")


def operator_writes(cluster: Any) -> dict[str, float] | None:
    """The operator's own count of API writes by verb and kind, once it has reconciled; None before that."""
    text = cluster.kubectl(
        "get",
        "--raw",
        f"/api/v1/namespaces/{PLATFORM}/services/frankenpanel-operator:metrics/proxy/metrics",
        check=False,
    )
    samples = dict(
        line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#") and " " in line
    )
    reconciled = sum(
        float(value)
        for name, value in samples.items()
        if name.startswith("frankenpanel_reconcile_duration_seconds_count")
    )
    if not reconciled:
        return None
    return {
        name: float(value)
        for name, value in samples.items()
        if name.startswith("frankenpanel_api_requests_total{")
        and any(f'verb="{verb}"' in name for verb in ("create", "patch", "delete"))
    } or {"none": 0}
