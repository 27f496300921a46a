"""The operators under test, each started as a process of its own, as its pod would start it."""

from __future__ import annotations

import asyncio
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from audit import AuditLog, of_operators
from cluster import PLATFORM, REPLICAS, Cluster
from measuring.processes import Program, free_ports

READY_SECONDS = 180.0
LONG_SECONDS = 86400.0
_QUANTUM_SECONDS = 0.25
_QUIET_QUANTA = 8
_QUIET_RATE = 0.1


@dataclass(frozen=True)
class Replica:
    """A running operator."""

    name: str
    program: Program
    ready_url: str
    metrics_url: str | None

    @property
    def user(self) -> str:
        return REPLICAS[self.name]

    async def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while await asyncio.to_thread(_status, self.ready_url) != 200:
            if not self.program.is_running() or time.monotonic() > deadline:
                raise RuntimeError(f"the operator does not start:\n{self.program.tail()}")
            await asyncio.sleep(0.02)

    async def samples(self, prefix: str) -> dict[str, float]:
        """Return the metric samples whose line begins with a prefix; nothing where there are no metrics."""
        if self.metrics_url is None:
            return {}
        text = await asyncio.to_thread(_text, self.metrics_url)
        pairs = (line.rsplit(" ", 1) for line in text.splitlines() if line.startswith(prefix))
        return {name: float(value) for name, value in pairs}

    async def passes(self) -> float:
        """Return how many objects were looked at so far."""
        return sum((await self.samples("frankenpanel_reconcile_duration_seconds_count")).values())

    async def wait_until_quiet(self, audit: AuditLog, limit_seconds: float, idle_rate: float = 0.0) -> Quiet:
        """Wait until it uses no processor time worth mentioning and asks for nothing, for two seconds."""
        started, quiet = time.monotonic(), 0
        last_busy, mark = started, audit.mark()
        cpu_at_rest = before = self.program.cpu_seconds()
        while quiet < _QUIET_QUANTA and time.monotonic() - started < limit_seconds:
            await asyncio.sleep(_QUANTUM_SECONDS)
            now = self.program.cpu_seconds()
            calls = of_operators(audit.since(mark), (self.user,))
            mark = audit.mark()
            if calls or (now - before) / _QUANTUM_SECONDS > idle_rate + _QUIET_RATE:
                quiet, last_busy, cpu_at_rest = 0, time.monotonic(), now
            else:
                quiet += 1
            before = now
        return Quiet(
            quiet >= _QUIET_QUANTA, self.program.age_seconds() - time.monotonic() + last_busy, cpu_at_rest
        )


@dataclass(frozen=True)
class Quiet:
    """When an operator came to rest: its age in seconds and its processor time by then."""

    is_reached: bool
    age_seconds: float
    cpu_seconds: float


class Contender(Protocol):
    """A way to start one kind of operator."""

    name: str

    def start(
        self,
        cluster: Cluster,
        replica: str = "a",
        *,
        elects: bool = False,
        resync_seconds: float = LONG_SECONDS,
    ) -> Replica: ...

    def resync_seconds(self, sites: int) -> float:
        """Return an interval in which all objects can be gone through, with room to spare."""
        ...


class Ours:
    """The operator of this repository."""

    name = "ours"

    def __init__(self, *, is_profiled: bool = False) -> None:
        self.is_profiled = is_profiled

    def start(
        self,
        cluster: Cluster,
        replica: str = "a",
        *,
        elects: bool = False,
        resync_seconds: float = LONG_SECONDS,
    ) -> Replica:
        health_port, metrics_port = free_ports(2)
        health = f"http://127.0.0.1:{health_port}/healthz"
        arguments = [
            "run",
            "-m",
            "frankenpanel_operator.main",
            "-A",
            "--standalone",
            f"--liveness={health}",
        ]
        environment = {
            "KUBECONFIG": str(cluster.kubeconfig(REPLICAS[replica])),
            "PYTHONPATH": str(Path(__file__).with_name("as_in_the_image")),
            "FRANKENPANEL_PLATFORM_NAMESPACE": PLATFORM,
            "FRANKENPANEL_METRICS_PORT": str(metrics_port),
            "FRANKENPANEL_EMBEDDED_MARIADB": "false",
            "FRANKENPANEL_LEADER_ELECTION": str(elects).lower(),
            "FRANKENPANEL_IDENTITY": f"operator-{replica}",
            "FRANKENPANEL_RESYNC_SECONDS": str(resync_seconds),
        }
        program = _kopf(cluster.folder / f"ours-{replica}", arguments, environment, self.is_profiled)
        endpoint = f"http://127.0.0.1:{metrics_port}"
        return Replica(replica, program, f"{endpoint}/readyz", f"{endpoint}/metrics")

    def resync_seconds(self, sites: int) -> float:
        return 10 + sites / 500


class Twin:
    """The same by kopf's usual means; see `twin.py`."""

    name = "twin"

    def __init__(self, *, is_profiled: bool = False) -> None:
        self.is_profiled = is_profiled

    def start(
        self,
        cluster: Cluster,
        replica: str = "a",
        *,
        elects: bool = False,
        resync_seconds: float = LONG_SECONDS,
    ) -> Replica:
        (port,) = free_ports(1)
        health = f"http://127.0.0.1:{port}/healthz"
        priority = 100 if replica == "a" else 50
        peering = ["--peering=twin", f"--priority={priority}"] if elects else ["--standalone"]
        code = str(Path(__file__).with_name("twin.py"))
        arguments = ["run", code, "-A", f"--liveness={health}", *peering]
        environment = {
            "KUBECONFIG": str(cluster.kubeconfig(REPLICAS[replica])),
            "TWIN_TIMER_SECONDS": str(resync_seconds),
        }
        program = _kopf(cluster.folder / f"twin-{replica}", arguments, environment, self.is_profiled)
        return Replica(replica, program, health, None)

    def resync_seconds(self, sites: int) -> float:
        return 30 + sites / 5


CONTENDERS: dict[str, type[Ours] | type[Twin]] = {"ours": Ours, "twin": Twin}


def _kopf(stem: Path, arguments: list[str], environment: dict[str, str], is_profiled: bool) -> Program:
    """Run kopf, with a sampler beside it where its profile is asked for."""
    start = ["-m", "kopf"]
    if is_profiled:
        start = [str(Path(__file__).with_name("sampled.py")), str(stem.with_suffix(".profile"))]
    return Program([sys.executable, *start, *arguments], stem.with_suffix(".log"), environment)


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def _text(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as response:
        text: str = response.read().decode()
        return text
