"""Somebody else writes the same objects at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest
from crowd import Crowd
from fault_proxy import FaultProxy
from fault_rules import ApiRequest, Interference, Refusal, Rule

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("installed_crds", "own_cluster")]

Whole = Callable[[], Awaitable[None]]
PATCH = frozenset({"patch"})
KIND_OF = {"deployments": "Deployment", "services": "Service", "configmaps": "ConfigMap"}


async def test_a_foreign_writer_is_always_faster(
    crowd: Crowd, operator: Any, proxy: FaultProxy, whole: Whole, until: Any
) -> None:
    """Each time the operator patches an object, somebody has changed it in that very moment."""
    written: list[str] = []

    def write_first(request: ApiRequest) -> None:
        written.append(request.name)
        mark = {"metadata": {"annotations": {"example.com/mark": str(len(written))}}}
        crowd.edit_owned(KIND_OF[request.plural], request.name, mark)

    storm = Rule(
        Interference(write_first), PATCH, frozenset(KIND_OF), crowd.namespace, times=5, per_object=True
    )
    names = [f"s{number}" for number in range(4)]
    async with operator():
        await asyncio.to_thread(crowd.create, names)
        await whole()
        with proxy.rules.during(storm):
            for name in names:
                crowd.edit(name, {"env": [{"name": "COLOUR", "value": "blue"}]})
                crowd.edit_owned("Service", name, {"spec": {"ports": [{"name": "http", "port": 81}]}})
            await until(lambda: all(is_repaired(crowd, name) for name in names), "all is repaired")
            await whole()
    assert written
    marks = crowd.owned_object("Service", names[0])["metadata"]["annotations"]
    assert "example.com/mark" in marks, "what a foreign hand adds beside ours stays"


def is_repaired(crowd: Crowd, name: str) -> bool:
    (container,) = crowd.owned_object("Deployment", name)["spec"]["template"]["spec"]["containers"]
    (port,) = crowd.owned_object("Service", name)["spec"]["ports"]
    return {"name": "COLOUR", "value": "blue"} in container["env"] and port["port"] != 81


async def test_a_conflict_that_never_ends_is_no_busy_loop(
    crowd: Crowd, operator: Any, proxy: FaultProxy, whole: Whole, until: Any
) -> None:
    storm = Rule(Refusal(409), PATCH, frozenset({"deployments"}), crowd.namespace)
    # A term that ends on a slow machine would begin the backoff anew.
    async with operator(backoff_base_seconds=0.2, leader_election=False):
        await asyncio.to_thread(crowd.create, ["shop"])
        await whole()
        proxy.forget()
        with proxy.rules.during(storm):
            crowd.edit("shop", {"env": [{"name": "COLOUR", "value": "blue"}]})
            await until(lambda: len(proxy.exchanges(PATCH, ["deployments"])) >= 5, "five attempts")
            attempts = [exchange.arrived_at for exchange in proxy.exchanges(PATCH, ["deployments"])[:5]]
        await until(lambda: is_repaired(crowd, "shop"), "the storm is over")
    # The second comes at once; every later one waits for twice the pause of the one before.
    pauses = [later - earlier for earlier, later in pairwise(attempts)]
    assert pauses[-1] >= 0.8, pauses
