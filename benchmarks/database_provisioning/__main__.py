"""Measures how fast Sites get their databases, beside a plain baseline; see README.md."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "tests" / "support")]

import baseline  # noqa: E402
from frankenpanel_operator.databases import operations  # noqa: E402
from frankenpanel_operator.databases.provisioner import PyMySQLProvisioner  # noqa: E402
from frankenpanel_operator.databases.session import Login, Waits, open_session  # noqa: E402
from frankenpanel_operator.ports import DatabaseAccount, DatabaseAddress  # noqa: E402
from mariadb_process import ROOT_PASSWORD, MariaDBProcess, running_server  # noqa: E402
from pydantic import SecretStr  # noqa: E402

PASSWORD = SecretStr("benchmark")
Sites = list[DatabaseAccount]
# Measurements take turns in pieces of this size, so that whatever else the machine does hits all of them.
TURN_SITES = 20
WORKERS = 8


@dataclass
class Figure:
    """One measurement."""

    name: str
    sites: int = 0
    seconds: float = 0.0

    @property
    def per_second(self) -> float:
        return self.sites / self.seconds

    @property
    def milliseconds(self) -> float:
        return 1000 * self.seconds / self.sites


def accounts(count: int) -> Sites:
    return [DatabaseAccount(f"fp{n}", f"uid-{n}", "demo", f"site-{n}", "utf8mb4", 20) for n in range(count)]


class Baseline:
    """See `baseline`."""

    def __init__(self, server: MariaDBProcess) -> None:
        self._options = {
            "host": server.host,
            "port": server.port,
            "user": "root",
            "password": ROOT_PASSWORD,
            "autocommit": True,
            # PyMySQL reads all authorities of the machine for every connection that might use TLS. The server
            # has none, and the baseline shall not look slower than it is.
            "ssl_disabled": True,
        }

    async def provision(self, sites: Sites) -> None:
        for site in sites:
            baseline.provision(self._options, site.name, PASSWORD.get_secret_value(), site.max_connections)


class OneConnection:
    """The operator's statements, one Site after the other on one connection."""

    def __init__(self, server: MariaDBProcess) -> None:
        login = Login(server.host, server.port, "root", SecretStr(ROOT_PASSWORD))
        self._session = open_session(login, Waits())

    async def provision(self, sites: Sites) -> None:
        for site in sites:
            operations.ensure(self._session, site, PASSWORD)


class Provisioner:
    """The operator's provisioner with as many workers as the operator has."""

    def __init__(self, server: MariaDBProcess) -> None:
        self._address = DatabaseAddress("main", server.host, server.port, "admin")
        self.restart()

    def restart(self) -> None:
        self._provisioner = PyMySQLProvisioner(self._read_secret)

    async def provision(self, sites: Sites) -> None:
        workers = asyncio.Semaphore(WORKERS)

        async def work(site: DatabaseAccount) -> None:
            async with workers:
                await self._provisioner.ensure(self._address, site, PASSWORD)

        await asyncio.gather(*(work(site) for site in sites))

    async def close(self) -> None:
        await self._provisioner.close()

    async def _read_secret(self, name: str) -> Mapping[str, bytes]:
        return {"username": b"root", "password": ROOT_PASSWORD.encode()}


async def take_turns(
    sites: Sites, runners: Mapping[str, Baseline | OneConnection | Provisioner]
) -> list[Figure]:
    """Let every runner provision all Sites, a few at a time and one runner after the other."""
    figures = {name: Figure(name) for name in runners}
    for start in range(0, len(sites), TURN_SITES):
        turn = sites[start : start + TURN_SITES]
        for name, runner in runners.items():
            started = time.perf_counter()
            await runner.provision(turn)
            figures[name].seconds += time.perf_counter() - started
            figures[name].sites += len(turn)
    return list(figures.values())


async def measure(servers: list[MariaDBProcess], sites: Sites) -> list[Figure]:
    plain, single, pooled = Baseline(servers[0]), OneConnection(servers[1]), Provisioner(servers[2])
    figures = await take_turns(
        sites,
        {
            "baseline: new Sites": plain,
            "one connection: new Sites": single,
            "provisioner: new Sites": pooled,
        },
    )
    figures += await take_turns(
        sites,
        {
            "baseline: again": plain,
            "one connection: look again": single,
            "provisioner: resync": pooled,
        },
    )
    await pooled.close()
    pooled.restart()
    figures += await take_turns(sites, {"provisioner: restarted": pooled})
    await pooled.close()
    return figures


def ratios(figures: Mapping[str, Figure]) -> dict[str, float]:
    """Compare only what was measured in this run."""
    new, again = figures["baseline: new Sites"], figures["baseline: again"]
    return {
        "new Sites, one connection": new.milliseconds / figures["one connection: new Sites"].milliseconds,
        "new Sites, provisioner": new.milliseconds / figures["provisioner: new Sites"].milliseconds,
        "after a restart": again.milliseconds / figures["provisioner: restarted"].milliseconds,
        "resync": again.milliseconds / figures["provisioner: resync"].milliseconds,
    }


def report(figures: list[Figure], *, as_json: bool) -> None:
    compared = ratios({figure.name: figure for figure in figures})
    if as_json:
        rows = [{**asdict(figure), "per_second": figure.per_second} for figure in figures]
        print(json.dumps({"figures": rows, "ratios": compared, "load": os.getloadavg()}, indent=2))
        return
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'':28}{'Sites':>7}{'s':>9}{'Sites/s':>11}{'ms/Site':>10}")
    for figure in figures:
        speed = f"{figure.per_second:>11.0f}{figure.milliseconds:>10.3f}"
        print(f"{figure.name:28}{figure.sites:>7}{figure.seconds:>9.2f}{speed}")
    print("\ntimes as fast as the baseline:")
    for name, ratio in compared.items():
        print(f"  {name:28}{ratio:>8.1f}x")


def main() -> None:
    parser = argparse.ArgumentParser(prog="database_provisioning", description=__doc__)
    parser.add_argument("--sites", type=int, default=1000, help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    with ExitStack() as stack:
        # A server for each, since every account makes the next one slower.
        servers = []
        for _ in range(3):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="fp-benchmark-"))
            servers.append(stack.enter_context(running_server(Path(folder))))
        figures = asyncio.run(measure(servers, accounts(options.sites)))
    report(figures, as_json=options.json)


if __name__ == "__main__":
    main()
