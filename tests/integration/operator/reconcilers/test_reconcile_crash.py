"""The operator dies after each of its writes in turn; the next one finishes what it began."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pymysql
import pytest
from frankenpanel_operator import naming
from frankenpanel_operator.cluster.platform_secrets import PLATFORM_KEY_SECRET

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("controllers"), pytest.mark.timeout(600)]

# More writes than any of these stories has; whoever gets here goes round in circles.
MOST_WRITES = 60


@pytest.fixture
def die_at_each_write(operator: Any, until: Any) -> Callable[..., AsyncIterator[str]]:
    """Return a function that yields Sites whose operator died after one more write each time.

    `begin` prepares the n-th Site; `is_done` says that its story ended before the operator did.
    """

    async def run(
        begin: Callable[[int], Awaitable[str]], is_done: Callable[[str], bool]
    ) -> AsyncIterator[str]:
        for position in range(1, MOST_WRITES):
            site = await begin(position)
            async with operator(die_after=position) as running:

                def has_ended(running: Any = running, site: str = site) -> bool:
                    return running.is_dead.is_set() or (is_done(site) and running.is_idle())

                await until(has_ended, f"write {position} or the end")
            if not running.is_dead.is_set():
                print(f"\n{position - 1} positions")  # noqa: T201
                return
            yield site
        raise AssertionError(f"not done after {MOST_WRITES} writes")

    return run


async def test_a_new_site_is_finished_wherever_its_operator_died(
    installation: Any, operator: Any, settled: Any, die_at_each_write: Any
) -> None:
    async def begin(position: int) -> str:
        return await asyncio.to_thread(create, installation, f"shop{position:02}")

    async with operator() as running:
        create(installation, "paragon")
        await settled(running, "paragon", installation.serves)
    paragon = installation.end_state("paragon")

    async for site in die_at_each_write(begin, installation.serves):
        databases, secrets = installation.database.databases(), installation.values_of_secrets(site)
        async with operator() as running:
            await settled(running, site, installation.serves)
        assert installation.end_state(site) == paragon
        now = installation.values_of_secrets(site)
        assert {name: now[name].get("password") for name in secrets} == {
            name: values.get("password") for name, values in secrets.items()
        }
        await check_database(installation, site)
        others = installation.database.databases() - databases
        assert others <= {database_of(installation, site)}


@pytest.mark.parametrize("data", ["Retain", "Delete"])
async def test_a_deletion_is_finished_wherever_its_operator_died(
    installation: Any, operator: Any, settled: Any, die_at_each_write: Any, data: str
) -> None:
    async def begin(position: int) -> str:
        site = f"shop{position:02}"
        async with operator() as running:
            installation.create_site(site, deletion={"data": data})
            await settled(running, site)
        installation.delete_site(site)
        return site

    async for site in die_at_each_write(begin, installation.is_gone):
        async with operator() as running:
            await settled(running, site, installation.is_gone)
        check_left_over(installation, site, data)


async def test_the_platform_key_is_made_once(installation: Any, operator: Any, settled: Any) -> None:
    path = f"/api/v1/namespaces/{installation.platform}/secrets/{PLATFORM_KEY_SECRET}"
    async with operator() as running:
        installation.create_site("shop")
        await settled(running, "shop")
    key = installation.api.request("GET", path).body["data"]
    async with operator():
        assert installation.api.request("GET", path).body["data"] == key


async def test_a_database_without_a_status_goes_with_its_site(
    installation: Any, operator: Any, until: Any
) -> None:
    """The operator died before it wrote where the database is, and the Site was deleted meanwhile."""
    installation.create_site("shop", deletion={"data": "Delete"})
    # The finalizer is the first write; the first object follows only when the database stands.
    async with operator(die_after=2) as running:
        await until(running.is_dead.is_set, "the second write")
    assert len(installation.database.databases()) == 1
    installation.delete_site("shop")
    async with operator() as running:
        await until(lambda: installation.is_gone("shop"), "the Site is gone")
    assert installation.database.databases() == set()


def create(installation: Any, site: str) -> str:
    installation.create_site(site)
    installation.create_domain(site)
    return site


def database_of(installation: Any, site: str) -> str:
    return naming.database_name(naming.data_id(installation.site(site)["metadata"]["uid"]))


async def check_database(installation: Any, site: str) -> None:
    """Sign in with what the Site's Secret says, and find exactly this Site's database."""
    secrets = installation.values_of_secrets(site)
    (values,) = (item for name, item in secrets.items() if "-database-" in name)
    options = {"host": values["host"], "port": int(values["port"]), "user": values["username"]}
    with (
        pymysql.connect(**options, password=values["password"]) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SHOW DATABASES LIKE 'fp%'")
        assert cursor.fetchall() == ((database_of(installation, site),),)


def check_left_over(installation: Any, site: str, data: str) -> None:
    """See what is kept, or nothing; what the garbage collector takes is not looked at."""
    kept = [
        metadata["labels"]["frankenpanel.io/retained"]
        for metadata in (item["metadata"] for item in installation.children(site))
        if "ownerReferences" not in metadata and "deletionTimestamp" not in metadata
    ]
    names = installation.database.databases()
    rows = [row for name in names if (row := installation.database.row(name)) and row["site_name"] == site]
    assert kept == (["true", "true"] if data == "Retain" else [])
    assert [row["retained_at"] is not None for row in rows] == ([True] if data == "Retain" else [])
