"""Reads what can be read of an object that the models refuse.

Such objects exist: the schema is checked on writing only, so one that was stored under an older or a laxer
schema stays as it is until somebody edits it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from frankenpanel_crds.base import CustomResource
from frankenpanel_crds.domain import Domain
from frankenpanel_crds.site import Site
from pydantic import ValidationError

from frankenpanel_operator.observed import Manifest, UnreadableObject

ModelT = TypeVar("ModelT", bound=CustomResource[Any, Any])

# Nobody can have these: they stand for required fields, and nothing is ever looked up by them.
_UNREADABLE_NAME = "unreadable"
_UNREADABLE_HOST = "unreadable.invalid"

# Each round takes at least one field away, and no kind has as many of them.
_MOST_ROUNDS = 50


def field_of(error: ValidationError) -> str:
    """Name the first field that cannot be read, as `spec.runtime.php`."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return ".".join(str(part) for part in first["loc"])


def read(model: type[ModelT], body: Manifest | None) -> tuple[ModelT | None, UnreadableObject | None]:
    """Read a neighbour: the object, or what is wrong with it; neither where it does not exist."""
    if body is None:
        return None, None
    try:
        return model.parse(body), None
    except ValidationError as error:
        name = body["metadata"]["name"]
        return None, UnreadableObject(model.NAMES.kind, name, field_of(error))


def salvage(model: type[ModelT], body: Manifest, required: Mapping[str, Any]) -> ModelT:
    """Read an object without the fields that cannot be read, as if nobody had set them.

    Args:
        model: the kind.
        body: the object as it is stored.
        required: what stands for fields of the spec that have no default.
    """
    spec, status = body.get("spec"), body.get("status")
    readable = {
        "metadata": body["metadata"],
        "spec": {**required, **(spec if isinstance(spec, dict) else {})},
        "status": status if isinstance(status, dict) else {},
    }
    for _ in range(_MOST_ROUNDS):
        try:
            return model.parse(readable)
        except ValidationError as error:
            readable = _without_unreadable(readable, error, required)
    return model.parse({"metadata": _identity(body), "spec": required, "status": {}})


def readable_site(body: Manifest) -> Site:
    """Return what can be read of a Site; its data is retained unless it says otherwise, readably."""
    return salvage(Site, body, {"source": {"preset": {"name": _UNREADABLE_NAME}}})


def readable_domain(body: Manifest) -> Domain:
    """Return what can be read of a Domain: without a host it has none but the one in its status."""
    return salvage(Domain, body, {"host": _UNREADABLE_HOST, "siteRef": {"name": _UNREADABLE_NAME}})


def _without_unreadable(body: Manifest, error: ValidationError, required: Mapping[str, Any]) -> Manifest:
    """Return the object without each field of spec, status or metadata in which an error lies."""
    result = dict(body)
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        section, *path = (str(part) for part in item["loc"] or ("spec",))
        blank: Mapping[str, Any] = required if section == "spec" else {}
        if section == "metadata":
            blank = _identity(body)
        kept = {key: value for key, value in result[section].items() if path and key != path[0]}
        result[section] = {**blank, **kept}
    return result


def _identity(body: Manifest) -> dict[str, Any]:
    """Return the part of the metadata that the API server itself vouches for."""
    names = ("name", "namespace", "uid", "generation", "deletionTimestamp")
    return {name: body["metadata"][name] for name in names if name in body["metadata"]}
