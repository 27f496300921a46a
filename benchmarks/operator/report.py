"""Writes the tables between the markers of the page, and the plot beside it."""

from __future__ import annotations

from pathlib import Path

from goals import GOALS, GROWING, MAX_SLOPE, memory_budget_mb
from measuring.goals import Goal, verdict
from measuring.page import judged, machine_line, notes, number, table, write_sections
from measuring.plot import Panel, draw
from measuring.results import Results

_CONTENDERS, _CEILING_NAME = ("ours", "twin"), "ceiling"
_NOTHING = "Nothing has been measured yet: run `make bench-operator`."
_SECTIONS = ("machine", "goals", "figures", "growth", "notes")
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
    sections = dict.fromkeys(_SECTIONS, _NOTHING)
    if results.runs:
        sections = {
            "machine": machine_line(results),
            "goals": _goals(results),
            "figures": _figures(results),
            "growth": _growth(results, plot.name),
            "notes": notes(results, "Sites"),
        }
    write_sections(page, sections)
    if results.runs:
        plot.write_text(draw(_panels(results)))


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
        shown = judged(found, 2, found is not None and found <= MAX_SLOPE)
        return [_CURVES[name], shown, number(results.slope("twin", name))]

    header = ("curve", "slope of ours", "slope of the twin")
    return f"{table(header, map(row, GROWING))}\n\n![curves over the number of Sites]({plot_name})"


def _panels(results: Results) -> list[Panel]:
    panels = []
    for name, title in _CURVES.items():
        curves = {contender: results.curve(contender, name) for contender in _CONTENDERS}
        if name == "rss_mb":
            curves["budget"] = {sites: memory_budget_mb(sites) for sites in results.sizes("ours")}
        panels.append(Panel(title, curves))
    return panels
