"""Command: write CRDs, CRD chart and field reference from the models, or check that they are fresh.

`python -m frankenpanel_crds.generate` writes; with `--check` it changes nothing and exits with 1 when a
file is not what the models say.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from frankenpanel_crds import labels
from frankenpanel_crds.crd import ALL_MODELS, custom_resource_definition
from frankenpanel_crds.reference import render_reasons, render_reference

GENERATED_DIR = Path("crds/generated")
CHART_TEMPLATES_DIR = Path("charts/frankenpanel-crds/templates")
FIELDS_FILE = Path("docs/reference/fields.md")
REASONS_FILE = Path("docs/reference/reasons.md")

COMMAND = "make generate"
_PROGRAM = "python -m frankenpanel_crds.generate"
_HEADER = f"# Generated from crds/src/frankenpanel_crds by `{COMMAND}`; do not edit.\n"
_KEEP = {"helm.sh/resource-policy": "keep"}
_LABELS = {labels.LABEL_NAME: "frankenpanel-crds", labels.LABEL_PART_OF: labels.PART_OF}


class _Dumper(yaml.SafeDumper):
    """Writes every value in place; an anchor would tie fields together that only happen to be alike."""

    def ignore_aliases(self, data: object) -> bool:
        """Say that nothing is written as an alias."""
        return True


def _yaml_text(manifest: dict[str, Any]) -> str:
    return _HEADER + yaml.dump(manifest, Dumper=_Dumper, sort_keys=True, width=100, allow_unicode=True)


@cache
def generated_files() -> Mapping[Path, str]:
    """Return every generated file: path below the repository, and content."""
    files: dict[Path, str] = {}
    crds = [custom_resource_definition(model) for model in ALL_MODELS]
    for crd in crds:
        name = f"{crd['metadata']['name']}.yaml"
        files[GENERATED_DIR / name] = _yaml_text(crd)
        # Deleting the chart must not delete every site of the cluster.
        kept = {**crd, "metadata": {**crd["metadata"], "annotations": _KEEP, "labels": _LABELS}}
        files[CHART_TEMPLATES_DIR / name] = _yaml_text(kept)
    files[FIELDS_FILE] = render_reference(crds)
    files[REASONS_FILE] = render_reasons()
    return MappingProxyType(files)


def stale_files(root: Path) -> list[Path]:
    """Return the generated files that are missing, differ, or have no model any more."""
    expected = generated_files()
    stale = [path for path, text in expected.items() if _read(root / path) != text]
    return sorted([*stale, *_leftovers(root, expected)])


def write_files(root: Path) -> list[Path]:
    """Write what is stale, remove what has no model any more, and return both."""
    stale = stale_files(root)
    expected = generated_files()
    for path in stale:
        target = root / path
        if path in expected:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(expected[path], encoding="utf-8")
        else:
            target.unlink()
    return stale


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog=_PROGRAM, description="Write the CRDs from the models.")
    parser.add_argument(
        "--check", action="store_true", help="change nothing, exit with 1 when a file is stale"
    )
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="the repository (default: here)")
    options = parser.parse_args(arguments)
    if not (options.root / "crds").is_dir():
        parser.error(f"{options.root} is not the repository; run this from its root, or name it by --root")
    if not options.check:
        for path in write_files(options.root):
            sys.stdout.write(f"wrote {path}\n")
        return 0
    stale = stale_files(options.root)
    for path in stale:
        sys.stderr.write(f"{path} is stale; run `{COMMAND}` and commit the result\n")
    return 1 if stale else 0


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _leftovers(root: Path, expected: Mapping[Path, str]) -> list[Path]:
    present = [
        path.relative_to(root)
        for folder in (GENERATED_DIR, CHART_TEMPLATES_DIR)
        for path in (root / folder).glob("*.yaml")
    ]
    return [path for path in present if path not in expected]


if __name__ == "__main__":
    sys.exit(main())
