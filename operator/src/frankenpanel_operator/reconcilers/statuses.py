"""Writes the status of an object that cannot be judged as usual: unreadable, deleted, or a defect of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from frankenpanel_operator.errors import FrankenPanelError
from frankenpanel_operator.failpoints import Failpoint, reached
from frankenpanel_operator.observed import Manifest, ObjectRef
from frankenpanel_operator.ports import Clock, ObjectApplier
from frankenpanel_operator.status.whole import internal_error_status


async def write_raw_status(applier: ObjectApplier, body: Manifest, status: Mapping[str, Any]) -> None:
    """Write the status unless the object as it was read carries the very same."""
    if body.get("status") != status:
        await applier.write_status(ObjectRef.of(body), status)
        reached(Failpoint.BLOCKED_STATUS_WRITTEN)


@asynccontextmanager
async def telling_defects(applier: ObjectApplier, body: Manifest, clock: Clock) -> AsyncIterator[None]:
    """Let an error that nobody foresaw show in the object's status as well, and pass it on.

    Without this the status would go on to say what was so before, and only the log would know better.
    """
    try:
        yield
    except (FrankenPanelError, TimeoutError):
        raise
    except Exception:
        with suppress(FrankenPanelError):
            await write_raw_status(applier, body, internal_error_status(body, clock.now()))
        raise
