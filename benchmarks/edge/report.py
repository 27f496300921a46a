"""Writes the tables between the markers of the page, and the plot beside it."""

from __future__ import annotations

from pathlib import Path

from measuring.arithmetic import ratio
from measuring.goals import OURS, Goal, verdict
from measuring.page import machine_line, notes, number, table, write_sections
from measuring.plot import Panel, draw
from measuring.results import Results

from edge.goals import BARE, CONSTANT, GOALS

LAYOUTS = {
    OURS: "ours",
    "routes": "Caddy, a route per host",
    "map": "Caddy, bucketed map",
    "nginx": "nginx, a server per host",
    CONSTANT: "ours without lookup",
    BARE: "bare Caddy proxy",
}
_SECTIONS = ("machine", "goals", "ratios", "figures", "growth", "notes")
_NOTHING = "Nothing has been measured yet: run `make bench-edge`."
_FIGURES = (
    ("req/s, 16 connections", "requests_per_second", 0),
    ("p99 ms, 16 connections", "p99_ms", 2),
    ("CPU µs per request", "cpu_us_per_request", 0),
    ("p50 ms, 1 connection", "one_p50_ms", 3),
    ("p99 ms, 1 connection", "one_p99_ms", 3),
    ("req/s, first host only", "first_requests_per_second", 0),
    ("req/s, last host only", "last_requests_per_second", 0),
    ("memory MB", "rss_mb", 0),
    ("memory at its peak MB", "peak_mb", 0),
    ("change effective ms, median", "change_p50_ms", 1),
    ("change effective ms, slowest", "change_max_ms", 1),
    ("changes for that", "changes", 0),
    ("p99 ms in peace, answers compared", "quiet_p99_ms", 1),
    ("p99 ms while a domain changes", "busy_p99_ms", 1),
    ("req/s while a domain changes", "busy_requests_per_second", 0),
    ("answers then", "busy_requests", 0),
    ("of them failed", "busy_failures", 0),
    ("changes then", "busy_changes", 0),
    ("failed otherwise", "failures", 0),
)
_OURS = (
    ("p50 ms, 1 connection, in turn with the next two", "beside_p50_ms", 3),
    ("p50 ms of a bare proxy", "beside_bare_p50_ms", 3),
    ("p50 ms of ours without lookup", "beside_constant_p50_ms", 3),
    ("agent: start to a whole tree, s", "sync_seconds", 2),
    ("of it CPU s", "sync_cpu_seconds", 2),
    ("agent: memory then, MB", "sync_rss_mb", 0),
    ("agent: memory after the changes, MB", "agent_rss_mb", 0),
    ("certificate questions, p50 ms", "permission_p50_ms", 2),
    ("certificate questions, p99 ms", "permission_p99_ms", 2),
    ("questions a second", "permission_per_second", 0),
    ("handshake with a known name, p50 ms", "handshake_p50_ms", 2),
    ("the first one, with its certificate made, ms", "handshake_first_ms", 1),
    ("handshake with an unknown name refused, p50 ms", "refused_p50_ms", 2),
    ("handshake with an unknown name refused, p99 ms", "refused_p99_ms", 2),
    ("/metrics of Caddy, KB", "caddy_metrics_kb", 1),
    ("/metrics of Caddy, series", "caddy_metrics_series", 0),
    ("/metrics of the agent, KB", "agent_metrics_kb", 1),
    ("/metrics of the agent, series", "agent_metrics_series", 0),
)
_CURVES = {
    "requests_per_second": "Requests a second, 16 connections",
    "one_p50_ms": "p50 ms, 1 connection",
    "change_p50_ms": "Change effective: ms",
    "rss_mb": "Memory: MB",
}
_RATIOS = (
    ("req/s", "requests_per_second"),
    ("p50, 1 connection", "one_p50_ms"),
    ("memory", "rss_mb"),
    ("change effective", "change_p50_ms"),
    ("p99 while a domain changes", "busy_p99_ms"),
)


def write_report(results: Results, json_path: Path) -> None:
    """Rewrite what is between the markers of the Markdown file beside the JSON file, and the SVG."""
    page, plot = json_path.with_suffix(".md"), json_path.with_suffix(".svg")
    sections = dict.fromkeys(_SECTIONS, _NOTHING)
    if results.runs:
        sections = {
            "machine": machine_line(results),
            "goals": "\n\n".join(goals_at(results, hosts) for hosts in reversed(results.sizes())),
            "ratios": _ratios(results),
            "figures": _figures(results),
            "growth": f"![curves over the number of hosts]({plot.name})",
            "notes": notes(results, "hosts"),
        }
        plot.write_text(draw([_panel(results, name, title) for name, title in _CURVES.items()]))
    write_sections(page, sections)


def goals_at(results: Results, hosts: int) -> str:
    """Return the table of one size: ours with its verdict, the others with their figures."""
    shown = [name for name in LAYOUTS if results.rounds(name, hosts)]

    def row(goal: Goal) -> list[str]:
        cells = [verdict(goal, results, name, hosts) for name in shown]
        return [goal.name, goal.what, goal.bound, *cells]

    header = ("goal", "figure", "bound", *(LAYOUTS[name] for name in shown))
    rounds = ", ".join(f"{LAYOUTS[name]} {len(results.rounds(name, hosts))}" for name in shown)
    return f"### {hosts:,} hosts\n\n{table(header, map(row, GOALS))}\n\nRounds: {rounds}."


def _ratios(results: Results) -> str:
    """Return ours : theirs, where both were measured."""
    rows = []
    for hosts in results.sizes(OURS):
        for other in ("routes", "map", "nginx"):
            found = [
                ratio(results.figure(OURS, hosts, name), results.figure(other, hosts, name))
                for _, name in _RATIOS
            ]
            if any(value is not None for value in found):
                rows.append([f"{hosts:,}", LAYOUTS[other], *(number(value, 3) for value in found)])
    return table(("hosts", "ours : theirs", *(what for what, _ in _RATIOS)), rows)


def _figures(results: Results) -> str:
    """Return what is behind the goals: one table per size, then what only ours has."""
    tables = []
    for hosts in results.sizes():
        shown = [name for name in LAYOUTS if results.rounds(name, hosts)]
        rows = [
            [what, *(number(results.figure(layout, hosts, name), digits) for layout in shown)]
            for what, name, digits in _FIGURES
        ]
        tables.append(table((f"{hosts:,} hosts", *(LAYOUTS[name] for name in shown)), rows))
    sizes = results.sizes(OURS)
    rows = [
        [what, *(number(results.figure(OURS, hosts, name), digits) for hosts in sizes)]
        for what, name, digits in _OURS
    ]
    tables.append(table(("only ours", *(f"{hosts:,} hosts" for hosts in sizes)), rows))
    return "\n\n".join(tables)


def _panel(results: Results, name: str, title: str) -> Panel:
    return Panel(title, {layout: results.curve(layout, name) for layout in LAYOUTS})
