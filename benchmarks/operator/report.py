"""Writes the tables between the markers of the page, and the plot beside it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from goals import GOALS, GROWING, MAX_SLOPE, Goal, memory_budget_mb
from plot import Panel, draw
from results import Results

_CONTENDERS, _CEILING_NAME = ("ours", "twin"), "ceiling"
_NOTHING = "Nothing has been measured yet: run `make bench-operator`."
_MET, _MISSED = "met", "**missed**"
_CURVES = {
    "burst_seconds": "Burst of Sites: seconds",
    "domains_seconds": "Burst of Domains: seconds",
    "restart_cpu_seconds": "Restart: CPU seconds",
    "resync_cpu_seconds": "Resync with nothing to do: CPU seconds",
    "rss_mb": "Memory: MB",
    "site_p50_ms": "One new Site, idle: p50 ms",
}
_FIGURES = (
    ("burst, Sites/s", "burst_sites_per_second"),
    ("burst, s", "burst_seconds"),
    ("burst, CPU s of the operator", "sites_cpu_operator_seconds"),
    ("burst, CPU s of the API server", "sites_cpu_apiserver_seconds"),
    ("burst, CPU s of etcd", "sites_cpu_etcd_seconds"),
    ("burst, CPU s of the benchmark itself", "sites_cpu_generator_seconds"),
    ("Domains/s", "domains_per_second"),
    ("writes per Domain", "writes_per_domain"),
    ("reads per Domain", "reads_per_domain"),
    ("idle, CPU %", "idle_cpu_percent"),
    ("drift repaired, p50 ms", "repair_p50_ms"),
    ("drift repaired, p99 ms", "repair_p99_ms"),
    ("restart, wall s", "restart_seconds"),
    ("restart, reads", "restart_reads"),
    ("new Site in a mass resync, p50 ms", "mass_site_p50_ms"),
    ("new Site in a mass resync, p99 ms", "mass_site_p99_ms"),
    ("new Site beside hopeless ones, p50 ms", "hopeless_site_p50_ms"),
    ("new Site beside hopeless ones, p99 ms", "hopeless_site_p99_ms"),
    ("hopeless Sites", "hopeless_sites"),
    ("their calls in 20 s", "hopeless_calls"),
    ("memory after the bursts, MB", "burst_rss_mb"),
    ("memory at its peak, MB", "burst_peak_mb"),
    ("hand-over after SIGTERM, s", "handover_seconds"),
    ("objects missing after both", "takeover_missing_objects"),
    ("changes of writer", "changes_of_writer"),
    ("others' p99, idle, ms", "others_idle_p99_ms"),
    ("others' p99, burst, ms", "others_burst_p99_ms"),
    ("others' p99 once the creator is done, ms", "others_after_creation_p99_ms"),
)
_CEILING = (
    ("POST/s of 2 KB", "post_per_second"),
    ("PATCH/s of 2 KB", "patch_per_second"),
    ("whole Sites/s by plain requests", "burst_sites_per_second"),
    ("others' p99 meanwhile, ms", "others_burst_p99_ms"),
)


def write_report(results: Results, json_path: Path) -> None:
    """Rewrite what is between the markers of the Markdown file beside the JSON file, and the SVG."""
    page, plot = json_path.with_suffix(".md"), json_path.with_suffix(".svg")
    sections = {
        "machine": _machine(results),
        "goals": _goals(results),
        "figures": _figures(results),
        "growth": _growth(results, plot.name),
        "notes": _notes(results),
    }
    text = (
        page.read_text() if page.exists() else "".join(f"{_begin(name)}\n{_end(name)}\n" for name in sections)
    )
    for name, content in sections.items():
        text = replace_section(text, name, content if results.runs else _NOTHING)
    page.write_text(text)
    if results.runs:
        plot.write_text(draw(_panels(results)))


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


def verdict(goal: Goal, results: Results, contender: str, sites: int) -> str:
    """Return the figure with the goal's verdict for one contender and size, or a dash."""
    value = goal.figure(results, contender, sites)
    if value is None:
        return "-"
    shown = number(value, goal.digits)
    if contender != "ours":
        return shown
    return f"{shown} {_MET if goal.is_met(value, results, sites) else _MISSED}"


def _goals(results: Results) -> str:
    """Return one table per size: ours with its verdict, the twin, and the ceiling."""
    return "\n\n".join(
        f"### {sites:,} Sites and {5 * sites:,} Domains\n\n{_goals_at(results, sites)}"
        for sites in results.sizes()
    )


def _goals_at(results: Results, sites: int) -> str:
    def row(goal: Goal) -> list[str]:
        shown = [verdict(goal, results, contender, sites) for contender in (*_CONTENDERS, _CEILING_NAME)]
        return [goal.name, goal.what, goal.bound, *shown]

    rates = [number(results.figure(name, sites, "burst_sites_per_second"), 1) for name in _CONTENDERS]
    whole = number(results.figure(_CEILING_NAME, sites, "burst_sites_per_second"), 1)
    rounds = ", ".join(f"{name} {len(results.rounds(name, sites))}" for name in (*_CONTENDERS, "ceiling"))
    return (
        table(("goal", "figure", "bound", *_CONTENDERS, _CEILING_NAME), map(row, GOALS))
        + f"\n\nSites a second in the burst: ours {rates[0]}, twin {rates[1]}, ceiling {whole}."
        + f" Rounds: {rounds}."
    )


def _figures(results: Results) -> str:
    """Return what is behind the goals, a column per contender and size; then the ceiling."""
    columns = [(name, sites) for name in _CONTENDERS for sites in results.sizes(name)]
    header = ("figure", *(f"{name} {sites:,}" for name, sites in columns))
    rows = [
        [what, *(number(results.figure(contender, sites, name)) for contender, sites in columns)]
        for what, name in _FIGURES
    ]
    sizes = results.sizes("ceiling")
    ceiling = [
        [what, *(number(results.figure("ceiling", sites, name), 1) for sites in sizes)]
        for what, name in _CEILING
    ]
    tables = [table(header, rows)] if columns else []
    if sizes:
        tables.append(table(("ceiling", *(f"{sites:,}" for sites in sizes)), ceiling))
    return "\n\n".join(tables)


def _growth(results: Results, plot_name: str) -> str:
    def row(name: str) -> list[str]:
        found = results.slope("ours", name)
        judged = "-" if found is None else f"{number(found)} {_MET if found <= MAX_SLOPE else _MISSED}"
        return [_CURVES[name], judged, number(results.slope("twin", name))]

    header = ("curve", "slope of ours", "slope of the twin")
    return f"{table(header, map(row, GROWING))}\n\n![curves over the number of Sites]({plot_name})"


def _notes(results: Results) -> str:
    """Return what went otherwise than planned."""
    lines = [
        f"- {run.contender}, {run.sites:,} Sites, {run.began}: {note}"
        for run in results.runs
        for note in run.notes
    ]
    if any(run.is_quick for run in results.runs):
        lines.append(
            "- Some rounds were run with --quick: their figures say that everything runs, and no more."
        )
    return "\n".join(lines) or "Everything went as planned."


def _machine(results: Results) -> str:
    machine = results.machine
    dates = sorted(run.began[:10] for run in results.runs)
    return (
        f"{machine['cores']} cores ({machine['processor']}), {machine['memory_gib']} GiB, "
        f"Python {machine['python']}, Linux {machine['kernel']}; measured {dates[0]} to {dates[-1]}."
        if dates
        else _NOTHING
    )


def _panels(results: Results) -> list[Panel]:
    panels = []
    for name, title in _CURVES.items():
        curves = {contender: results.curve(contender, name) for contender in _CONTENDERS}
        if name == "rss_mb":
            curves["budget"] = {sites: memory_budget_mb(sites) for sites in results.sizes("ours")}
        panels.append(Panel(title, curves))
    return panels


_begin: Callable[[str], str] = "<!-- benchmark:{}:begin -->".format
_end: Callable[[str], str] = "<!-- benchmark:{}:end -->".format
