"""Results of all rounds: kept as JSON, asked for medians."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from measuring.arithmetic import median, slope

Figures = dict[str, float | None]


@dataclass(frozen=True)
class Run:
    """One round of one contender at one size (Sites, hosts)."""

    contender: str
    size: int
    began: str
    seconds: float
    revision: str
    is_quick: bool
    figures: Figures
    details: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass
class Results:
    """All runs, and the machine they ran on; `size_name` is what sizes are called in the file."""

    machine: dict[str, Any]
    runs: list[Run] = field(default_factory=list)
    size_name: str = "size"

    def sizes(self, contender: str | None = None) -> list[int]:
        return sorted({run.size for run in self.runs if contender in (None, run.contender)})

    def rounds(self, contender: str, size: int) -> list[Run]:
        return [run for run in self.runs if (run.contender, run.size) == (contender, size)]

    def figure(self, contender: str, size: int, name: str) -> float | None:
        """Return the median of a figure over the rounds, None where it was never measured."""
        return median(run.figures.get(name) for run in self.rounds(contender, size))

    def curve(self, contender: str, name: str) -> dict[int, float | None]:
        """Return a figure by size."""
        return {size: self.figure(contender, size, name) for size in self.sizes(contender)}

    def slope(self, contender: str, name: str) -> float | None:
        return slope(self.curve(contender, name))


def load(path: Path, size_name: str) -> Results:
    if not path.exists():
        return Results(this_machine(), size_name=size_name)
    stored = json.loads(path.read_text())
    runs = [Run(size=run.pop(size_name), **run) for run in stored["runs"]]
    return Results(stored["machine"], runs, size_name)


def save(results: Results, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    runs = [_as_stored(run, results.size_name) for run in results.runs]
    content = {"machine": results.machine, "runs": runs}
    path.write_text(json.dumps(content, indent=1) + "\n")


def this_machine() -> dict[str, Any]:
    memory_kb = int(Path("/proc/meminfo").read_text().split()[1])
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory_kb / 1024**2),
        "processor": _processor(),
        "python": platform.python_version(),
        "kernel": platform.release(),
    }


def revision() -> str:
    """Return which state of the repository is measured, as far as git can tell."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    answer = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or "unknown"


def _processor() -> str:
    names: Iterable[str] = Path("/proc/cpuinfo").read_text().splitlines()
    return next(
        (line.partition(":")[2].strip() for line in names if line.startswith("model name")), "unknown"
    )


def _as_stored(run: Run, size_name: str) -> dict[str, Any]:
    figures = {
        name: None if value is None else float(f"{value:.5g}") for name, value in sorted(run.figures.items())
    }
    fields = {**asdict(run), "figures": figures}
    return {size_name if name == "size" else name: value for name, value in fields.items()}
