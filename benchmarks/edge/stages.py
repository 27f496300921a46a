"""What every contender goes through: visits, changes, changes under visits; and what only ours has."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from measuring.arithmetic import median, percentile

from edge.contenders import Contender, Ours
from edge.handshakes import handshakes
from edge.population import BODIES
from edge.probes import permission_latencies
from edge.servers import answer, samples_of, wait_for_body
from edge.wrk import Load, Visitors

CONNECTIONS = 16
CHANGE_EVERY_SECONDS = 0.1
CHANGING, EXTRA = "www.changing.example", "www.now-and-then.example"


@dataclass(frozen=True)
class Effort:
    """How long things are measured."""

    seconds: float
    change_seconds: float
    changes: int
    change_budget_seconds: float
    turns: int
    handshakes: int
    permission_seconds: float


NORMAL = Effort(4, 20, 25, 45, 7, 200, 5)
QUICK = Effort(1, 2, 3, 5, 1, 20, 1)


@dataclass
class Bench:
    """One contender at one size, and the figures that the stages leave behind."""

    contender: Contender
    effort: Effort
    visitors: Visitors
    figures: dict[str, float | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def visit(self, hosts: list[str], connections: int, seconds: float, body: str | None = None) -> Load:
        load = self.visitors.run(hosts, connections, seconds, body)
        self.figures["failures"] = (self.figures.get("failures") or 0) + load.failures
        return load


def throughput(bench: Bench) -> None:
    """C3: check every answer for a while, then measure without looking into answers."""
    hosts, seconds = bench.contender.hosts, bench.effort.seconds
    checked = bench.visit(hosts, CONNECTIONS, seconds / 2, BODIES[0])
    bench.figures["checked_answers"] = checked.requests
    one = bench.visit(hosts, 1, seconds)
    before = bench.contender.cpu_seconds()
    many = bench.visit(hosts, CONNECTIONS, seconds)
    used = bench.contender.cpu_seconds() - before
    bench.figures |= {
        "one_p50_ms": one.p50_ms,
        "one_p99_ms": one.p99_ms,
        "requests_per_second": many.requests_per_second,
        "p99_ms": many.p99_ms,
        "cpu_us_per_request": 1e6 * used / max(1, many.requests),
    }


def spread(bench: Bench) -> None:
    """C3: the first host of the layout beside the last one, in turn."""
    hosts, rates = bench.contender.hosts, {0: list[float](), -1: list[float]()}
    for _ in range(bench.effort.turns):
        for index, found in rates.items():
            load = bench.visit([hosts[index]], CONNECTIONS, 1)
            found.append(load.requests_per_second)
    first, last = median(rates[0]), median(rates[-1])
    bench.figures |= {"first_requests_per_second": first, "last_requests_per_second": last}
    if first and last:
        bench.figures["spread_percent"] = 100 * abs(first - last) / max(first, last)


def change(bench: Bench) -> None:
    """C1: from the moment in which a change is told to the first visitor of the new host, idle otherwise."""
    contender, delays = bench.contender, list[float]()
    loaded, started = contender.loaded_at(), time.perf_counter()
    for number in range(bench.effort.changes):
        host = f"new{number}.example"
        if answer(contender.place.http_port, host=host)[0] != 404:
            raise AssertionError(f"{host} is served before it exists")
        begun = time.perf_counter()
        contender.put({host: contender.upstreams[0]})
        wait_for_body(contender.place.http_port, host, BODIES[0])
        delays.append(1000 * (time.perf_counter() - begun))
        if time.perf_counter() - started > bench.effort.change_budget_seconds:
            break
    bench.figures |= {
        "change_p50_ms": median(delays),
        "change_max_ms": max(delays),
        "changes": float(len(delays)),
        "reloads": float(len(delays)) if loaded is None else float(contender.loaded_at() != loaded),
    }


def memory(bench: Bench) -> None:
    """C2: after the changes."""
    contender = bench.contender
    bench.figures |= {"rss_mb": contender.rss_mb(), "peak_mb": contender.peak_mb()}
    if isinstance(contender, Ours):
        bench.figures |= {
            "agent_rss_mb": contender.agent.rss_mb(),
            "agent_peak_mb": contender.agent.peak_mb(),
        }


def change_under_load(bench: Bench) -> None:
    """C4: every answer is compared, once in peace and once while a domain changes ten times a second."""
    contender, seconds = bench.contender, bench.effort.change_seconds
    quiet = bench.visit(contender.hosts, CONNECTIONS, seconds, BODIES[0])
    contender.put({CHANGING: contender.upstreams[0]})
    wait_for_body(contender.place.http_port, CHANGING, BODIES[0])
    running = bench.visitors.start(contender.hosts, CONNECTIONS, seconds, BODIES[0])
    witness = Witness(contender.place.http_port)
    witness.start()
    made = _keep_changing(contender, seconds)
    busy = bench.visitors.finish(running)
    witness.stop()
    bench.figures |= {
        "quiet_p99_ms": quiet.p99_ms,
        "busy_p99_ms": busy.p99_ms,
        "busy_requests_per_second": busy.requests_per_second,
        "busy_requests": float(busy.requests),
        "busy_failures": float(busy.failures + witness.wrong),
        "busy_changes": float(made),
    }


def _keep_changing(contender: Contender, seconds: float) -> int:
    """Move one host between the upstreams, and let another come and go, as often as the layout can follow."""
    one, two = contender.upstreams
    states = ({CHANGING: two}, {CHANGING: two, EXTRA: one}, {CHANGING: one, EXTRA: one}, {CHANGING: one})
    started, made = time.perf_counter(), 0
    # The last second is left out, so that no change comes after the last visitor.
    while (now := time.perf_counter() - started) < seconds - min(1.0, seconds / 4):
        if (pause := made * CHANGE_EVERY_SECONDS - now) > 0:
            time.sleep(pause)
        contender.put(states[made % len(states)])
        made += 1
    return made


class Witness(threading.Thread):
    """Visits the host that changes: it has to be one site or the other, and never none."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port, self._stopping = port, threading.Event()
        self.wrong = self.visits = 0

    def run(self) -> None:
        while not self._stopping.wait(0.02):
            status, body = answer(self._port, host=CHANGING)
            self.visits += 1
            self.wrong += status != 200 or body not in BODIES

    def stop(self) -> None:
        self._stopping.set()
        self.join()


def agent(bench: Bench) -> None:
    """The cold sync, which the start measured, and C5: the question about certificates."""
    contender = _ours(bench)
    bench.figures |= {
        "sync_seconds": contender.sync_seconds,
        "sync_cpu_seconds": contender.sync_cpu_seconds,
        "sync_rss_mb": contender.agent.rss_mb(),
    }
    found = permission_latencies(
        contender.place.permission_port, contender.hosts, bench.effort.permission_seconds
    )
    bench.figures |= {
        "permission_p50_ms": percentile(found.milliseconds, 50),
        "permission_p99_ms": percentile(found.milliseconds, 99),
        "permission_per_second": found.per_second,
        "permission_wrong": float(found.wrong),
    }


def tls(bench: Bench) -> None:
    """C5: handshakes with names that nobody has, and with one that is known."""
    contender = _ours(bench)
    refused = handshakes(
        contender.place.https_port, [f"x{n}.unknown.example" for n in range(bench.effort.handshakes)]
    )
    known = handshakes(contender.place.https_port, contender.hosts[1:2] * (1 + bench.effort.handshakes // 4))
    # The first one waits for the certificate to be made.
    bench.figures |= {
        "refused_p50_ms": percentile(refused.refused_ms, 50),
        "refused_p99_ms": percentile(refused.refused_ms, 99),
        "refused_wrong": float(len(refused.accepted_ms)),
        "handshake_p50_ms": percentile(known.accepted_ms[1:], 50),
        "handshake_first_ms": known.accepted_ms[0] if known.accepted_ms else None,
    }


def scrapes(bench: Bench) -> None:
    """C6: how large the metrics are, after visits to hosts at random."""
    place = _ours(bench).place
    for name, port in (("caddy", place.local_port), ("agent", place.probes_port)):
        text = answer(port, "/metrics")[1]
        bench.figures |= {
            f"{name}_metrics_kb": len(text) / 1024,
            f"{name}_metrics_series": float(len(samples_of(text))),
        }


def _ours(bench: Bench) -> Ours:
    if not isinstance(bench.contender, Ours):
        raise TypeError("only ours has an agent")
    return bench.contender
