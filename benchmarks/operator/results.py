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

from arithmetic import median, slope

Figures = dict[str, float | None]


@dataclass(frozen=True)
class Run:
    """One round of one contender at one size."""

    contender: str
    sites: int
    began: str
    seconds: float
    revision: str
    is_quick: bool
    figures: Figures
    details: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass
class Results:
    """All runs, and the machine they ran on."""

    machine: dict[str, Any]
    runs: list[Run] = field(default_factory=list)

    def sizes(self, contender: str | None = None) -> list[int]:
        return sorted({run.sites for run in self.runs if contender in (None, run.contender)})

    def rounds(self, contender: str, sites: int) -> list[Run]:
        return [run for run in self.runs if (run.contender, run.sites) == (contender, sites)]

    def figure(self, contender: str, sites: int, name: str) -> float | None:
        """Return the median of a figure over the rounds, None where it was never measured."""
        return median(run.figures.get(name) for run in self.rounds(contender, sites))

    def curve(self, contender: str, name: str) -> dict[int, float | None]:
        """Return a figure by number of Sites."""
        return {sites: self.figure(contender, sites, name) for sites in self.sizes(contender)}

    def slope(self, contender: str, name: str) -> float | None:
        return slope(self.curve(contender, name))


def load(path: Path) -> Results:
    if not path.exists():
        return Results(this_machine())
    stored = json.loads(path.read_text())
    return Results(stored["machine"], [Run(**run) for run in stored["runs"]])


def save(results: Results, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"machine": results.machine, "runs": [asdict(_rounded(run)) for run in results.runs]}
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


def _rounded(run: Run) -> Run:
    figures = {
        name: None if value is None else float(f"{value:.5g}") for name, value in sorted(run.figures.items())
    }
    return Run(**{**asdict(run), "figures": figures})
