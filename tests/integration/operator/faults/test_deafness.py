"""Watches that all stand and hear nothing: only a write of the operator's own finds that out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from crowd import Crowd
from fault_proxy import FaultProxy
from fault_rules import Rule, Silence
from frankenpanel_operator.cluster import canary

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("installed_crds", "own_cluster")]

Whole = Callable[[], Awaitable[None]]


async def test_a_deaf_operator_notices_says_so_and_hears_again(
    crowd: Crowd,
    operator: Any,
    proxy: FaultProxy,
    whole: Whole,
    until: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(canary, "PATIENCE_SECONDS", 3.0)
    async with operator(canary_seconds=1) as runtime:
        await asyncio.to_thread(crowd.create, ["shop"])
        await whole()
        assert runtime.health.dead_parts() == []
        with proxy.rules.during(Rule(Silence())):
            crowd.delete_owned("Service", "shop")
            await until(runtime.health.dead_parts, "not even new watches hear, and liveness says so")
        # The watches that stand stay deaf: whoever hears has replaced them.
        await whole()
        await until(lambda: not runtime.health.dead_parts(), "it is alive again")
