"""The operator as a process that kills itself at a failpoint, and the test's handle of it.

A new process for each of some eighty deaths would spend most of its time with imports. So one process, the
nursery, imports everything and forks an operator whenever it is told to. Each of these is a process of its
own: it ends by SIGKILL, the kernel hangs up for it, and nobody inherits its memory.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, NoReturn

import kopf
from frankenpanel_operator import failpoints, main, metrics

DEADLINE_SECONDS = 90.0
_POLL_SECONDS = 0.03
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Kill:
    """Death (or another signal) at a point, when it is reached for the n-th time since the order."""

    point: str
    nth: int = 1
    by: signal.Signals = signal.SIGKILL

    def __str__(self) -> str:
        return self.point if self.nth == 1 else f"{self.point}-{self.nth}"


class Nursery:
    """Forks operators; all of them end when it is closed, or when the tests do."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0
        with (folder / "nursery.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def start(self, environment: Mapping[str, str], kill: Kill | None = None) -> KillableOperator:
        """Start an operator, which dies as told, and return before it has done anything."""
        self._count += 1
        home = self._folder / str(self._count)
        home.mkdir()
        order = {"home": str(home), "environment": dict(environment), "kill": _order(kill)}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, (self._folder / "nursery.log").read_text()
        return KillableOperator(home, int(answer))

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


class KillableOperator:
    """One operator of a nursery."""

    def __init__(self, home: Path, pid: int) -> None:
        self.pid, self._home = pid, home
        try:
            self._pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            self._pidfd = -1

    def is_alive(self) -> bool:
        return self._pidfd >= 0 and not select.select([self._pidfd], [], [], 0)[0]

    def is_stopped(self) -> bool:
        """Say whether a SIGSTOP holds it."""
        stat = Path(f"/proc/{self.pid}/stat").read_text()
        return stat.rsplit(")", 1)[1].split()[0] == "T"

    def arm(self, kill: Kill) -> None:
        """Let it die; reaches of the point before this call do not count."""
        self._ask({"kill": _order(kill)})

    def is_idle(self) -> bool:
        """Say whether it reconciles, and nothing is being done or about to be; plans do not count."""
        return bool(self.state().get("is_idle"))

    def state(self) -> dict[str, Any]:
        """Return what the operator says of itself; nothing where it does not answer."""
        return self._ask({}) or {}

    def reached(self) -> list[str]:
        """Return the points it came by, in order; the last one is where it died, if it did."""
        path = self._home / "reached"
        return path.read_text().split() if path.exists() else []

    def log(self) -> str:
        return (self._home / "log").read_text()

    def complaints(self) -> list[str]:
        """Return what it logged that nobody may need to read while all is as it should be."""
        lines = self.log().splitlines()
        return [line for line in lines if '"level":"error"' in line or '"level":"critical"' in line]

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.wait_until_dead()

    def stop(self) -> None:
        """End it as a pod is ended, and wait."""
        self.signal(signal.SIGTERM)
        self.wait_until_dead()

    def signal(self, what: signal.Signals) -> None:
        if self.is_alive():
            signal.pidfd_send_signal(self._pidfd, what)

    def wait_until_dead(self) -> None:
        self.wait_until(lambda: not self.is_alive(), "it is dead")

    def wait_until(self, condition: Callable[[], Any], what: str) -> None:
        """Poll until a condition holds, or fail with what the operator said last."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                said = f"reached {self.reached()[-5:]}\n{self.log()[-3000:]}"
                raise AssertionError(f"not within {DEADLINE_SECONDS} s: {what}; {said}")
            time.sleep(_POLL_SECONDS)

    def _ask(self, question: Mapping[str, Any]) -> dict[str, Any] | None:
        """Put a question; None where nobody answers: it is dead, or not up yet."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(DEADLINE_SECONDS)
            try:
                connection.connect(str(self._home / "control"))
                connection.sendall(json.dumps(question).encode() + b"\n")
                answer = connection.makefile().readline()
            except (FileNotFoundError, ConnectionError):
                return None
        return dict(json.loads(answer)) if answer else None


def _order(kill: Kill | None) -> list[Any] | None:
    return None if kill is None else [kill.point, kill.nth, kill.by]


class _Trap:
    """Inside of the operator: notes what is reached, and kills where it was told to."""

    def __init__(self, record: Path, order: list[Any] | None) -> None:
        self._record = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._lock = Lock()  # points are also reached in threads that speak to database servers
        self.order = order

    def reached(self, point: str) -> None:
        with self._lock:
            os.write(self._record, f"{point}\n".encode())
            if self.order is not None and self.order[0] == point:
                self.order[1] -= 1
                if self.order[1] == 0:
                    os.kill(os.getpid(), self.order[2])


async def _operate(home: Path, order: list[Any] | None) -> None:
    """Run the operator as `kopf run` does, and answer the test's questions."""
    trap, memo, registry = _Trap(home / "reached", order), kopf.Memo(), kopf.OperatorRegistry()
    failpoints.arm(trap.reached)
    main.register(registry)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = json.loads(await reader.readline())
        if "kill" in question:
            trap.order = question["kill"]
        writer.write(json.dumps(_state(memo)).encode() + b"\n")
        writer.close()

    async with await asyncio.start_unix_server(answer, home / "control"):
        await kopf.operator(registry=registry, memo=memo, standalone=True, clusterwide=True)


def _state(memo: Any) -> dict[str, Any]:
    """Say how the operator is; before its start-up nothing is so."""
    runtime = memo.get("runtime")
    if runtime is None:
        return {}
    return {
        "is_idle": runtime.leading.is_set() and runtime.queue.is_idle(),
        "is_leading": runtime.leading.is_set(),
        "is_standing_by": not runtime.leading.is_set() and not runtime.health.missing_parts(),
        "fenced_writes": metrics.FENCED_WRITES._value.get(),
    }


def _become_operator(order: Mapping[str, Any]) -> NoReturn:
    """Never return to the nursery's loop."""
    status = 1
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        home = Path(order["home"])
        log = os.open(home / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for stream, descriptor in ((os.open(os.devnull, os.O_RDONLY), 0), (log, 1), (log, 2)):
            os.dup2(stream, descriptor)
        os.environ.update(order["environment"])
        asyncio.run(_operate(home, order["kill"]))
        status = 0
    except BaseException:  # noqa: BLE001  a forked process ends here, whatever happened
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
    finally:
        sys.stderr.flush()
        os._exit(status)


def _nurse() -> None:
    """Fork an operator for every line that comes in; all that it needs is imported by now."""

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the dead
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _become_operator(json.loads(line))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _nurse()
