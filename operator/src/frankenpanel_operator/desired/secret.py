"""What the three Secrets of a Site have in common."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from frankenpanel_operator.observed import Manifest


def secret_body(values: Mapping[str, str]) -> Manifest:
    """Return type and data; `data` rather than `stringData`, so that a key which goes away really goes."""
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    return {"type": "Opaque", "data": data}
