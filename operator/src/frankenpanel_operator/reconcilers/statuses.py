"""Writes the status of an object that could not be parsed, or is on its way out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frankenpanel_operator.observed import Manifest, ObjectRef
from frankenpanel_operator.ports import ObjectApplier


async def write_raw_status(applier: ObjectApplier, body: Manifest, status: Mapping[str, Any]) -> None:
    """Write the status unless the object as it was read carries the very same."""
    if body.get("status") != status:
        await applier.write_status(ObjectRef.of(body), status)
