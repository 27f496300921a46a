from __future__ import annotations

from frankenpanel_operator.engine.backoff import Backoff
from frankenpanel_operator.engine.circuit import Circuit
from frankenpanel_operator.engine.key import Key

A, B, C, D = (Key("Site", "demo", name) for name in "abcd")


def new_circuit() -> Circuit:
    return Circuit(Backoff(random=lambda: 0.0, base_seconds=1, cap_seconds=10))


def opened(now: float = 100.0) -> Circuit:
    circuit = new_circuit()
    for key in (A, B, C):
        circuit.fail(key, now)
    return circuit


def test_two_failures_are_accidents_and_the_third_opens() -> None:
    circuit = new_circuit()
    assert [circuit.fail(key, 100) for key in (A, B, C)] == [False, False, True]
    assert circuit.is_open
    assert (list(circuit.parked), circuit.probe_at) == ([C], 101)


def test_a_single_key_s_attempts_count_as_well() -> None:
    circuit = new_circuit()
    assert [circuit.fail(A, now) for now in (0, 1, 3)] == [False, False, True]


def test_failures_of_passes_that_were_under_way_together_are_one_outage() -> None:
    circuit = opened()
    circuit.fail(D, 100.5)
    assert circuit.probe_at == 101


def test_each_probe_that_fails_lengthens_the_pause_up_to_the_cap() -> None:
    circuit, pauses = opened(), []
    for _ in range(6):
        now = circuit.probe_at
        circuit.probe = circuit.next_candidate()
        circuit.fail(C, now)
        pauses.append(circuit.probe_at - now)
    assert pauses == [2, 4, 8, 10, 10, 10]
    assert circuit.probe is None


def test_who_failed_last_is_tried_last() -> None:
    circuit = opened()
    circuit.fail(A, 100)
    assert circuit.next_candidate() == C
    circuit.parked.pop(C)
    circuit.fail(C, 101)
    assert circuit.next_candidate() == A


def test_a_named_retry_time_is_a_lower_bound_for_the_key_and_for_every_probe() -> None:
    circuit = opened()
    circuit.fail(D, 100, at_least_seconds=60)
    assert circuit.parked[D] == 160
    assert circuit.probe_at == 160


def test_a_probe_that_told_nothing_makes_room_for_another_at_once() -> None:
    circuit = opened()
    circuit.probe = C
    assert not circuit.end_probe(A, 101)
    assert circuit.end_probe(C, 101.5)
    assert (circuit.probe, circuit.probe_at) == (None, 101.5)


def test_a_report_opens_without_a_row_of_failures() -> None:
    circuit = new_circuit()
    circuit.open(5)
    circuit.open(9)
    assert (circuit.is_open, circuit.probe_at) == (True, 6)
    assert circuit.next_candidate() is None
    assert circuit.fail(A, 5.5)
