"""One measurement: a contender, a size, a fresh cluster, and the figures that the stages leave behind."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audit import AuditLog, Record, of_operators
from client import Api
from cluster import CREATOR, OTHER, REPLICAS, Cluster, fresh_cluster
from contenders import Contender, Replica
from measuring.arithmetic import percentile
from measuring.processes import Program
from other_client import read_latencies
from population import install


@dataclass
class Bench:
    """What the stages share.

    Attributes:
        size: the Sites that the burst creates; probes come on top.
        figures: the results, by names that say their unit.
        details: what explains them: requests by kind, and the like.
        notes: what went otherwise than planned.
        idle_rate: the processor time that the operator uses per second while nothing happens.
    """

    cluster: Cluster
    audit: AuditLog
    api: Api
    others: Program
    contender: Contender | None
    size: int
    is_quick: bool
    figures: dict[str, float | None] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    idle_rate: float = 0.0
    running: list[Replica] = field(default_factory=list)

    @property
    def replica(self) -> Replica:
        """The operator under test, where only one runs."""
        return self.running[-1]

    async def start(self, replica: str = "a", **options: Any) -> Replica:
        if self.contender is None:
            raise RuntimeError("nobody is under test")
        started = self.contender.start(self.cluster, replica, **options)
        self.running.append(started)
        await started.wait_until_ready()
        return started

    def kill_all(self) -> None:
        for replica in self.running:
            replica.program.kill()

    def calls_since(self, mark: int) -> list[Record]:
        """Return the operators' requests since a mark, leadership and the like left out."""
        return of_operators(self.audit.since(mark), REPLICAS.values())

    def others_p99_ms(self, since: float, until: float) -> float | None:
        return percentile(read_latencies(self.others.log_path, since, until), 99)

    def note_latencies(self, name: str, milliseconds: Iterable[float]) -> None:
        values = list(milliseconds)
        self.figures[f"{name}_p50_ms"] = percentile(values, 50)
        self.figures[f"{name}_p99_ms"] = percentile(values, 99)


@asynccontextmanager
async def new_bench(contender: Contender | None, size: int, *, is_quick: bool) -> AsyncIterator[Bench]:
    with fresh_cluster() as cluster:
        async with Api(cluster, CREATOR) as api:
            await install(api)
            arguments = [str(Path(__file__).with_name("other_client.py")), str(cluster.port)]
            secret = [str(cluster.authority), cluster.tokens[OTHER]]
            others = Program([sys.executable, *arguments, *secret], cluster.folder / "others.log")
            bench = Bench(cluster, AuditLog(cluster.audit_path), api, others, contender, size, is_quick)
            try:
                yield bench
            finally:
                bench.kill_all()
                others.kill()


class Watch:
    """Processor time of everybody and the time of day, from a moment on."""

    def __init__(self, bench: Bench) -> None:
        self._programs = {"apiserver": bench.cluster.apiserver, "etcd": bench.cluster.etcd}
        if bench.running:
            self._programs["operator"] = bench.replica.program
        self.since, self._before = time.time(), self._now()
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def cpu(self) -> dict[str, float]:
        """Return the seconds that each program used since."""
        return {name: round(now - self._before[name], 3) for name, now in self._now().items()}

    def _now(self) -> dict[str, float]:
        programs = {name: program.cpu_seconds() for name, program in self._programs.items()}
        return {**programs, "generator": time.process_time()}
