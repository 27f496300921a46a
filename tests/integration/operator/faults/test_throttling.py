"""An API server that says "not now": Retry-After is a lower bound, for lists and for writes."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import pytest
from crowd import Crowd
from fault_proxy import Exchange, FaultProxy
from fault_rules import LISTINGS, WRITES, Refusal, Rule

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("installed_crds", "own_cluster")]

Whole = Callable[[], Awaitable[None]]
RETRY_AFTER_SECONDS = 1
# Our clock begins when the answer is about to be sent, the operator's when it has come, so it waits longer
# than we can see; only the clocks' own resolution remains.
RESOLUTION_SECONDS = 0.05

TOO_MANY = Refusal(429, retry_after=RETRY_AFTER_SECONDS)


async def test_no_write_is_tried_again_before_its_time(
    crowd: Crowd, operator: Any, proxy: FaultProxy, whole: Whole
) -> None:
    # Each rest is everybody's, so the first write to a few kinds must do.
    plurals = frozenset({"domains", "services", "deployments"})
    rule = Rule(TOO_MANY, WRITES, plurals, crowd.namespace, times=1, per_object=True)
    async with operator(leader_election=False):
        await asyncio.to_thread(crowd.create, [f"s{number}" for number in range(2)])
        with proxy.rules.during(rule):
            await whole()
    refused = [exchange for exchange in proxy.exchanges(WRITES) if exchange.fault == TOO_MANY]
    assert refused
    assert hasty(proxy.exchanges(WRITES), about=lambda exchange: exchange.request.object_id) == []
    assert crowd.leftovers() == []


async def test_no_list_is_tried_again_before_its_time(
    crowd: Crowd, operator: Any, proxy: FaultProxy, whole: Whole
) -> None:
    await asyncio.to_thread(crowd.create, ["shop"])
    rules = [
        Rule(TOO_MANY, verbs=LISTINGS, plurals=frozenset({plural}), times=1)
        for plural in ("sites", "configmaps", "pods")
    ]
    with proxy.rules.during(*rules):
        async with operator():
            await whole()
    lists = proxy.exchanges(LISTINGS)
    assert sum(exchange.fault == TOO_MANY for exchange in lists) == len(rules)
    assert hasty(lists, about=lambda exchange: exchange.request.plural) == []


def hasty(exchanges: Iterable[Exchange], about: Callable[[Exchange], object]) -> list[str]:
    """Return the requests that came again too early after one about the same was refused."""
    not_before: defaultdict[object, float] = defaultdict(float)
    found = []
    for exchange in exchanges:
        early_by = not_before[about(exchange)] - exchange.arrived_at
        if early_by > RESOLUTION_SECONDS:
            found.append(f"{exchange.request}: {early_by:.2f} s too early")
        if exchange.fault == TOO_MANY:
            not_before[about(exchange)] = exchange.answered_at + RETRY_AFTER_SECONDS
    return found
