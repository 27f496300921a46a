"""Measures how fast Sites get their databases, beside a plain baseline; see README.md."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
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


@dataclass(frozen=True)
class Figure:
    """One measurement."""

    name: str
    sites: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.sites / self.seconds

    @property
    def milliseconds(self) -> float:
        return 1000 * self.seconds / self.sites


def accounts(prefix: str, count: int) -> Sites:
    return [
        DatabaseAccount(f"{prefix}{n}", f"uid-{prefix}-{n}", "demo", f"site-{n}", "utf8mb4", 20)
        for n in range(count)
    ]


def measure(name: str, sites: Sites, call: Callable[[DatabaseAccount], object]) -> Figure:
    started = time.perf_counter()
    for site in sites:
        call(site)
    return Figure(name, len(sites), time.perf_counter() - started)


async def measure_all_at_once(
    name: str, sites: Sites, call: Callable[[DatabaseAccount], Awaitable[None]]
) -> Figure:
    """As the operator does it: eight workers."""
    workers = asyncio.Semaphore(8)

    async def work(site: DatabaseAccount) -> None:
        async with workers:
            await call(site)

    started = time.perf_counter()
    await asyncio.gather(*(work(site) for site in sites))
    return Figure(name, len(sites), time.perf_counter() - started)


def measure_baseline(server: MariaDBProcess, sites: Sites) -> list[Figure]:
    options = {
        "host": server.host,
        "port": server.port,
        "user": "root",
        "password": ROOT_PASSWORD,
        "autocommit": True,
        # PyMySQL reads all authorities of the machine for every connection that might use TLS. The server has
        # none, and the baseline shall not look slower than it is.
        "ssl_disabled": True,
    }

    def call(site: DatabaseAccount) -> None:
        baseline.provision(options, site.name, PASSWORD.get_secret_value(), site.max_connections)

    return [measure("baseline: new Sites", sites, call), measure("baseline: again", sites, call)]


def measure_one_connection(server: MariaDBProcess, sites: Sites) -> list[Figure]:
    session = open_session(Login(server.host, server.port, "root", SecretStr(ROOT_PASSWORD)), Waits())
    try:
        return [
            measure(name, sites, lambda site: operations.ensure(session, site, PASSWORD))
            for name in ("one connection: new Sites", "one connection: look again")
        ]
    finally:
        session.close()


async def measure_provisioner(server: MariaDBProcess, sites: Sites) -> list[Figure]:
    async def read_secret(name: str) -> Mapping[str, bytes]:
        return {"username": b"root", "password": ROOT_PASSWORD.encode()}

    address = DatabaseAddress("main", server.host, server.port, "admin")
    figures = []
    provisioner = PyMySQLProvisioner(read_secret)
    for name in ("provisioner: new Sites", "provisioner: resync"):
        figures.append(
            await measure_all_at_once(name, sites, lambda site: provisioner.ensure(address, site, PASSWORD))
        )
    await provisioner.close()
    restarted = PyMySQLProvisioner(read_secret)
    figures.append(
        await measure_all_at_once(
            "provisioner: restarted", sites, lambda site: restarted.ensure(address, site, PASSWORD)
        )
    )
    await restarted.close()
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
    parser.add_argument(
        "--sites", type=int, default=1000, help="Sites of each measurement (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="fp-benchmark-") as folder,
        running_server(Path(folder)) as server,
    ):
        figures = [
            *measure_baseline(server, accounts("plain", options.sites)),
            *measure_one_connection(server, accounts("single", options.sites)),
            *asyncio.run(measure_provisioner(server, accounts("pooled", options.sites))),
        ]
    report(figures, as_json=options.json)


if __name__ == "__main__":
    main()
