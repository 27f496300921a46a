"""Elects the one replica that leads, by a Lease in the platform's namespace.

Safety rests on three rules, and on no clock but the process' own monotonic one:

* A Lease is replaced at the version that was read, so of two who want it one fails.
* A foreign Lease counts as expired once *we* have seen it unchanged for as long as it says. What time its
  holder believes it is plays no part.
* A leader counts its term from *before* it asked for the renewal, and ends it a margin earlier than any other
  replica could: a slow answer or a stopped process only makes it end sooner.

Together the old leader has stopped before the new one begins, even where the two cannot see each other.
"""

from __future__ import annotations

import asyncio
import dataclasses
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from frankenpanel_operator.cluster.lease_store import LeaseRecord, StoredLease, to_micro_time
from frankenpanel_operator.engine.leadership import Leadership
from frankenpanel_operator.errors import ConflictError, FrankenPanelError
from frankenpanel_operator.ports import Clock

log = structlog.stdlib.get_logger(__name__)

# Part of a Lease's duration for which its holder stops earlier than others may begin: room for a write that
# left in the last moment to arrive, and for clocks that do not run equally fast.
_MARGIN = 0.25
_RELEASED_SECONDS = 1
_WRITE_ATTEMPTS = 3


class Store(Protocol):
    """The Lease object; see `lease_store.LeaseStore`."""

    async def read(self) -> StoredLease | None:
        """Return the Lease, or None where there is none."""

    async def create(self, record: LeaseRecord) -> StoredLease | None:
        """Create it; None where somebody was faster."""

    async def replace(self, record: LeaseRecord, resource_version: str) -> StoredLease | None:
        """Replace it at a version; None where it is at another one or gone."""


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """How fast a silent leader is replaced, in seconds."""

    lease_seconds: float = 4.0
    renew_seconds: float = 1.0
    retry_seconds: float = 0.25

    @property
    def valid_seconds(self) -> float:
        """How long a leader may write after it asked for a renewal that was granted."""
        return self.lease_seconds * (1 - _MARGIN)


@dataclass(frozen=True, slots=True)
class Clocks:
    """Time as the elector needs it: of day, for people who read the Lease; monotonic, for everything else."""

    wall: Clock
    monotonic: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class LeaseElector:
    """Takes the Lease, keeps it, gives it back; tells `Leadership` each time.

    Attributes:
        standing_by: set once another replica was seen to lead.
    """

    def __init__(
        self, store: Store, leadership: Leadership, identity: str, times: LeaseTimes, clocks: Clocks
    ) -> None:
        self.standing_by = asyncio.Event()
        self._store = store
        self._leadership = leadership
        self._identity = identity
        self._times = times
        self._clocks = clocks
        # The last record that we wrote or tried to write: a Lease that says this is nobody else's.
        self._mine: LeaseRecord | None = None
        self._version = ""
        self._seen: LeaseRecord | None = None
        self._seen_at = -math.inf

    async def acquire(self) -> int:
        """Stand by until the Lease is ours, and return the number of the term that begins."""
        while True:
            try:
                term = await self._try_to_acquire()
            except FrankenPanelError as error:
                log.warning("nobody knows who leads", reason=str(error))
                term = None
            if term is not None:
                return term
            await self._clocks.sleep(self._seconds_until_next_look())

    async def keep(self) -> None:
        """Renew the Lease, and return when the term is over."""
        pause = self._times.renew_seconds
        while self._leadership.is_leading:
            await self._clocks.sleep(min(pause, self._seconds_left()))
            try:
                async with asyncio.timeout(self._seconds_left()):
                    await self._renew()
                pause = self._times.renew_seconds
            except (FrankenPanelError, TimeoutError) as error:
                log.warning("lease not renewed", reason=str(error) or type(error).__name__)
                pause = self._times.retry_seconds
        self._leadership.end()
        log.warning("term is over", holder=self._seen.holder if self._seen else "")

    async def release(self) -> None:
        """Give the Lease back, so that the next one need not wait for its end; no write follows."""
        was_leading, mine = self._leadership.is_leading, self._mine
        self._leadership.end()
        if not was_leading or mine is None:
            return
        record = dataclasses.replace(
            mine, holder="", duration_seconds=_RELEASED_SECONDS, renewed=self._now_as_text()
        )
        try:
            await self._write(record)
            log.info("lease given back", term=mine.term)
        except FrankenPanelError as error:
            log.warning("lease not given back, the next leader has to wait for its end", reason=str(error))

    async def _try_to_acquire(self) -> int | None:
        stored = await self._store.read()
        self._observe(stored)
        if not self._is_free(stored):
            self._stand_by()
            return None
        record = self._first_record()
        self._mine, sent_at = record, self._clocks.monotonic()
        if stored is None:
            taken = await self._store.create(record)
        else:
            taken = await self._store.replace(record, stored.resource_version)
        if taken is None:
            return None
        self._version, self._seen = taken.resource_version, record
        self._leadership.begin(record.term, sent_at + self._times.valid_seconds)
        log.info("leading", term=record.term, identity=self._identity)
        return record.term

    def _observe(self, stored: StoredLease | None) -> None:
        """Note when a Lease changed last, as far as we can tell: when we saw it."""
        if stored is not None and stored.record != self._seen:
            self._seen, self._seen_at = stored.record, self._clocks.monotonic()

    def _is_free(self, stored: StoredLease | None) -> bool:
        """Say whether nobody can be leading; a Lease that was deleted frees nothing before its time."""
        record = self._seen if stored is None else stored.record
        if record is None or not record.holder:
            return True
        if self._mine is not None and record.is_same_term(self._mine):
            # It is ours, and we do not lead: our own term ran out, or its beginning was never confirmed.
            return True
        return self._seconds_until_expiry(record) <= 0

    def _seconds_until_expiry(self, record: LeaseRecord) -> float:
        duration = record.duration_seconds or self._times.lease_seconds
        return self._seen_at + duration - self._clocks.monotonic()

    def _seconds_until_next_look(self) -> float:
        retry = self._times.retry_seconds
        if self._seen is None:
            return retry
        left = self._seconds_until_expiry(self._seen)
        return left if 0 < left < retry else retry

    def _stand_by(self) -> None:
        if not self.standing_by.is_set():
            self.standing_by.set()
            log.info("standing by", leader=self._seen.holder if self._seen else "")

    async def _renew(self) -> None:
        if self._mine is None:
            raise RuntimeError("only a leader renews")
        sent_at = self._clocks.monotonic()
        renewed = dataclasses.replace(self._mine, renewed=self._now_as_text())
        if await self._write(renewed):
            self._leadership.extend(sent_at + self._times.valid_seconds)
        else:
            self._leadership.end()

    async def _write(self, record: LeaseRecord) -> bool:
        """Replace our Lease; return False where it is not ours any more.

        Raises:
            FrankenPanelError: nobody knows.
        """
        for _ in range(_WRITE_ATTEMPTS):
            stored = await self._store.replace(record, self._version)
            if stored is not None:
                self._version, self._mine = stored.resource_version, record
                return True
            # Perhaps it was our own write, whose answer got lost, or a hand that added a label.
            found = await self._store.read()
            self._observe(found)
            if found is None or self._mine is None or not found.record.is_same_term(self._mine):
                return False
            self._version = found.resource_version
        raise ConflictError("the Lease changes faster than it can be written")

    def _first_record(self) -> LeaseRecord:
        now = self._now_as_text()
        term = 1 + max(record.term if record else 0 for record in (self._seen, self._mine))
        duration = math.ceil(self._times.lease_seconds)
        return LeaseRecord(self._identity, term, duration, acquired=now, renewed=now)

    def _seconds_left(self) -> float:
        return max(0.0, self._leadership.valid_until - self._clocks.monotonic())

    def _now_as_text(self) -> str:
        return to_micro_time(self._clocks.wall.now())


class SoleLeader:
    """Leads from the beginning to the end, where nobody else runs this operator."""

    def __init__(self, leadership: Leadership) -> None:
        self.standing_by = asyncio.Event()
        self._leadership = leadership

    async def acquire(self) -> int:
        """Begin the only term."""
        self._leadership.begin(1, math.inf)
        return 1

    async def keep(self) -> None:
        """Wait for ever: nobody else can take it."""
        await asyncio.Event().wait()

    async def release(self) -> None:
        """End the term."""
        self._leadership.end()
