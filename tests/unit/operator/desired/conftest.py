"""Snapshots of rendered manifests: one YAML file per case, reviewed like code."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

SNAPSHOTS = Path(__file__).parent / "snapshots"
UPDATE_VARIABLE = "FRANKENPANEL_UPDATE_SNAPSHOTS"


class _Dumper(yaml.SafeDumper):
    """Writes long text in block style and repeats what occurs twice, so that a changed line shows as one."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def _readable(manifest: dict[str, Any]) -> dict[str, Any]:
    """Show what a Secret holds, and tabs as spaces, which block style needs."""
    decode = manifest["kind"] == "Secret"
    if "data" not in manifest:
        return manifest
    values = {
        key: base64.b64decode(value).decode() if decode else value.expandtabs(4)
        for key, value in manifest["data"].items()
    }
    return {**manifest, "data": values}


@pytest.fixture
def snapshot() -> Callable[[str, Sequence[dict[str, Any]]], None]:
    """Return a function that compares manifests with the file of a case, or writes it when asked to."""

    def compare(case: str, manifests: Sequence[dict[str, Any]]) -> None:
        path = SNAPSHOTS / f"{case}.yaml"
        text = yaml.dump_all(
            map(_readable, manifests), Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True
        )
        if os.environ.get(UPDATE_VARIABLE):
            path.write_text(text)
        assert path.exists(), f"no snapshot yet: run with {UPDATE_VARIABLE}=1 and review the file"
        assert text == path.read_text(), f"run with {UPDATE_VARIABLE}=1 and review the change"

    return compare
