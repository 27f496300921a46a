"""Watches that expire, break or fall silent: what happened meanwhile is found nevertheless."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from crowd import Crowd
from fault_proxy import FaultProxy
from fault_rules import WATCHES, Cut, Refusal, Rule, Silence
from frankenpanel_operator.handlers import runtime

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("installed_crds", "own_cluster")]

Whole = Callable[[], Awaitable[None]]
EXPIRED = Refusal(410)


@pytest.mark.parametrize("told", ["in-the-stream", "by-the-status"])
async def test_what_vanished_before_a_410_is_found_by_the_next_list(
    crowd: Crowd, operator: Any, proxy: FaultProxy, whole: Whole, until: Any, told: str
) -> None:
    async with operator():
        await asyncio.to_thread(crowd.create, ["shop", "blog"])
        await whole()
        kinds = proxy.watched_plurals()
        proxy.forget()
        # The watches break and cannot come back while a foreign hand takes something away.
        with proxy.rules.during(Rule(Cut(), verbs=WATCHES)):
            proxy.end_watches()
            crowd.delete_owned("Service", "shop")
            crowd.edit("blog", {"env": [{"name": "COLOUR", "value": "blue"}]})
            rules = [Rule(EXPIRED, WATCHES, frozenset({kind}), times=1) for kind in kinds]
            if told == "by-the-status":
                for rule in rules:
                    proxy.rules.add(rule)
        if told == "in-the-stream":
            await until(lambda: proxy.watched_plurals() >= kinds, "they stand again")
            proxy.end_watches(saying=EXPIRED)
        await whole()
        await until(lambda: proxy.watched_plurals() >= kinds, "they stand at last")
    assert crowd.leftovers() == []


async def test_a_silent_watch_is_found_out_by_its_lack_of_bookmarks(
    crowd: Crowd, operator: Any, proxy: FaultProxy, whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server sends its bookmarks once a minute, so every quiet watch is replaced all the time here.
    limits_of = runtime._client_limits
    impatient = {"watch_silence_seconds": 2.0}
    monkeypatch.setattr(
        runtime, "_client_limits", lambda settings: dataclasses.replace(limits_of(settings), **impatient)
    )
    async with operator(canary_seconds=3600):
        await asyncio.to_thread(crowd.create, ["shop"])
        await whole()
        with proxy.rules.during(Rule(Silence(), plurals=frozenset({"services"}))):
            crowd.delete_owned("Service", "shop")
            await asyncio.to_thread(crowd.create, ["seen-by-other-watches"])
        await whole()
