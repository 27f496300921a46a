"""The API server goes away, fails or is slow: nobody hammers it, and nothing is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from crowd import Crowd
from fault_proxy import FaultProxy
from fault_rules import WRITES, Cut, Delay, Fault, Refusal, Rule

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("installed_crds", "own_cluster")]

Whole = Callable[[], Awaitable[None]]

SITES = 40
OUTAGE_SECONDS = 6.0
# What was asked for in the second half of an outage, in one second. Each of about fifteen watches and the
# Lease come once every few seconds by then, and one reconcile tries its luck: some ten requests a second were
# seen. Thirty Sites and their Domains, each of which tried on its own, asked for nearly a hundred.
MOST_REQUESTS_A_SECOND = 75.0


async def test_an_outage_costs_few_requests_and_no_change(
    crowd: Crowd, operator: Any, proxy: FaultProxy, whole: Whole, until: Any
) -> None:
    names = [f"s{number:02}" for number in range(SITES)]
    async with operator():
        await asyncio.to_thread(crowd.create, names)
        await whole()
        before = crowd.uids()
        started = time.monotonic()
        with proxy.rules.during(Rule(Cut())):
            proxy.hang_up()
            await asyncio.to_thread(live_on, crowd, names)
            await until(lambda: time.monotonic() - started > OUTAGE_SECONDS, "the outage has lasted")
            ended = time.monotonic()
        await whole()
    rate = requests_between(proxy, (started + ended) / 2, ended) / (ended - started) * 2
    print(f"\n{rate:.1f} requests a second, late in an outage")  # noqa: T201
    assert rate <= MOST_REQUESTS_A_SECOND
    after = crowd.uids()
    assert {key: after.get(key) for key in before if key != ("Service", names[3])} == {
        key: uid for key, uid in before.items() if key != ("Service", names[3])
    }
    assert after["Service", names[3]] != before["Service", names[3]]
    assert deployed_env(crowd, names[1]) == {"COLOUR": "blue"}


async def test_an_outage_in_the_middle_of_a_burst(
    crowd: Crowd, operator: Any, proxy: FaultProxy, whole: Whole, until: Any
) -> None:
    async with operator():
        creating = asyncio.create_task(
            asyncio.to_thread(crowd.create, [f"s{number:02}" for number in range(SITES)])
        )
        await until(lambda: len(proxy.exchanges(WRITES)) > SITES, "the burst is under way")
        started = time.monotonic()
        with proxy.rules.during(Rule(Cut())):
            proxy.hang_up()
            await until(lambda: time.monotonic() - started > OUTAGE_SECONDS, "the outage has lasted")
            ended = time.monotonic()
        await creating
        await whole()
    rate = requests_between(proxy, (started + ended) / 2, ended) / (ended - started) * 2
    print(f"\n{rate:.1f} requests a second, late in an outage in a burst")  # noqa: T201
    assert rate <= MOST_REQUESTS_A_SECOND
    assert crowd.leftovers() == []


def live_on(crowd: Crowd, names: list[str]) -> None:
    """Let people and foreign hands do what they do, while the operator sees nothing of it."""
    crowd.edit(names[1], {"env": [{"name": "COLOUR", "value": "blue"}]})
    crowd.delete_owned("Service", names[3])
    crowd.create(["born-in-the-dark"])
    crowd.delete(names[2])
    crowd.sites.remove(names[2])


def requests_between(proxy: FaultProxy, start: float, end: float) -> int:
    return sum(start <= exchange.arrived_at < end for exchange in proxy.exchanges())


def deployed_env(crowd: Crowd, site: str) -> dict[str, str]:
    (container,) = crowd.owned_object("Deployment", site)["spec"]["template"]["spec"]["containers"]
    return {item["name"]: item["value"] for item in container["env"] if item["name"] == "COLOUR"}


REFUSALS = [Refusal(500), Refusal(503), Refusal(504)]
CUTS = [Cut(), Cut(after_forwarding=True)]


@pytest.mark.parametrize("faults", [REFUSALS, CUTS], ids=["refused", "cut-off"])
async def test_writes_fail_again_and_again(
    crowd: Crowd, operator: Any, proxy: FaultProxy, whole: Whole, faults: list[Fault]
) -> None:
    rules = [Rule(fault, verbs=WRITES, namespace=crowd.namespace, every=7) for fault in faults]
    with proxy.rules.during(*rules):
        async with operator():
            await asyncio.to_thread(crowd.create, [f"s{number}" for number in range(8)])
            await whole()
    assert {exchange.fault for exchange in proxy.exchanges()} >= set(faults)
    assert crowd.leftovers() == []


async def test_the_server_is_slow(crowd: Crowd, operator: Any, proxy: FaultProxy, whole: Whole) -> None:
    with proxy.rules.during(Rule(Delay(0.3), verbs=WRITES), Rule(Delay(0.1))):
        async with operator():
            await asyncio.to_thread(crowd.create, [f"s{number}" for number in range(8)])
            await whole()
    assert crowd.leftovers() == []


async def test_an_operator_that_starts_in_an_outage_works_after_it(
    crowd: Crowd, operator: Any, proxy: FaultProxy, whole: Whole, until: Any
) -> None:
    await asyncio.to_thread(crowd.create, ["shop"])
    outage = Rule(Cut())
    proxy.rules.add(outage)

    async def end_outage() -> None:
        await until(lambda: len(proxy.exchanges()) > 30, "it tried")
        proxy.rules.remove(outage)

    ending = asyncio.create_task(end_outage())
    async with operator():
        await whole()
    await ending
