"""Writes statuses, each at most once a pass and only when it changed, and tells by an Event what they mean.

The statuses of objects that cannot be judged as usual (unreadable, deleted, a defect of ours) are written
here as well, from the raw object.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from frankenpanel_operator.errors import FrankenPanelError
from frankenpanel_operator.failpoints import Failpoint, reached
from frankenpanel_operator.observed import Manifest
from frankenpanel_operator.ports import Clock, EventRecorder, ObjectApplier
from frankenpanel_operator.status.news import expiry_news_of, news_of
from frankenpanel_operator.status.whole import deleting_status, internal_error_status, spec_invalid_status


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusWriter:
    """Writes the status of one object after another."""

    applier: ObjectApplier
    events: EventRecorder
    clock: Clock

    async def write(self, body: Manifest, status: Mapping[str, Any]) -> None:
        """Write a status that differs from the one in `body`, and post an Event where people should know."""
        await self.applier.write_status(body, status)
        for news in filter(None, (news_of(body, status), expiry_news_of(body, status))):
            self.events.note(body, type_=news.type_, reason=news.reason, message=news.message)

    async def tell_invalid(self, body: Manifest, error: ValidationError) -> None:
        """Say that the object cannot be read, and which field of it."""
        await self._write_blocked(body, spec_invalid_status(body, error, self.clock.now()))

    async def tell_deleting(self, body: Manifest, message: str) -> None:
        """Say what a deletion waits for."""
        await self._write_blocked(body, deleting_status(body, message, self.clock.now()))

    @asynccontextmanager
    async def telling_defects(self, body: Manifest) -> AsyncIterator[None]:
        """Let an error that nobody foresaw show in the object's status as well, and pass it on.

        Without this the status would go on to say what was so before, and only the log would know better.
        """
        try:
            yield
        except (FrankenPanelError, TimeoutError):
            raise
        except Exception:
            with suppress(FrankenPanelError):
                await self._write_blocked(body, internal_error_status(body, self.clock.now()))
            raise

    async def _write_blocked(self, body: Manifest, status: Mapping[str, Any]) -> None:
        if body.get("status") != status:
            await self.write(body, status)
            reached(Failpoint.BLOCKED_STATUS_WRITTEN)
