"""The only thing that travels through the queue: which object to look at, never what happened to it."""

from __future__ import annotations

from typing import NamedTuple


class Key(NamedTuple):
    """One object to reconcile; `namespace` is "" for cluster-scoped kinds."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """Render for logs, as kubectl users write it."""
        return f"{self.kind}/{self.namespace}/{self.name}" if self.namespace else f"{self.kind}/{self.name}"
