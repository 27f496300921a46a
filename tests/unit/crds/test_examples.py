"""The examples of the integration tests: each rule has one, and the models read the valid ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from frankenpanel_crds.crd import ALL_MODELS, custom_resource_definition
from pydantic import ValidationError

EXAMPLES = Path(__file__).parents[2] / "integration" / "crds"
MODELS = {model.NAMES.kind: model for model in ALL_MODELS}


def messages(node: dict[str, Any]) -> Iterator[str]:
    for rule in node.get("x-kubernetes-validations", ()):
        yield rule["message"]
    for child in node.get("properties", {}).values():
        yield from messages(child)
    if "items" in node:
        yield from messages(node["items"])


def expected_fragments(kind: str) -> list[str]:
    """The messages that examples of one kind wait for; allowed updates wait for none."""
    paths = [
        *(EXAMPLES / "invalid").glob(f"{kind.lower()}-*"),
        *(EXAMPLES / "updates").glob(f"{kind.lower()}-*"),
    ]
    fragments = [
        path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# expect: ") for path in paths
    ]
    # Rules on settings put the name of the setting where their plain message says "a setting".
    return [
        re.sub(r"(spec\.runtime\.ini:) (?:a setting|\S+)", r"\1 a setting", fragment)
        for fragment in fragments
    ]


def rule_cases() -> list[Any]:
    cases = []
    for model in ALL_MODELS:
        schema = custom_resource_definition(model)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        for message in sorted(set(messages(schema))):
            cases.append(pytest.param(model.NAMES.kind, message, id=f"{model.NAMES.kind}: {message[:60]}"))
    return cases


@pytest.mark.parametrize(("kind", "message"), rule_cases())
def test_every_rule_has_an_example_that_breaks_it(kind: str, message: str) -> None:
    assert any(fragment in message for fragment in expected_fragments(kind))


@pytest.mark.parametrize("path", sorted((EXAMPLES / "valid").glob("*.yaml")), ids=lambda path: path.stem)
def test_valid_example_is_read_and_written_without_loss(path: Path) -> None:
    manifest = yaml.safe_load(path.read_text(encoding="utf-8"))
    parsed = MODELS[manifest["kind"]].parse(manifest)
    assert MODELS[manifest["kind"]].parse(parsed.to_manifest()) == parsed


@pytest.mark.parametrize(
    "name", ["site-ini-value-newline", "site-ini-value-quote", "site-ini-value-interpolation"]
)
def test_model_refuses_what_would_change_the_meaning_of_php_ini(name: str) -> None:
    manifest = yaml.safe_load((EXAMPLES / "invalid" / f"{name}.yaml").read_text(encoding="utf-8"))
    with pytest.raises(ValidationError, match=r"php\.ini"):
        MODELS["Site"].parse(manifest)
