"""Writes the table of a chart's values into its README, from values.schema.json and values.yaml."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

_BEGIN = "<!-- values: written by `make generate` -->"
_END = "<!-- end of values -->"


def rows_of(schema: Mapping[str, Any], values: Any, prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield path, default and description of every value, in the order of the schema.

    An object whose properties the schema names is opened; everything else is one row.
    """
    for name, part in schema["properties"].items():
        if name not in values:
            continue
        path = f"{prefix}{name}"
        if "properties" in part:
            yield from rows_of(part, values[name], f"{path}.")
        else:
            yield path, json.dumps(values[name]), part["description"]


def render_table(schema: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """Return the Markdown table."""
    lines = ["| value | default | what it is |", "| --- | --- | --- |"]
    for path, default, description in rows_of(schema, values):
        lines.append(f"| `{path}` | `{default}` | {description.replace('|', chr(92) + '|')} |")
    return "\n".join(lines)


def with_table(readme: str, table: str) -> str:
    """Return the README with the table between its two marks.

    Raises:
        ValueError: a mark is missing.
    """
    before, begin, rest = readme.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"the README needs the lines {_BEGIN!r} and {_END!r}")
    return f"{before}{begin}\n{table}\n{end}{after}"


def main(
    chart: Path, check: Annotated[bool, typer.Option(help="Write nothing, fail if stale.")] = False
) -> None:
    """Bring the README of a chart up to date."""
    readme_path = chart / "README.md"
    readme = readme_path.read_text()
    schema = json.loads((chart / "values.schema.json").read_text())
    fresh = with_table(readme, render_table(schema, yaml.safe_load((chart / "values.yaml").read_text())))
    if fresh == readme:
        return
    if check:
        typer.echo(f"{readme_path} is stale: run `make generate` and commit the result", err=True)
        raise typer.Exit(1)
    readme_path.write_text(fresh)


if __name__ == "__main__":
    typer.run(main)
