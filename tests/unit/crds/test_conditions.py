from __future__ import annotations

from datetime import UTC, datetime

import pytest
from frankenpanel_crds.conditions import (
    Condition,
    ConditionStatus,
    find_condition,
    merge_conditions,
    set_condition,
)
from frankenpanel_crds.reasons import DatabaseServerReason, DomainReason, Reason, SiteReason

EARLY = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
LATE = datetime(2026, 1, 1, 13, 0, 0, 999, tzinfo=UTC)


def condition(type_: str, status: ConditionStatus, reason: str = "Because") -> Condition:
    return Condition(type=type_, status=status, reason=reason, message="A sentence.")


READY = condition("Ready", ConditionStatus.TRUE)


def test_new_condition_gets_the_time_in_whole_seconds() -> None:
    (made,) = set_condition((), READY, LATE)
    assert made.last_transition_time == LATE.replace(microsecond=0)


def test_transition_time_is_kept_while_the_status_is_the_same() -> None:
    before = set_condition((), READY, EARLY)
    (after,) = set_condition(before, condition("Ready", ConditionStatus.TRUE, "Other"), LATE)
    assert (after.reason, after.last_transition_time) == ("Other", EARLY)


def test_transition_time_moves_with_the_status() -> None:
    before = set_condition((), READY, EARLY)
    (after,) = set_condition(before, condition("Ready", ConditionStatus.FALSE), LATE)
    assert after.last_transition_time == LATE.replace(microsecond=0)


def test_order_of_conditions_is_kept() -> None:
    before = (condition("A", ConditionStatus.TRUE), condition("B", ConditionStatus.TRUE))
    after = set_condition(before, condition("A", ConditionStatus.FALSE), EARLY)
    assert [item.type for item in after] == ["A", "B"]
    assert [item.status for item in after] == ["False", "True"]


def test_merge_takes_the_new_list_and_the_old_times() -> None:
    old = merge_conditions((), (READY, condition("Reconciling", ConditionStatus.TRUE)), EARLY)
    merged = merge_conditions(old, (condition("Stalled", ConditionStatus.TRUE), READY), LATE)
    assert [item.type for item in merged] == ["Stalled", "Ready"]
    assert [item.last_transition_time for item in merged] == [LATE.replace(microsecond=0), EARLY]


def test_condition_is_found_by_type() -> None:
    assert find_condition((READY,), "Ready") is READY
    assert find_condition((READY,), "Stalled") is None


def test_only_true_is_true() -> None:
    assert [condition("Ready", status).is_true for status in ConditionStatus] == [True, False, False]


def test_stored_condition_reads_back_as_it_was_written() -> None:
    (made,) = set_condition((), READY, EARLY)
    manifest = made.to_manifest()
    assert manifest["lastTransitionTime"] == "2026-01-01T12:00:00Z"
    assert Condition.model_validate(manifest) == made


@pytest.mark.parametrize("enum", [SiteReason, DomainReason, DatabaseServerReason])
def test_every_reason_is_one_word_with_a_meaning(enum: type[Reason]) -> None:
    for reason in enum:
        assert reason.isalpha()
        assert reason[0].isupper()
        assert reason.meaning.endswith(".")
        assert enum(str(reason)) is reason
    names = [str(reason) for reason in enum]
    assert len(names) == len(set(names))
