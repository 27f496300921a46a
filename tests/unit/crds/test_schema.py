"""What Kubernetes demands of a structural schema, and what we demand of ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from frankenpanel_crds.base import CustomResource
from frankenpanel_crds.crd import ALL_MODELS, custom_resource_definition
from frankenpanel_crds.group import ALL_KINDS

FORBIDDEN_KEYWORDS = {
    "$ref",
    "$defs",
    "allOf",
    "const",
    "definitions",
    "discriminator",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "not",
    "nullable",
    "oneOf",
    "patternProperties",
    "title",
    "uniqueItems",
}
BUDGET_BYTES = 900_000

Kind = type[CustomResource[Any, Any]]
Node = dict[str, Any]


def schema_of(model: Kind) -> Node:
    version = custom_resource_definition(model)["spec"]["versions"][0]
    schema: Node = version["schema"]["openAPIV3Schema"]
    return schema


def nodes(path: str, node: Node, *, in_list: bool = False) -> Iterator[tuple[str, Node, bool]]:
    """Walk a schema: path, node, and whether it lies below a list."""
    yield path, node, in_list
    for name, child in node.get("properties", {}).items():
        yield from nodes(f"{path}.{name}", child, in_list=in_list)
    if "items" in node:
        yield from nodes(f"{path}[]", node["items"], in_list=True)
    if isinstance(node.get("additionalProperties"), dict):
        yield from nodes(f"{path}{{}}", node["additionalProperties"], in_list=True)


def walk(model: Kind) -> list[tuple[str, Node, bool]]:
    return list(nodes(model.NAMES.kind, schema_of(model)))


every_kind = pytest.mark.parametrize("model", ALL_MODELS, ids=lambda model: model.NAMES.kind)


@every_kind
def test_no_keyword_that_kubernetes_refuses(model: Kind) -> None:
    for path, node, _ in walk(model):
        assert not FORBIDDEN_KEYWORDS & node.keys(), path
        assert node.get("additionalProperties") is not False, path


@every_kind
def test_no_unions(model: Kind) -> None:
    for path, node, _ in walk(model):
        if "anyOf" in node:
            assert node["x-kubernetes-int-or-string"], path
            assert "type" not in node, path
        else:
            assert isinstance(node["type"], str), path


@every_kind
def test_every_property_is_described_in_sentences(model: Kind) -> None:
    for path, node, _ in walk(model):
        for name, child in node.get("properties", {}).items():
            if (path, name) == (model.NAMES.kind, "metadata"):
                continue
            description = child.get("description", "")
            assert description[:1].isalpha(), f"{path}.{name}"
            assert description.endswith("."), f"{path}.{name}"
            assert "TODO" not in description, f"{path}.{name}"


@every_kind
def test_no_default_inside_a_list(model: Kind) -> None:
    for path, node, in_list in walk(model):
        assert not (in_list and "default" in node), path


@every_kind
def test_default_of_an_object_has_no_unknown_field(model: Kind) -> None:
    for path, node, _ in walk(model):
        if isinstance(node.get("default"), dict):
            assert node["default"].keys() <= node["properties"].keys(), path


@every_kind
def test_everything_that_can_grow_is_bounded(model: Kind) -> None:
    for path, node, _ in walk(model):
        if path.startswith(f"{model.NAMES.kind}.spec"):
            # A moment cannot grow: the API server reads it as one.
            is_free_text = "enum" not in node and node.get("format") != "date-time"
            if node.get("type") == "string" and is_free_text:
                assert node["maxLength"], path
            if node.get("type") == "array":
                assert node["maxItems"], path
            if "additionalProperties" in node:
                assert node["maxProperties"], path


@every_kind
def test_every_list_says_how_it_merges(model: Kind) -> None:
    for path, node, _ in walk(model):
        if node.get("type") != "array":
            continue
        kind = node["x-kubernetes-list-type"]
        assert kind in {"map", "set", "atomic"}, path
        for key in node.get("x-kubernetes-list-map-keys", ()):
            assert key in node["items"]["required"], path


@every_kind
def test_every_rule_has_a_message_on_one_line(model: Kind) -> None:
    for path, node, _ in walk(model):
        for rule in node.get("x-kubernetes-validations", ()):
            assert rule["message"], path
            assert "\n" not in rule["message"], path
            assert rule["message"][-1] not in ".\n", path


@every_kind
def test_required_fields_have_no_default(model: Kind) -> None:
    for path, node, _ in walk(model):
        for name in node.get("required", ()):
            assert "default" not in node["properties"][name], f"{path}.{name}"


@every_kind
def test_status_starts_as_not_observed(model: Kind) -> None:
    version = custom_resource_definition(model)["spec"]["versions"][0]
    properties = version["schema"]["openAPIV3Schema"]["properties"]
    has_status = "status" in properties
    assert has_status is ("status" in version.get("subresources", {}))
    # The status of a claim is written by the gateway, which observes no generation: nothing to begin with.
    if has_status and "observedGeneration" in properties["status"]["properties"]:
        assert properties["status"]["default"] == {"observedGeneration": -1}


def test_definitions_are_small_enough_to_be_stored_and_applied() -> None:
    for model in ALL_MODELS:
        assert len(yaml.safe_dump(custom_resource_definition(model))) < BUDGET_BYTES


def test_every_kind_has_a_model_and_names_of_its_own() -> None:
    assert tuple(model.NAMES for model in ALL_MODELS) == ALL_KINDS
    assert len({names.short_name for names in ALL_KINDS}) == len(ALL_KINDS)
    assert all(names.short_name.startswith("fp") for names in ALL_KINDS)
    assert ALL_KINDS[0].crd_name == "sites.frankenpanel.io"


def test_only_sites_scale() -> None:
    scaling = [
        model.NAMES.kind
        for model in ALL_MODELS
        if "scale" in custom_resource_definition(model)["spec"]["versions"][0].get("subresources", {})
    ]
    assert scaling == ["Site"]
