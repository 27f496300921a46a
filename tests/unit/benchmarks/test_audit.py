from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import audit
from audit import AuditLog, Record

A, B = "operator-a", "operator-b"


def event(verb: str = "create", resource: str = "configmaps", **changes: Any) -> dict[str, Any]:
    return {
        "kind": "Event",
        "verb": verb,
        "user": {"username": A},
        "objectRef": {"resource": resource, "namespace": "demo", "name": "shop-config"},
        "responseStatus": {"code": 201},
        "requestReceivedTimestamp": "2026-01-01T00:00:00.250000Z",
        "stageTimestamp": "2026-01-01T00:00:00.750000Z",
        **changes,
    }


def write(user: str, received: float, completed: float, verb: str = "patch", name: str = "shop") -> Record:
    return Record(user, verb, "sites", "", "demo", name, 200, received, completed)


def test_a_line_becomes_a_record_with_its_times() -> None:
    record = audit.parse(json.dumps(event()).encode())
    assert record is not None
    assert (record.user, record.what, record.code) == (A, "create configmaps", 201)
    assert record.completed - record.received == 0.5


def test_a_request_for_no_object_is_left_out() -> None:
    discovery = event()
    del discovery["objectRef"]
    assert audit.parse(json.dumps(discovery).encode()) is None


def test_a_line_that_is_still_being_written_is_taken_in_later(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    first, second = (json.dumps(event(verb)) for verb in ("create", "patch"))
    path.write_text(f"{first}\n{second[:40]}")
    log = AuditLog(path)
    mark = log.mark()
    assert mark == 1
    with path.open("a") as end:
        end.write(second[40:] + "\n")
    assert [record.verb for record in log.since(mark)] == ["patch"]


async def test_waiting_ends_with_the_wanted_number_or_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_text(f"{json.dumps(event())}\n" * 3)
    log = AuditLog(path)
    assert len(await log.wait_for(0, lambda record: record.is_write, 2, 60)) == 3
    assert await log.wait_for(0, lambda record: record.verb == "delete", 1, 0) == []


def test_leases_and_the_canary_are_no_work() -> None:
    records = [
        write(A, 0, 1),
        write("somebody", 0, 1),
        write(A, 0, 1)._replace(resource="leases"),
        write(A, 0, 1, name=f"{audit.CANARY}-x"),
    ]
    assert audit.of_operators(records, [A, B]) == records[:1]


def test_reads_and_writes_are_told_apart_and_counted() -> None:
    records = [write(A, 0, 1), write(A, 0, 1), write(A, 0, 1, verb="list")]
    assert (len(audit.writes(records)), len(audit.reads(records))) == (2, 1)
    assert audit.tally(records) == {"patch sites": 2, "list sites": 1}


def test_one_writer_after_the_other_does_not_overlap() -> None:
    records = [write(A, 0.0, 1.0), write(A, 0.5, 2.0), write(B, 2.5, 3.0)]
    assert (audit.overlaps(records), audit.changes_of_writer(records)) == (0, 1)


def test_writes_of_two_at_the_same_time_overlap() -> None:
    records = [write(A, 0.0, 2.0), write(B, 1.0, 1.5), write(A, 1.2, 1.3), write(B, 4.0, 5.0)]
    assert audit.overlaps(records) == 2
    assert audit.changes_of_writer(records) == 3
