"""Programs of the benchmark: started, measured from /proc, stopped; none outlives the benchmark itself."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

STOP_SECONDS = 20.0
_ESTABLISHED = "01"

# The kernel ends the program when the benchmark dies, however it dies.
_DIE_WITH_PARENT = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, int(sys.argv[1]))
os.execv(sys.argv[2], sys.argv[2:])
"""


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def cpu_seconds_of(pid: int) -> float:
    """Return the processor time of a process so far, to the nanosecond."""
    # The clock of another process, as clock_getcpuclockid(3) names it.
    return time.clock_gettime((~pid << 3) | 2)


class Program:
    """A running program; its output goes to a log file.

    Where it has children of its own, `parent_death` is the signal that ends them, too.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        log_path: Path,
        environment: Mapping[str, str] | None = None,
        parent_death: signal.Signals = signal.SIGKILL,
    ) -> None:
        self.log_path, self._started = log_path, time.monotonic()
        with log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _DIE_WITH_PARENT, str(int(parent_death)), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
            )
        self.pid = self._process.pid

    def age_seconds(self) -> float:
        return time.monotonic() - self._started

    def is_running(self) -> bool:
        return self._process.poll() is None

    def tail(self, lines: int = 15) -> str:
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    def cpu_seconds(self) -> float:
        """Return the processor time of all its threads so far, those that ended too, to the nanosecond."""
        return cpu_seconds_of(self.pid)

    def rss_mb(self) -> float:
        return self._status_mb("VmRSS")

    def peak_mb(self) -> float:
        return self._status_mb("VmHWM")

    def connections_to(self, port: int) -> int:
        """Return how many established connections it has to a local port."""
        sockets = set()
        for entry in os.scandir(f"/proc/{self.pid}/fd"):
            try:
                sockets.add(os.readlink(entry.path))
            except OSError:
                continue
        return sum(f"socket:[{inode}]" in sockets for inode in _sockets_to(port))

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self.is_running():
            self._process.send_signal(number)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()

    def _status_mb(self, field: str) -> float:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError(f"no {field} in /proc/{self.pid}/status")


def _sockets_to(port: int) -> list[str]:
    wanted, found = f"{port:04X}", []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[2].endswith(f":{wanted}") and fields[3] == _ESTABLISHED:
                found.append(fields[9])
    return found
