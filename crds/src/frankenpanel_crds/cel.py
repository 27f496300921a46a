"""Validation rules in CEL, attached to a model or a field and carried into its schema."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic.config import JsonDict

VALIDATIONS_KEY = "x-kubernetes-validations"


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition that the API server checks on every write, and what it says when it does not hold.

    `message` names the field and the cure, since it is all that a person sees.
    """

    rule: str
    message: str


def rules(*items: Rule) -> JsonDict:
    """Return the schema extension that carries the rules."""
    return {VALIDATIONS_KEY: [{"rule": item.rule, "message": item.message} for item in items]}


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
