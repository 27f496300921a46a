"""Markdown between markers of a page that people write: tables, figures, sections."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from measuring.results import Results

MET, MISSED = "met", "**missed**"
_begin: Callable[[str], str] = "<!-- benchmark:{}:begin -->".format
_end: Callable[[str], str] = "<!-- benchmark:{}:end -->".format


def write_sections(page: Path, sections: Mapping[str, str]) -> None:
    """Rewrite what is between the markers; a page that is not there gets markers and nothing else."""
    text = (
        page.read_text() if page.exists() else "".join(f"{_begin(name)}\n{_end(name)}\n" for name in sections)
    )
    for name, content in sections.items():
        text = replace_section(text, name, content)
    page.write_text(text)


def replace_section(text: str, name: str, content: str) -> str:
    """Put content between the markers of a name.

    Raises:
        ValueError: the page has no such markers.
    """
    pattern = re.compile(f"{re.escape(_begin(name))}.*?{re.escape(_end(name))}", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"the page lacks the markers of {name}")
    return pattern.sub(lambda _: f"{_begin(name)}\n{content}\n{_end(name)}", text)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float | None, digits: int = 2) -> str:
    """Write a figure as a person would; a dash where there is none."""
    if value is None:
        return "-"
    return f"{value:,.{digits}f}" if abs(value) < 100 or digits == 0 else f"{value:,.0f}"


def judged(value: float | None, digits: int, is_met: bool) -> str:
    """Write a figure with its verdict; a dash where there is none."""
    return "-" if value is None else f"{number(value, digits)} {MET if is_met else MISSED}"


def machine_line(results: Results) -> str:
    """Say on what and when was measured."""
    machine = results.machine
    dates = sorted(run.began[:10] for run in results.runs)
    return (
        f"{machine['cores']} cores ({machine['processor']}), {machine['memory_gib']} GiB, "
        f"Python {machine['python']}, Linux {machine['kernel']}; measured {dates[0]} to {dates[-1]}."
    )


def notes(results: Results, things: str) -> str:
    """Return what went otherwise than planned."""
    lines = [
        f"- {run.contender}, {run.size:,} {things}, {run.began}: {note}"
        for run in results.runs
        for note in run.notes
    ]
    if any(run.is_quick for run in results.runs):
        lines.append(
            "- Some rounds were run with --quick: their figures say that everything runs, and no more."
        )
    return "\n".join(lines) or "Everything went as planned."
