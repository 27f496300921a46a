"""A database server that goes away and comes back, in the middle of what Sites do."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("controllers")]

# The longest pause between two looks at a server that is down, several times over.
RECOVERY_SECONDS = 60.0


async def test_a_new_site_waits_for_its_database_and_for_nothing_else(
    installation: Any, operator: Any, until: Any, settled: Any, process: Any
) -> None:
    process.kill()
    async with operator() as running:
        installation.create_site("shop")
        reason = "False DatabaseServerUnreachable"
        await until(lambda: installation.condition("shop", "DatabaseReady") == reason, "it is told")
        await until(lambda: installation.child("Service", "shop"), "the rest is prepared")
        assert installation.child("Job", "shop") is None
        process.start()
        seconds = await until(
            lambda: installation.condition("shop", "DatabaseReady") == "True Provisioned",
            "the database is made",
            RECOVERY_SECONDS,
        )
        print(f"\na new Site had its database {seconds:.1f} s after the server was back")  # noqa: T201
        await settled(running, "shop")
        assert len(installation.database.databases()) == 1


async def test_a_running_site_is_left_alone(
    installation: Any, operator: Any, until: Any, settled: Any, process: Any
) -> None:
    async with operator() as running:
        installation.create_site("shop")
        await settled(running, "shop")
    before = installation.child("Deployment", "shop")
    process.kill()
    async with operator() as running:
        reason = "False DatabaseServerUnreachable"
        await until(lambda: installation.condition("shop", "DatabaseReady") == reason, "it is told")
        await until(running.is_idle, "the pass is over")
        assert installation.child("Deployment", "shop") == before
        assert set(running.counts()) == {"patch Site/status"}
        process.start()
        await until(lambda: installation.condition("shop", "Ready") == "True Ready", "it is well again")
        assert installation.child("Deployment", "shop") == before


async def test_a_deletion_waits_for_the_server(
    installation: Any, operator: Any, until: Any, settled: Any, process: Any
) -> None:
    async with operator() as running:
        installation.create_site("shop", deletion={"data": "Delete"})
        await settled(running, "shop")
        process.kill()
        installation.delete_site("shop")
        await until(lambda: installation.condition("shop", "Ready") == "False Deleting", "it is told")
        volume = installation.child("PersistentVolumeClaim", "shop")
        assert "deletionTimestamp" not in volume["metadata"]
        process.start()
        seconds = await until(lambda: installation.is_gone("shop"), "the Site is gone", RECOVERY_SECONDS)
        print(f"\na deleted Site went {seconds:.1f} s after the server was back")  # noqa: T201
        assert installation.database.databases() == set()
