"""Run a program and hand on what it prints, line by line."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence

OnOutput = Callable[[str], None]
KEPT_LINES = 40


class CommandFailedError(Exception):
    """A program ended badly; the text has its last lines."""

    def __init__(self, command: Sequence[str], exit_code: int, last_lines: Sequence[str]) -> None:
        self.command = list(command)
        self.exit_code = exit_code
        self.last_lines = list(last_lines)
        said = "\n".join(self.last_lines)
        super().__init__(f"{shlex.join(self.command)} ended with {exit_code}:\n{said}")


_running: set[int] = set()


def end_running_programs() -> None:
    """End what other threads are running; their calls fail then."""
    for pid in list(_running):
        _end_group(pid)


def run_streamed(command: Sequence[str], environment: Mapping[str, str], on_output: OnOutput) -> None:
    """Run a program to its end, giving each printed line to `on_output`.

    The program gets its own process group, which is ended when this call is interrupted, so that no
    build goes on behind the back of whoever pressed Ctrl-C.

    Raises:
        CommandFailedError: when the program is missing or ends with another code than 0.
    """
    last_lines: deque[str] = deque(maxlen=KEPT_LINES)
    try:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise CommandFailedError(command, 127, [str(error)]) from error
    with process:
        _running.add(process.pid)
        try:
            for line in process.stdout or ():
                last_lines.append(line.rstrip("\n"))
                on_output(last_lines[-1])
        except BaseException:
            _end_group(process.pid)
            raise
        finally:
            _running.discard(process.pid)
    if process.returncode != 0:
        raise CommandFailedError(command, process.returncode, last_lines)


def quiet(command: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Run a program for its exit code alone."""
    try:
        done = subprocess.run(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except FileNotFoundError:
        return False
    return done.returncode == 0


def _end_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGTERM)
    except ProcessLookupError:
        return
