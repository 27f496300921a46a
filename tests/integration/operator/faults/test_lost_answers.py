"""Writes that are carried out while their answer is lost: nothing is made twice, and no Secret anew."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pymysql
import pytest
from database_servers import ServerUnderTest
from fault_proxy import FaultProxy
from fault_rules import WRITES, Cut, Rule
from frankenpanel_operator import naming
from installation import Installation

pytestmark = [
    pytest.mark.integration,
    pytest.mark.usefixtures("installed_crds", "own_cluster", "controllers"),
]
LOST = Cut(after_forwarding=True)


async def test_the_first_answer_about_every_object_is_lost(
    installation: Installation, servers: list[ServerUnderTest], operator: Any, proxy: FaultProxy, until: Any
) -> None:
    rule = Rule(LOST, WRITES, namespace=installation.tenant, times=1, per_object=True)
    async with operator():
        installation.create_site("paragon")
        installation.create_domain("paragon")
        await until(lambda: installation.serves("paragon"), "all is well without a fault")
        with proxy.rules.during(rule):
            installation.create_site("shop")
            installation.create_domain("shop")
            await until(lambda: installation.serves("shop"), "all is well in the end")
    lost = Counter(item.request.plural for item in proxy.exchanges(WRITES) if item.fault == LOST)
    assert lost.keys() >= {"sites", "domains", "secrets", "configmaps", "jobs", "deployments", "services"}
    assert installation.end_state("shop") == installation.end_state("paragon")
    database = naming.database_name(naming.data_id(installation.site("shop")["metadata"]["uid"]))
    assert len(servers[0].databases()) == 2
    assert await asyncio.to_thread(databases_seen_by, installation, "shop") == [database]


def databases_seen_by(installation: Installation, site: str) -> list[str]:
    """Sign in with what the Site's Secret says, and return the databases that it opens."""
    secrets = installation.values_of_secrets(site)
    (values,) = (item for name, item in secrets.items() if "-database-" in name)
    options = {"host": values["host"], "port": int(values["port"]), "user": values["username"]}
    with (
        pymysql.connect(**options, password=values["password"]) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SHOW DATABASES LIKE 'fp%'")
        return [name for (name,) in cursor.fetchall()]
