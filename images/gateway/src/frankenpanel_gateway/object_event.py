"""What a watch tells of one object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ObjectEvent:
    """One change of one object, in the order in which the API server told them."""

    body: Mapping[str, Any]
    is_deleted: bool = False
