"""Sites that fail for ever, beside good ones: they cost next to nothing, and nobody waits for them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from crowd import Crowd
from fault_proxy import FaultProxy
from fault_rules import Refusal, Rule

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("installed_crds", "own_cluster")]

Whole = Callable[[], Awaitable[None]]
GOOD = [f"good{number:02}" for number in range(10)]
FORBIDDEN = [f"forbidden{number:02}" for number in range(30)]
UNJUDGED = [f"unjudged{number:02}" for number in range(30)]
BAD = [*FORBIDDEN, *UNJUDGED]
DEPLOYMENTS = frozenset({"deployments"})

QUOTA = Refusal(403, "Forbidden", message="deployments is forbidden: exceeded quota")
WEBHOOK = Refusal(
    500,
    "InternalError",
    message='Internal error occurred: failed calling webhook "images.example.com": no endpoints available',
)
# The first pass, and passes that its own writes lead to; a handful was seen. One attempt per try of a
# backoff that does not end, or per event of others, would be hundreds.
MOST_ATTEMPTS = 25


async def test_hopeless_sites_cost_little_and_delay_nobody(
    crowd: Crowd, operator: Any, proxy: FaultProxy, until: Any, eventually: Any
) -> None:
    rules = [
        Rule(QUOTA, frozenset({"create"}), DEPLOYMENTS, crowd.namespace, name="forbidden*"),
        Rule(WEBHOOK, frozenset({"create"}), DEPLOYMENTS, crowd.namespace, name="unjudged*"),
    ]
    # Half an hour between two attempts: whoever tries more often does so for no good reason.
    pauses = {"refused_retry_seconds": 1800, "backoff_base_seconds": 60, "backoff_cap_seconds": 1800}
    async with operator(**pauses, leader_election=False) as runtime:
        alone = await seconds_until_whole(crowd, until, "alone", GOOD)
        with proxy.rules.during(*rules):
            await asyncio.to_thread(crowd.create, BAD)
            await until(lambda: attempts(proxy).keys() == set(BAD), "each has failed")
            await until(lambda: told(crowd, BAD), "each says so")
            await eventually(runtime.queue.is_idle, "what they cost at first is paid", 90)
            beside = await seconds_until_whole(crowd, until, "beside", GOOD)
    print(f"\n{len(GOOD)} good Sites: alone {alone:.2f} s, beside {len(BAD)} hopeless ones {beside:.2f} s")  # noqa: T201
    print(f"attempts per hopeless Site: {sorted(Counter(attempts(proxy).values()).items())}")  # noqa: T201
    assert max(attempts(proxy).values()) <= MOST_ATTEMPTS


def attempts(proxy: FaultProxy) -> Counter[str]:
    """Return how often each hopeless Site was tried."""
    exchanges = proxy.exchanges(["create"], DEPLOYMENTS)
    return Counter(item.request.name for item in exchanges if item.fault is not None)


def told(crowd: Crowd, names: list[str]) -> bool:
    """Say whether the status of each Site tells that it is not what it should be."""
    found = crowd.all_conditions()
    return all(found[name].get("Ready", "").startswith("False") for name in names)


async def seconds_until_whole(crowd: Crowd, until: Any, prefix: str, names: list[str]) -> float:
    """Create good Sites; return how long it took until all were whole."""
    good = [f"{prefix}-{name}" for name in names]
    started = time.monotonic()
    await asyncio.to_thread(crowd.create, good)
    await until(lambda: not crowd.unfinished(good), "the good ones are whole")
    return time.monotonic() - started
