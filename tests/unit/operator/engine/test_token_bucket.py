from __future__ import annotations

from frankenpanel_operator.engine.token_bucket import TokenBucket


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_and_then_one_in_every_interval() -> None:
    clock = Clock()
    bucket = TokenBucket(clock, capacity=25, refill_seconds=300)
    assert [bucket.take() for _ in range(26)] == [True] * 25 + [False]
    clock.now += 299
    assert not bucket.take()
    clock.now += 1
    assert bucket.take()
    assert not bucket.take()


def test_what_is_not_used_is_saved_up_to_the_capacity() -> None:
    clock = Clock()
    bucket = TokenBucket(clock, capacity=2, refill_seconds=10)
    assert bucket.is_full()
    assert bucket.take()
    assert not bucket.is_full()
    clock.now += 10
    assert bucket.is_full()
    clock.now += 3600
    assert [bucket.take() for _ in range(3)] == [True, True, False]


def test_being_asked_in_vain_costs_nothing() -> None:
    clock = Clock()
    bucket = TokenBucket(clock, capacity=1, refill_seconds=10)
    assert bucket.take()
    for _ in range(9):
        clock.now += 1
        assert not bucket.take()
    clock.now += 1
    assert bucket.take()
