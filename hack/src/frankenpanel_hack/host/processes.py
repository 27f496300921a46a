"""Find the processes of our cluster among all others of the host, and end them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
# kubelet puts every pod below this control group.
POD_CGROUP = "/kubepods"


@dataclass(frozen=True)
class Process:
    """One process as /proc shows it."""

    pid: int
    parent: int
    command: tuple[str, ...]
    cgroups: str

    @property
    def in_pod(self) -> bool:
        """Whether it runs in the control group of a pod."""
        return any(POD_CGROUP in line for line in self.cgroups.splitlines())


def read_processes() -> list[Process]:
    """Return every process that has a command line."""
    found = (_read_process(entry) for entry in PROC.iterdir() if entry.name.isdigit())
    return [process for process in found if process is not None and process.command]


def _read_process(entry: Path) -> Process | None:
    try:
        command = (entry / "cmdline").read_bytes().rstrip(b"\0").decode(errors="replace")
        # The name, in parentheses, may have spaces and parentheses of its own.
        parent = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[1]
        cgroups = (entry / "cgroup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return Process(int(entry.name), int(parent), tuple(command.split("\0")) if command else (), cgroups)


def shims(processes: Iterable[Process], socket: Path) -> list[int]:
    """Return the shims of the containerd that listens on `socket`; each holds the containers of one pod."""
    return [
        process.pid
        for process in processes
        if Path(process.command[0]).name.startswith("containerd-shim") and str(socket) in process.command
    ]


def daemons(processes: Iterable[Process], containerd_config: Path, kubelet: Path) -> list[int]:
    """Return the containerd and kubelet that were started with our files."""
    return [
        process.pid
        for process in processes
        if process.command[0] == str(kubelet)
        or (Path(process.command[0]).name == "containerd" and str(containerd_config) in process.command)
    ]


def descendants(processes: Iterable[Process], roots: Iterable[int]) -> set[int]:
    """Return the roots and everything below them."""
    children: dict[int, list[int]] = {}
    for process in processes:
        children.setdefault(process.parent, []).append(process.pid)
    found: set[int] = set()
    pending = list(roots)
    while pending:
        pid = pending.pop()
        if pid not in found:
            found.add(pid)
            pending += children.get(pid, [])
    return found


def orphans(processes: list[Process], socket: Path) -> set[int]:
    """Return processes of pods whose shim is gone.

    Nothing would ever end them, and an orphaned etcd or API server keeps its successor from its port.
    """
    held = descendants(processes, shims(processes, socket))
    return {process.pid for process in processes if process.in_pod and process.pid not in held}


def end_processes(pids: Iterable[int], grace_seconds: float) -> None:
    """Ask processes to end, and kill those that have not when the time is over."""
    left = _send(pids, signal.SIGTERM) if grace_seconds else set(pids)
    deadline = time.monotonic() + grace_seconds
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = {pid for pid in left if is_alive(pid)}
    killed = _send(left, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while any(is_alive(pid) for pid in killed) and time.monotonic() < deadline:
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    """Tell whether a process is there and not just waiting for its parent to notice its end."""
    try:
        return (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _send(pids: Iterable[int], what: signal.Signals) -> set[int]:
    reached = set()
    for pid in pids:
        try:
            os.kill(pid, what)
        except ProcessLookupError:
            continue
        reached.add(pid)
    return reached
