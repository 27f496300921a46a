from __future__ import annotations

import pytest
from frankenpanel_operator.desired.look_plan import next_look_seconds

RECHECK = 21_600.0


def pause(age: float, ttl: int | None = None, *, is_settled: bool = False, recheck: float = RECHECK) -> float:
    return next_look_seconds(age_seconds=age, is_settled=is_settled, ttl_seconds=ttl, recheck_seconds=recheck)


@pytest.mark.parametrize(
    ("age", "expected"),
    [(0, 10), (59, 10), (60, 30), (300, 60), (900, 300), (3600, 900), (86_400, 3600), (10**9, 3600)],
)
def test_the_older_a_wish_the_longer_the_pauses(age: float, expected: float) -> None:
    assert pause(age) == expected


def test_a_settled_host_is_looked_at_as_seldom_as_is_set() -> None:
    assert pause(0, is_settled=True) == RECHECK


@pytest.mark.parametrize(("ttl", "expected"), [(5, 10), (120, 120), (86_400, 300)])
def test_what_resolvers_remember_is_waited_for_but_not_for_ever(ttl: int, expected: float) -> None:
    assert pause(0, ttl) == expected


def test_an_unsettled_host_is_not_looked_at_less_often_than_a_settled_one() -> None:
    assert pause(0, 300, recheck=60) == 60
