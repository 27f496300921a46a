"""Of two database servers one does not answer: its Sites wait for it, and nobody waits for them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from database_servers import ServerUnderTest
from frankenpanel_operator import metrics
from frankenpanel_operator.errors import database_dependency
from installation import OURS, Installation

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("installed_crds", "own_cluster")]

# More Sites wait for the dead server than there are workers: each of them holding one would stop everything.
WORKERS = 3
DOOMED = [f"doomed{number}" for number in range(WORKERS + 2)]
LUCKY = [f"lucky{number}" for number in range(2)]
LATE = [f"late{number}" for number in range(2)]


async def test_a_frozen_server_stops_only_its_own_sites(
    installation: Installation, servers: list[ServerUnderTest], operator: Any, until: Any, eventually: Any
) -> None:
    second = f"a-{installation.platform}"
    dependency = database_dependency(installation.server_name)

    def are_provisioned(*sites: str) -> bool:
        return all(installation.condition(site, "DatabaseReady") == "True Provisioned" for site in sites)

    async with operator(workers=WORKERS):
        for site in DOOMED:
            installation.create_site(site)
        await until(lambda: are_provisioned(*DOOMED), "they have databases on the first server")
        # It comes first by its name, so that new Sites choose it.
        installation.offer_server(second, servers[1])
        await until(lambda: is_ready(installation, second), "the second server is known to answer")
        for site in LUCKY:
            installation.create_site(site)
        await until(lambda: are_provisioned(*LUCKY), "they have databases on the second server")
        process = servers[0].process
        assert process is not None
        process.freeze()
        try:
            edit_all(installation, [*DOOMED, *LUCKY])
            started = time.monotonic()
            for site in LATE:
                installation.create_site(site)
            await until(lambda: are_provisioned(*LATE), "new Sites are served")
            print(f"\nnew Sites were served after {time.monotonic() - started:.1f} s")  # noqa: T201
            await until(lambda: are_edited(installation, LUCKY) and are_provisioned(*LUCKY), "so are edits")
            await eventually(lambda: gauge("open", dependency) == 1, "the circuit is open", 90)
        finally:
            process.thaw()
        await until(
            lambda: are_edited(installation, DOOMED) and are_provisioned(*DOOMED), "theirs come later"
        )
        await eventually(lambda: gauge("open", dependency) == 0, "the circuit is closed", 90)
        assert gauge("parked_keys", dependency) == 0
        installation.withdraw_server(second)
    assert len(servers[0].databases()) == len(DOOMED)
    assert len(servers[1].databases()) == len([*LUCKY, *LATE])


def edit_all(installation: Installation, sites: list[str]) -> None:
    """Ask for something that only the database server can do."""
    for site in sites:
        installation.edit("sites", site, {"database": {"maxConnections": 7}})


def are_edited(installation: Installation, sites: list[str]) -> bool:
    """Say whether the operator has looked at the edits of all."""
    found = [(body["metadata"], body["status"]) for body in map(installation.site, sites)]
    return all(status["observedGeneration"] == metadata["generation"] == 2 for metadata, status in found)


def is_ready(installation: Installation, server: str) -> bool:
    """Say whether a DatabaseServer is known to answer."""
    status = installation.api.request("GET", f"{OURS}/databaseservers/{server}").body.get("status", {})
    found = {item["type"]: item["status"] for item in status.get("conditions", [])}
    return found.get("Ready") == "True"


def gauge(name: str, dependency: str) -> float:
    """Return a figure of a circuit; asked in the event loop, where the operator's gauges are at home."""
    labels = {"dependency": dependency}
    return metrics.REGISTRY.get_sample_value(f"frankenpanel_circuit_{name}", labels) or 0
