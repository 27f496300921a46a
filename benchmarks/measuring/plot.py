"""Curves over the number of Sites as an SVG, both axes logarithmic: growth is the slope of a line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

Curve = Mapping[int, float | None]
COLOURS = {
    "ours": "#0b6e4f",
    "twin": "#c1440e",
    "ceiling": "#6b7280",
    "budget": "#9ca3af",
    "routes": "#c1440e",
    "map": "#1d4ed8",
    "nginx": "#7c3aed",
    "constant": "#6b7280",
    "bare": "#9ca3af",
}
_WIDTH, _HEIGHT, _COLUMNS = 360, 250, 2
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 28, 34, 34


@dataclass(frozen=True)
class Panel:
    """One diagram: a title with its unit, and a curve for each name."""

    title: str
    curves: Mapping[str, Curve]

    def points(self, name: str) -> list[tuple[int, float]]:
        return [(size, value) for size, value in sorted(self.curves[name].items()) if value and value > 0]


def draw(panels: list[Panel]) -> str:
    """Return the SVG of all panels that have a point."""
    shown = [panel for panel in panels if any(panel.points(name) for name in panel.curves)]
    rows = math.ceil(len(shown) / _COLUMNS)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_COLUMNS * _WIDTH} {rows * _HEIGHT}" '
        'font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for number, panel in enumerate(shown):
        row, column = divmod(number, _COLUMNS)
        parts += [f'<g transform="translate({column * _WIDTH},{row * _HEIGHT})">', *_panel(panel), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel) -> list[str]:
    points = [point for name in panel.curves for point in panel.points(name)]
    across = _Axis([size for size, _ in points], _LEFT, _WIDTH - _RIGHT)
    up = _Axis([value for _, value in points], _HEIGHT - _BOTTOM, _TOP)
    parts = [_text(_LEFT, 18, panel.title, weight="bold")]
    for size in sorted({size for size, _ in points}):
        parts += [_line(across.at(size), _TOP, across.at(size), _HEIGHT - _BOTTOM, "#e5e7eb")]
        parts += [_text(across.at(size), _HEIGHT - 14, f"{size:,}", anchor="middle")]
    for value in up.ticks():
        parts += [_line(_LEFT, up.at(value), _WIDTH - _RIGHT, up.at(value), "#e5e7eb")]
        parts += [_text(_LEFT - 6, up.at(value) + 4, f"{value:,g}", anchor="end")]
    for name in panel.curves:
        parts += _curve(name, panel.points(name), across, up)
    return parts


def _curve(name: str, points: list[tuple[int, float]], across: _Axis, up: _Axis) -> list[str]:
    if not points:
        return []
    colour = COLOURS.get(name, "black")
    places = [(across.at(size), up.at(value)) for size, value in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
    x, y = places[-1]
    # A budget is there to be near the curve that it bounds.
    below = 22 if name == "budget" else -7
    label = _text(x - 5, y + below, name, anchor="end", colour=colour)
    return [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>', *dots, label]


class _Axis:
    """A logarithmic scale from values to pixels; whole powers of ten enclose the values."""

    def __init__(self, values: list[float] | list[int], begin: float, end: float) -> None:
        self._low = math.floor(math.log10(min(values)))
        self._high = max(math.ceil(math.log10(max(values))), self._low + 1)
        self._begin, self._end = begin, end

    def at(self, value: float) -> float:
        share = (math.log10(value) - self._low) / (self._high - self._low)
        return self._begin + share * (self._end - self._begin)

    def ticks(self) -> list[float]:
        return [10.0**power for power in range(self._low, self._high + 1)]


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", weight: str = "normal", colour: str = "#111827"
) -> str:
    style = f'text-anchor="{anchor}" font-weight="{weight}" fill="{colour}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(text)}</text>'
