"""Puts our finalizer on an object, and takes it off; other people's finalizers are left alone."""

from __future__ import annotations

from frankenpanel_operator.observed import Manifest
from frankenpanel_operator.ports import ObjectApplier


def has_finalizer(body: Manifest, finalizer: str) -> bool:
    """Say whether the object carries the finalizer."""
    return finalizer in body["metadata"].get("finalizers", ())


async def ensure_finalizer(applier: ObjectApplier, body: Manifest, finalizer: str) -> bool:
    """Add the finalizer unless it is there; return whether it took a write.

    Raises:
        ConflictError: the object changed meanwhile, so the list may have too.
    """
    if has_finalizer(body, finalizer):
        return False
    await _write(applier, body, [*body["metadata"].get("finalizers", ()), finalizer])
    return True


async def release_finalizer(applier: ObjectApplier, body: Manifest, finalizer: str) -> bool:
    """Remove the finalizer if it is there; return whether it took a write.

    Raises:
        ConflictError: the object changed meanwhile, so the list may have too.
    """
    if not has_finalizer(body, finalizer):
        return False
    await _write(applier, body, [name for name in body["metadata"]["finalizers"] if name != finalizer])
    return True


async def _write(applier: ObjectApplier, body: Manifest, finalizers: list[str]) -> None:
    await applier.change_metadata(body, {"finalizers": finalizers})
