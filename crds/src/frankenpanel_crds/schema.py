"""From pydantic models to the structural schemas that Kubernetes takes.

Kubernetes wants every field spelled out in place with a type: no references, no unions, no `null`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from frankenpanel_crds.base import CustomResource

INT_OR_STRING = "x-kubernetes-int-or-string"

_OBJECT_FIELDS: dict[str, dict[str, Any]] = {
    "apiVersion": {
        "type": "string",
        "description": "Group and version of this kind of object.",
    },
    "kind": {
        "type": "string",
        "description": "What kind of object this is.",
    },
    # The API server describes metadata itself and takes nothing else here.
    "metadata": {"type": "object"},
}


class _WithoutNull(GenerateJsonSchema):
    """Renders `X | None` as X: absent is how Kubernetes spells None."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Return the schema of the inner type."""
        return self.generate_inner(schema["schema"])


def structural_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the structural schema of one model."""
    raw = model.model_json_schema(by_alias=True, schema_generator=_WithoutNull)
    return _converted(raw, raw.get("$defs", {}), keep_defaults=True)


def object_schema(kind: type[CustomResource[Any, Any]]) -> dict[str, Any]:
    """Return the schema of a whole object, as it stands in a CRD."""
    schema = structural_schema(kind)
    properties = {**_OBJECT_FIELDS, "spec": schema["properties"]["spec"]}
    if has_status(kind):
        status = properties["status"] = {**schema["properties"]["status"]}
        if "observedGeneration" in status["properties"]:
            # So that tools which compare it with the generation never take a new object for a finished one.
            status["default"] = {"observedGeneration": -1}
    return {**schema, "properties": properties, "required": ["spec"]}


def has_status(kind: type[CustomResource[Any, Any]]) -> bool:
    """Say whether the operator reports anything about objects of the kind."""
    status = kind.model_fields["status"].annotation
    return isinstance(status, type) and issubclass(status, BaseModel) and bool(status.model_fields)


def _converted(
    node: Mapping[str, Any], definitions: Mapping[str, Any], *, keep_defaults: bool
) -> dict[str, Any]:
    """Return one schema node and all below it in structural form.

    `keep_defaults` is False below a list: a default there would make a list that one tool wrote differ
    from the list that is stored, for ever.
    """
    node = _resolved(node, definitions)
    result = {
        key: value for key, value in node.items() if key not in {"$defs", "title", "default", "properties"}
    }
    if "items" in node:
        result["items"] = _converted(node["items"], definitions, keep_defaults=False)
    if isinstance(node.get("additionalProperties"), Mapping):
        result["additionalProperties"] = _converted(
            node["additionalProperties"], definitions, keep_defaults=False
        )
    if "properties" in node:
        result["properties"] = {
            name: _converted(child, definitions, keep_defaults=keep_defaults)
            for name, child in node["properties"].items()
        }
    if keep_defaults:
        result |= _default(node)
    if node.get(INT_OR_STRING):
        del result["type"]
        result["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    return result


def _resolved(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """Put the definition that a node refers to in its place; what stands beside the reference wins."""
    if "$ref" not in node:
        return node
    name = node["$ref"].removeprefix("#/$defs/")
    beside = {key: value for key, value in node.items() if key != "$ref"}
    return {**_resolved(definitions[name], definitions), **beside}


def _default(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return the default of a node, unless that only says that nothing is there."""
    default = node.get("default")
    if isinstance(default, Mapping):
        default = {key: value for key, value in default.items() if value is not None}
    return {"default": default} if default not in (None, [], {}) else {}
