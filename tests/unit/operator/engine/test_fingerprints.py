from __future__ import annotations

from frankenpanel_operator.engine.fingerprints import Fingerprints
from frankenpanel_operator.engine.key import Key

A, B = Key("Site", "demo", "a"), Key("Site", "demo", "b")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_nothing_is_known_before_something_was_remembered() -> None:
    assert not Fingerprints(Clock(), 3600).is_same(A, (1, 2))


def test_the_same_inputs_are_recognised_and_others_are_not() -> None:
    fingerprints = Fingerprints(Clock(), 3600)
    fingerprints.remember(A, (1, 2))
    assert fingerprints.is_same(A, (1, 2))
    assert not fingerprints.is_same(A, (1, 3))
    assert not fingerprints.is_same(B, (1, 2))


def test_what_is_remembered_expires_and_not_all_of_it_at_once() -> None:
    clock = Clock()
    fingerprints = Fingerprints(clock, 1000)
    keys = [Key("Site", "demo", f"site-{number}") for number in range(200)]
    for key in keys:
        fingerprints.remember(key, 1)
    clock.now = 749
    assert all(fingerprints.is_same(key, 1) for key in keys)
    clock.now = 875
    assert 0 < sum(fingerprints.is_same(key, 1) for key in keys) < len(keys)
    clock.now = 1000
    assert not any(fingerprints.is_same(key, 1) for key in keys)


def test_forgetting_concerns_one_key_and_clearing_all() -> None:
    fingerprints = Fingerprints(Clock(), 3600)
    fingerprints.remember(A, 1)
    fingerprints.remember(B, 1)
    fingerprints.forget(A)
    assert (fingerprints.is_same(A, 1), fingerprints.is_same(B, 1), len(fingerprints)) == (False, True, 1)
    fingerprints.clear()
    assert len(fingerprints) == 0


def test_a_key_is_trusted_until_it_is_due_and_no_longer() -> None:
    clock = Clock()
    fingerprints = Fingerprints(clock, 3600)
    fingerprints.remember(A, 1, 50)
    assert (fingerprints.due_seconds(A), fingerprints.due_seconds(B)) == (50, None)
    clock.now = 49
    assert (fingerprints.is_same(A, 1), fingerprints.due_seconds(A)) == (True, 1)
    clock.now = 50
    assert not fingerprints.is_same(A, 1)


def test_a_key_that_is_due_late_is_doubted_as_early_as_others() -> None:
    clock = Clock()
    fingerprints = Fingerprints(clock, 1000)
    fingerprints.remember(A, 1, 5000)
    clock.now = 1000
    assert (fingerprints.is_same(A, 1), fingerprints.due_seconds(A)) == (False, 4000)
