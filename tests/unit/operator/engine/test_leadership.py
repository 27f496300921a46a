from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from frankenpanel_operator.engine.leadership import TERM, Leadership
from frankenpanel_operator.errors import LeadershipLostError


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def leadership(clock: Clock) -> Leadership:
    return Leadership(clock)


@contextmanager
def work_of(term: int) -> Iterator[None]:
    token = TERM.set(term)
    try:
        yield
    finally:
        TERM.reset(token)


def test_work_of_the_current_term_may_write(leadership: Leadership) -> None:
    leadership.begin(7, 103.0)
    with work_of(7):
        leadership.check()
    assert leadership.is_leading
    assert leadership.term == 7


def test_a_term_ends_by_itself(leadership: Leadership, clock: Clock) -> None:
    leadership.begin(7, 103.0)
    clock.now = 103.0
    assert not leadership.is_leading
    with work_of(7), pytest.raises(LeadershipLostError, match="term 7"):
        leadership.check()


def test_a_renewal_lengthens_a_term_and_never_shortens_it(leadership: Leadership, clock: Clock) -> None:
    leadership.begin(7, 103.0)
    leadership.extend(104.0)
    leadership.extend(103.5)
    clock.now = 103.9
    with work_of(7):
        leadership.check()


def test_a_renewal_that_comes_too_late_revives_nothing(leadership: Leadership, clock: Clock) -> None:
    leadership.begin(7, 103.0)
    clock.now = 103.5
    leadership.extend(106.0)
    assert not leadership.is_leading


@pytest.mark.parametrize("term", [6, 8])
def test_work_of_another_term_may_not_write(leadership: Leadership, term: int) -> None:
    leadership.begin(7, 103.0)
    with work_of(term), pytest.raises(LeadershipLostError):
        leadership.check()


def test_work_of_an_ended_term_may_not_write(leadership: Leadership) -> None:
    leadership.begin(7, 103.0)
    leadership.end()
    with work_of(7), pytest.raises(LeadershipLostError):
        leadership.check()


def test_work_that_needs_no_leadership_is_not_fenced(leadership: Leadership) -> None:
    leadership.check()


async def test_a_task_belongs_to_the_term_of_the_task_that_started_it(leadership: Leadership) -> None:
    async def write() -> None:
        leadership.check()

    async def work() -> asyncio.Task[None]:
        TERM.set(7)
        return asyncio.create_task(write())

    leadership.begin(8, 109.0)
    started = await asyncio.create_task(work())
    with pytest.raises(LeadershipLostError):
        await started
