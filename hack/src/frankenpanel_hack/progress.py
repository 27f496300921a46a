"""Show how steps go: live on a terminal, line by line elsewhere."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from frankenpanel_hack.steps import Outcome, Step, StepResult

HEARTBEAT_SECONDS = 20.0
TAIL_LINES = 25
# Colours and cursor movements of other programs would break the display.
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
_SIGNS = {Outcome.DONE: ("✓", "green"), Outcome.UNCHANGED: ("=", "dim"), Outcome.FAILED: ("✗", "bold red")}


class _Running:
    """One step that is under way."""

    def __init__(self, step: Step, log: TextIO) -> None:
        self.step = step
        self.log = log
        self.started_at = time.monotonic()
        self.last_line = ""
        self.spinner = Spinner("dots")

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started_at


class ProgressReporter:
    """Writes every line to the step's log, and says what is under way; use it as a context."""

    def __init__(self, console: Console, logs_dir: Path) -> None:
        self._console = console
        self._logs_dir = logs_dir
        self._running: dict[str, _Running] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._live = Live(get_renderable=self._render, console=console, refresh_per_second=8, transient=True)
        self._heartbeat = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> ProgressReporter:
        """Begin to show."""
        self._logs_dir.mkdir(parents=True, exist_ok=True)
        if self._console.is_terminal:
            self._live.start()
        else:
            self._heartbeat.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End showing; what was printed stays."""
        self._ended.set()
        if self._console.is_terminal:
            self._live.stop()
        for running in self._running.values():
            running.log.close()

    def log_path(self, step: Step) -> Path:
        """Return where the whole output of a step is."""
        return self._logs_dir / f"{step.name}.log"

    def started(self, step: Step) -> None:
        """Show that a step begins."""
        log = self.log_path(step).open("w", encoding="utf-8", buffering=1)
        with self._lock:
            self._running[step.name] = _Running(step, log)
        if not self._console.is_terminal:
            self._console.print(f"  … {step.title}", highlight=False)

    def line(self, step: Step, text: str) -> None:
        """Keep one line of output."""
        with self._lock:
            running = self._running[step.name]
            running.log.write(text + "\n")
            running.last_line = _CONTROL.sub("", text).strip() or running.last_line

    def finished(self, result: StepResult) -> None:
        """Show how a step ended."""
        with self._lock:
            running = self._running.pop(result.step.name, None)
            if running is not None:
                running.log.close()
        sign, style = _SIGNS[result.outcome]
        said = result.outcome.value if result.outcome is not Outcome.DONE else f"{result.seconds:.1f} s"
        self._console.print(Text.assemble((sign, style), f" {result.step.title} ", (said, "dim")))

    def tail(self, step: Step) -> str:
        """Return the last lines that a step printed."""
        path = self.log_path(step)
        if not path.is_file():
            return ""
        with path.open(encoding="utf-8", errors="replace") as log:
            return "".join(deque(log, maxlen=TAIL_LINES))

    def _render(self) -> RenderableType:
        with self._lock:
            running = list(self._running.values())
        width = max(20, self._console.width - 4)
        for one in running:
            text = f"{one.step.title} ({one.seconds:.0f} s)"
            one.spinner.update(text=Text.assemble(text, (f"  {one.last_line}"[: width - len(text)], "dim")))
        return Group(*(one.spinner for one in running))

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT_SECONDS):
            with self._lock:
                lines = [
                    heartbeat_line(one.step.title, one.seconds, one.last_line)
                    for one in self._running.values()
                ]
            for line in lines:
                self._console.print(line, highlight=False, markup=False)


def heartbeat_line(title: str, seconds: float, last_line: str) -> str:
    """Return the line that shows that a long step lives."""
    return f"  … {title}: {seconds:.0f} s" + (f" | {last_line[:100]}" if last_line else "")


def times_table(results: Sequence[StepResult], total_seconds: float) -> Table:
    """Return the table of how long each step took."""
    table = Table(title="Step times", title_justify="left", box=None)
    table.add_column("step")
    table.add_column("seconds", justify="right")
    for result in results:
        said = f"{result.seconds:.1f}" if result.outcome is Outcome.DONE else result.outcome.value
        table.add_row(result.step.title, said)
    table.add_row("all, steps overlap", f"{total_seconds:.1f}", style="bold")
    return table
