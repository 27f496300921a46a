"""Validation rules in CEL, attached to a model or a field and carried into its schema."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic.config import JsonDict

VALIDATIONS_KEY = "x-kubernetes-validations"


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition that the API server checks on every write, and what it says when it does not hold.

    `message` names the field and the cure, since it is all that a person sees. `message_expression` is a
    CEL expression that says the same more exactly; where it cannot be worked out, `message` stands in.
    """

    rule: str
    message: str
    message_expression: str | None = None

    def to_manifest(self) -> JsonDict:
        """Return the rule as a schema spells it."""
        validation: JsonDict = {"rule": self.rule, "message": self.message}
        if self.message_expression:
            validation["messageExpression"] = self.message_expression
        return validation


def rules(*items: Rule) -> JsonDict:
    """Return the schema extension that carries the rules."""
    return {VALIDATIONS_KEY: [item.to_manifest() for item in items]}


def text(value: str) -> str:
    """Return a CEL string literal; CEL reads the escapes of JSON."""
    return json.dumps(value)


def texts(values: Iterable[str]) -> str:
    """Return a CEL list of string literals."""
    return f"[{', '.join(text(value) for value in values)}]"


def list_map(key: str) -> JsonDict:
    """Return the schema extension of a list whose items are told apart by one field."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}


def immutable(field: str, message: str) -> Rule:
    """Return a rule, for the object that holds `field`, which refuses change, adding and removing."""
    both_or_none = f"has(self.{field}) == has(oldSelf.{field})"
    return Rule(
        f"{both_or_none} && (!has(self.{field}) || self.{field} == oldSelf.{field})",
        message,
    )
