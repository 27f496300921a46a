"""How the gateway's cost depends on the number of hosts, beside one Caddy route per host.

make bench-gateway_routing
python benchmarks/gateway_routing --hosts 10,1000,10000 --seconds 3 --agent-hosts 10,10000,50000
"""

from __future__ import annotations

import argparse
import http.client
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from claim_server import host_name
from layouts import Place, our_config, route_per_host_config, write_tree
from load import Load, run_load
from processes import answer, caddy, cpu_seconds, free_ports, load_config, program, rss_mb, upstream, wait_for

NEW_HOST = "www.brand-new.example"
CHANGES = 25
CONNECTIONS = 16


@dataclass(frozen=True)
class Figures:
    """What one layout showed at one number of hosts."""

    one: Load
    many: Load
    rss_mb: float
    change_ms: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--hosts", default="10,1000,10000")
    parser.add_argument("--agent-hosts", default="10,10000")
    parser.add_argument("--seconds", type=int, default=3)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-gateway-"))
    try:
        with upstream(folder) as address:
            compare_layouts(numbers(options.hosts), options.seconds, address, folder)
            measure_agent(numbers(options.agent_hosts), address, folder)
    finally:
        shutil.rmtree(folder)


def numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part]


def print_header(columns: str) -> None:
    names = columns.split("|")
    print("| " + " | ".join(names) + " |\n|" + " --- |" * len(names), flush=True)


def new_place(folder: Path) -> Place:
    return Place(Path(tempfile.mkdtemp(dir=folder)), *free_ports(4))


def compare_layouts(counts: list[int], seconds: int, address: str, folder: Path) -> None:
    if not counts:
        return
    print_header("hosts|layout|p50 ms, 1 conn|req/s, 16 conn|p99 ms|RSS MB|change effective ms|errors")
    for count in counts:
        hosts = [host_name(number) for number in range(count)]
        ours = measure_ours(hosts, seconds, address, new_place(folder))
        show(count, "routing tree (ours)", ours)
        theirs = measure_route_per_host(hosts, seconds, address, new_place(folder))
        show(count, "one route per host", theirs)
        print(
            f"| {count} | **ours : route per host** | {ours.one.p50_ms / theirs.one.p50_ms:.2f} "
            f"| {ours.many.requests_per_second / theirs.many.requests_per_second:.2f} "
            f"| {ours.many.p99_ms / theirs.many.p99_ms:.2f} | {ours.rss_mb / theirs.rss_mb:.2f} "
            f"| {ours.change_ms / theirs.change_ms:.3f} | |",
            flush=True,
        )
    print()


def show(count: int, layout: str, figures: Figures) -> None:
    one, many = figures.one, figures.many
    print(
        f"| {count} | {layout} | {one.p50_ms:.2f} | {many.requests_per_second:.0f} | {many.p99_ms:.1f} "
        f"| {figures.rss_mb:.0f} | {figures.change_ms:.1f} | {one.errors + many.errors} |",
        flush=True,
    )


def measure_ours(hosts: list[str], seconds: int, address: str, place: Place) -> Figures:
    store = write_tree(place, hosts, address)
    record = f"p0,demo.shop,{address}"
    with caddy(our_config(place), place.folder) as process:
        return measure(process.pid, place, hosts, seconds, lambda: store.add(NEW_HOST, record))


def measure_route_per_host(hosts: list[str], seconds: int, address: str, place: Place) -> Figures:
    def push() -> None:
        load_config(place.admin_socket, route_per_host_config(place, [*hosts, NEW_HOST], address))

    place.routes.mkdir()
    with caddy(route_per_host_config(place, hosts, address), place.folder) as process:
        return measure(process.pid, place, hosts, seconds, push)


def measure(pid: int, place: Place, hosts: list[str], seconds: int, change: Callable[[], None]) -> Figures:
    wait_for(place.http_port, host=hosts[-1])
    run_load(place.http_port, hosts, CONNECTIONS, 1, place.folder)
    one = run_load(place.http_port, hosts, 1, seconds, place.folder)
    many = run_load(place.http_port, hosts, CONNECTIONS, seconds, place.folder)
    memory = rss_mb(pid)
    assert answer(place.http_port, host=NEW_HOST) == 404
    started = time.perf_counter()
    change()
    wait_for(place.http_port, host=NEW_HOST)
    return Figures(one, many, memory, (time.perf_counter() - started) * 1000)


def measure_agent(counts: list[int], address: str, folder: Path) -> None:
    print_header(
        "hosts|agent start to tree s|of it agent CPU s|agent RSS MB|Caddy RSS MB|event to route ms, p50|max"
    )
    for count in counts:
        show_agent(count, address, new_place(folder))


def show_agent(count: int, address: str, place: Place) -> None:
    api_port, probes_port = free_ports(2)
    server = [sys.executable, str(Path(__file__).with_name("claim_server.py"))]
    settings = {
        "ROUTES_ROOT": place.routes,
        "PERMISSION_PORT": place.permission_port,
        "PROBES_HOST": "127.0.0.1",
        "PROBES_PORT": probes_port,
        "API_SERVER": f"http://127.0.0.1:{api_port}",
        "API_TOKEN": "unused",
        "UPSTREAM_NETWORKS": "127.0.0.0/8",
    }
    environment = {f"FRANKENPANEL_GATEWAY_{name}": str(value) for name, value in settings.items()}
    place.routes.mkdir()
    log = place.folder / "agent.log"
    with (
        program([*server, str(api_port), str(count), address], log, {}),
        caddy(our_config(place), place.folder) as gateway,
    ):
        wait_for(api_port, "/", status=404)
        started = time.perf_counter()
        with program([sys.executable, "-m", "frankenpanel_gateway"], log, environment) as agent:
            wait_for(place.local_port, "/readyz")
            ready_seconds, busy_seconds = time.perf_counter() - started, cpu_seconds(agent.pid)
            time.sleep(1)  # for the watch to begin: there is nothing to ask
            delays = [change_delay_ms(place, api_port, n, address) for n in range(CHANGES)]
            print(
                f"| {count} | {ready_seconds:.2f} | {busy_seconds:.2f} "
                f"| {rss_mb(agent.pid):.0f} | {rss_mb(gateway.pid):.0f} "
                f"| {statistics.median(delays):.1f} | {max(delays):.1f} |",
                flush=True,
            )


def change_delay_ms(place: Place, api_port: int, number: int, address: str) -> float:
    """Return the time from an event on the watch to the first visitor served."""
    host = f"new{number}.example"
    connection = http.client.HTTPConnection("127.0.0.1", api_port)
    body = json.dumps({"type": "ADDED", "host": host, "upstream": address})
    started = time.perf_counter()
    connection.request("POST", "/change", body)
    assert connection.getresponse().status == 200
    connection.close()
    wait_for(place.http_port, host=host)
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
