"""Keeps containerd and kubelet running; a process of its own that outlives `up`.

There is no service manager to count on: containers and CI machines have none. Run as
`python -m frankenpanel_hack.host.supervisor BUILD_DIR DIGEST`; the digest only tells `up` whether the
running supervisor has started today's programs.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from frankenpanel_hack.host.places import KUBELET_DIR, KUBERNETES_DIR, RUN_DIR, HostPlaces
from frankenpanel_hack.host.processes import daemons, end_processes, read_processes
from frankenpanel_hack.layout import Layout

POLL_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0
STEADY_AFTER_SECONDS = 30.0
LOG_LIMIT_BYTES = 64 * 1024 * 1024
LOCK_FILE = RUN_DIR / "supervisor.lock"

_FLAGS_VARIABLE = "KUBELET_KUBEADM_ARGS="


@dataclass
class Daemon:
    """One program that must run.

    Attributes:
        name: names its log.
        command: called at each start; None while the program cannot be started yet.
    """

    name: str
    command: Callable[[], list[str] | None]
    process: subprocess.Popen[bytes] | None = None
    pause_seconds: float = POLL_SECONDS
    started_at: float = 0.0
    not_before: float = field(default=0.0)

    def step(self, logs_dir: Path, now: float) -> None:
        """Start the program when it does not run; ever more slowly when it keeps ending."""
        if self.process is not None and self.process.poll() is None:
            return
        if self.process is not None:
            steady = now - self.started_at > STEADY_AFTER_SECONDS
            self.pause_seconds = (
                POLL_SECONDS if steady else min(self.pause_seconds * 2, LONGEST_PAUSE_SECONDS)
            )
            self.not_before = now + self.pause_seconds
            print(f"{self.name} ended with {self.process.returncode}", flush=True)
            self.process = None
        command = self.command() if now >= self.not_before else None
        if command is None:
            return
        with (logs_dir / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
            )
        self.started_at = now


def containerd_command(places: HostPlaces) -> list[str]:
    """Return how our containerd is started."""
    return ["containerd", "--config", str(places.containerd_config)]


def kubelet_command(kubelet: Path, kubelet_dir: Path, kubernetes_dir: Path) -> list[str] | None:
    """Return how kubelet is started, or None before kubeadm has written its configuration."""
    config = kubelet_dir / "config.yaml"
    if not config.is_file():
        return None
    flags_file = kubelet_dir / "kubeadm-flags.env"
    flags = flags_from(flags_file.read_text()) if flags_file.is_file() else []
    return [
        str(kubelet),
        f"--bootstrap-kubeconfig={kubernetes_dir / 'bootstrap-kubelet.conf'}",
        f"--kubeconfig={kubernetes_dir / 'kubelet.conf'}",
        f"--config={config}",
        *flags,
    ]


def flags_from(text: str) -> list[str]:
    """Return the flags that kubeadm wrote for kubelet's service unit."""
    for line in text.splitlines():
        if line.startswith(_FLAGS_VARIABLE):
            return [
                flag for word in shlex.split(line.removeprefix(_FLAGS_VARIABLE)) for flag in shlex.split(word)
            ]
    return []


def supervise(places: HostPlaces) -> None:
    """Keep both programs running until told to end; pods go on without them."""
    kubelet = places.layout.bin_dir / "kubelet"
    end_processes(daemons(read_processes(), places.containerd_config, kubelet), grace_seconds=5)
    running = [
        Daemon("containerd", lambda: containerd_command(places)),
        Daemon("kubelet", lambda: kubelet_command(kubelet, KUBELET_DIR, KUBERNETES_DIR)),
    ]
    try:
        while True:
            for daemon in running:
                daemon.step(places.layout.logs_dir, time.monotonic())
                _bound_log(places.layout.logs_dir / f"{daemon.name}.log")
            time.sleep(POLL_SECONDS)
    finally:
        # kubelet first: it would report a runtime that is gone.
        for daemon in reversed(running):
            if daemon.process is not None:
                end_processes([daemon.process.pid], grace_seconds=5)
                daemon.process.wait()


def _bound_log(path: Path) -> None:
    if path.is_file() and path.stat().st_size > LOG_LIMIT_BYTES:
        os.truncate(path, 0)


def main() -> None:
    """Hold the lock that says that a supervisor runs, and supervise."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    build_dir = Path(sys.argv[1])
    places = HostPlaces(Layout(repository=build_dir, build_dir=build_dir))
    with LOCK_FILE.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit("another supervisor is running") from None
        places.supervisor_pid.write_text(str(os.getpid()))
        supervise(places)


if __name__ == "__main__":
    main()
