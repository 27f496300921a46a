"""The periodic look at a database server."""

from __future__ import annotations

from typing import Any

from frankenpanel_operator.errors import DatabaseUnavailableError
from frankenpanel_operator.reconcilers.database_server import (
    PROBE_INTERVAL_SECONDS,
    PROBE_INTERVAL_WHEN_DOWN_SECONDS,
)

SERVER = ("DatabaseServer", "embedded")


async def test_a_server_that_answers_is_looked_at_now_and_then(world: Any) -> None:
    outcome = await world.reconcile(*SERVER)
    assert outcome.requeue_after_seconds == PROBE_INTERVAL_SECONDS
    assert world.status(*SERVER)["version"] == "11.8.2-MariaDB"
    assert world.reasons(*SERVER) == {"Ready": "True Ready", "Reachable": "True Reachable"}


async def test_nothing_is_written_while_nothing_changes(world: Any) -> None:
    await world.reconcile(*SERVER)
    assert await world.writes_of(*SERVER) == []
    assert world.databases.calls == ["probe", "probe"]


async def test_a_server_that_is_down_is_looked_at_more_often(world: Any) -> None:
    await world.reconcile(*SERVER)
    world.databases.error = DatabaseUnavailableError("no route to 10.1.2.3")
    outcome = await world.reconcile(*SERVER)
    assert outcome.requeue_after_seconds == PROBE_INTERVAL_WHEN_DOWN_SECONDS
    assert world.reasons(*SERVER)["Ready"] == "False Unreachable"
    assert world.status(*SERVER)["version"] == "11.8.2-MariaDB", "the last known version stays"
    assert await world.writes_of(*SERVER) == []


async def test_an_upgrade_is_noticed(world: Any) -> None:
    await world.reconcile(*SERVER)
    world.databases.version = "12.0.1-MariaDB"
    assert [write.verb for write in await world.writes_of(*SERVER)] == ["status"]


async def test_a_server_that_is_gone_is_not_looked_at_again(world: Any) -> None:
    outcome = await world.reconcile("DatabaseServer", "gone")
    assert outcome.requeue_after_seconds is None
    assert world.databases.calls == []
