"""Who asked the API server for what, and when: read from its audit log while it is being written."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import orjson

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
CANARY = "frankenpanel-operator-canary"
_HOUSEKEEPING_RESOURCES = frozenset({"leases", "clusterkopfpeerings", "kopfpeerings"})


class Record(NamedTuple):
    """One answered request; times are seconds since the epoch on the API server's clock."""

    user: str
    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int
    received: float
    completed: float

    @property
    def is_write(self) -> bool:
        return self.verb in WRITES

    @property
    def is_housekeeping(self) -> bool:
        """Say whether it serves leadership or self-observation: its number depends on time, not on work."""
        return self.resource in _HOUSEKEEPING_RESOURCES or self.name.startswith(CANARY)

    @property
    def what(self) -> str:
        return f"{self.verb} {self.resource}{'/' * bool(self.subresource)}{self.subresource}"


def parse(line: bytes) -> Record | None:
    """Return the record of a line, or None where it is no request for an object."""
    event = orjson.loads(line)
    reference = event.get("objectRef")
    if reference is None:
        return None
    return Record(
        sys.intern(event["user"]["username"]),
        sys.intern(event["verb"]),
        sys.intern(reference.get("resource", "")),
        sys.intern(reference.get("subresource", "")),
        sys.intern(reference.get("namespace", "")),
        reference.get("name", ""),
        event.get("responseStatus", {}).get("code", 0),
        datetime.fromisoformat(event["requestReceivedTimestamp"]).timestamp(),
        datetime.fromisoformat(event["stageTimestamp"]).timestamp(),
    )


class AuditLog:
    """All records so far, in the order in which the requests ended."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset, self._rest = path, 0, b""
        self.records: list[Record] = []

    def mark(self) -> int:
        """Return a mark; `since` gives what came after it."""
        self.read()
        return len(self.records)

    def since(self, mark: int) -> list[Record]:
        self.read()
        return self.records[mark:]

    def read(self) -> None:
        """Take in what was written since the last time."""
        with self._path.open("rb") as log:
            log.seek(self._offset)
            content = log.read()
        self._offset += len(content)
        *lines, self._rest = (self._rest + content).split(b"\n")
        self.records += [record for line in lines if (record := parse(line)) is not None]

    async def wait_for(
        self,
        mark: int,
        counts: Callable[[Record], bool],
        number: int,
        limit_seconds: float,
        pause_seconds: float = 0.1,
    ) -> list[Record]:
        """Wait for a number of records after a mark; return those that came, fewer after the time limit."""
        found: list[Record] = []
        deadline = time.monotonic() + limit_seconds
        while True:
            fresh = self.since(mark)
            mark += len(fresh)
            found += filter(counts, fresh)
            if len(found) >= number or time.monotonic() > deadline:
                return found
            await asyncio.sleep(pause_seconds)


def of_operators(records: Iterable[Record], users: Iterable[str]) -> list[Record]:
    """Return the requests of operators that belong to their work."""
    wanted = frozenset(users)
    return [record for record in records if record.user in wanted and not record.is_housekeeping]


def writes(records: Iterable[Record]) -> list[Record]:
    return [record for record in records if record.is_write]


def reads(records: Iterable[Record]) -> list[Record]:
    return [record for record in records if not record.is_write]


def tally(records: Iterable[Record]) -> dict[str, int]:
    """Return how often each kind of request was made, the most frequent first."""
    return dict(Counter(record.what for record in records).most_common())


def overlaps(records: Iterable[Record]) -> int:
    """Return how many writes were under way while another user's write was."""
    found, last_end = 0, dict[str, float]()
    for record in sorted(writes(records), key=lambda item: item.received):
        others = [end for user, end in last_end.items() if user != record.user]
        found += any(end > record.received for end in others)
        last_end[record.user] = max(last_end.get(record.user, 0.0), record.completed)
    return found


def changes_of_writer(records: Iterable[Record]) -> int:
    """Return how often the writer changed from one write to the next."""
    users = [record.user for record in sorted(writes(records), key=lambda item: item.received)]
    return sum(one != other for one, other in pairwise(users))
