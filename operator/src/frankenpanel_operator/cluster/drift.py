"""Tells whether a live object still is what we want it to be; pure.

The API server adds defaults and rewrites some values, so "equal" is too strict: the question is whether the
live object *contains* what is desired.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from frankenpanel_operator.desired.quantity import parse_quantity

# Maps in which an addition changes the meaning, and which the server never completes by defaults.
_EXACT_KEYS = frozenset(
    {
        "data",
        "selector",
        "matchLabels",
        "podSelector",
        "namespaceSelector",
        "nodeSelector",
        "matchExpressions",
    }
)
# Maps of quantities, which the server writes in a canonical form (1000m becomes 1).
_QUANTITY_KEYS = frozenset({"requests", "limits"})
_QUANTITY_FIELDS = frozenset({"sizeLimit"})


def drifted(desired: Any, live: Any, key: str = "") -> bool:
    """Say whether `live` lacks or contradicts anything that `desired` states.

    Lists must agree in length and order. A desired zero value (false, 0, "", an empty list or map) is
    satisfied by an absent field, because the API server leaves such fields out.

    Args:
        desired: what we state.
        live: what is there.
        key: the name of the field that holds both; some names have rules of their own.
    """
    if live is None:
        return bool(desired)
    if isinstance(desired, Mapping):
        return _mapping_drifted(desired, live, key)
    if isinstance(desired, Sequence) and not isinstance(desired, str):
        return _sequence_drifted(desired, live)
    if key in _QUANTITY_FIELDS:
        return _quantity_drifted(desired, live)
    return bool(desired != live)


def _mapping_drifted(desired: Mapping[str, Any], live: Any, key: str) -> bool:
    if not isinstance(live, Mapping):
        return True
    if key in _EXACT_KEYS and live.keys() - desired.keys():
        return True
    if key in _QUANTITY_KEYS:
        return any(_quantity_drifted(value, live.get(name)) for name, value in desired.items())
    return any(drifted(value, live.get(name), name) for name, value in desired.items())


def _sequence_drifted(desired: Sequence[Any], live: Any) -> bool:
    if not isinstance(live, Sequence) or len(desired) != len(live):
        return True
    return any(drifted(wanted, found) for wanted, found in zip(desired, live, strict=True))


def _quantity_drifted(desired: Any, live: Any) -> bool:
    """Compare two quantities by what they stand for; what is none is compared as text."""
    if desired == live:
        return False
    number = parse_quantity(str(desired))
    return number is None or number != parse_quantity(str(live))
