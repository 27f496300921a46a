from __future__ import annotations

from frankenpanel_operator.engine.in_flight import InFlight
from hypothesis import given
from hypothesis import strategies as st

QUICK = 0.020


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Server:
    """Answers a full house of requests together, as often as asked."""

    def __init__(self, most: int = 16) -> None:
        self.clock = Clock()
        self.in_flight = InFlight(self.clock, most)

    def answer_full_houses(self, times: int, seconds: float = QUICK) -> list[int]:
        limits = []
        for _ in range(times):
            began = self.fill()
            self.clock.now += seconds
            for moment in began:
                self.in_flight.end(moment)
            limits.append(self.in_flight.limit)
        return limits

    def fill(self) -> list[float]:
        began = []
        while not self.in_flight.is_full:
            began.append(self.in_flight.begin())
        return began


def test_the_limit_grows_by_one_with_every_full_window_up_to_the_most() -> None:
    assert Server().answer_full_houses(10) == [9, 10, 11, 12, 13, 14, 15, 16, 16, 16]


def test_a_limit_that_nobody_reaches_does_not_grow() -> None:
    server = Server()
    for _ in range(100):
        moment = server.in_flight.begin()
        server.clock.now += QUICK
        server.in_flight.end(moment)
    assert server.in_flight.limit == 8


def test_refusals_of_requests_that_were_under_way_together_halve_once() -> None:
    server = Server()
    began = server.fill()
    server.clock.now += QUICK
    for moment in began:
        server.in_flight.end(moment, is_overload=True)
    assert server.in_flight.limit == 4


def test_refusals_that_go_on_halve_down_to_two_and_no_further() -> None:
    server = Server()
    limits = []
    for _ in range(4):
        moment = server.in_flight.begin()
        server.clock.now += QUICK
        server.in_flight.end(moment, is_overload=True)
        limits.append(server.in_flight.limit)
    assert limits == [4, 2, 2, 2]


def test_who_was_refused_climbs_again_step_by_step() -> None:
    server = Server()
    server.in_flight.end(server.in_flight.begin(), is_overload=True)
    server.clock.now += 1
    assert server.answer_full_houses(3) == [5, 6, 7]


def test_slow_answers_shrink_the_limit_until_they_are_quick_again() -> None:
    server = Server()
    server.answer_full_houses(3)
    limits = server.answer_full_houses(8, seconds=QUICK * 6)
    assert limits == sorted(limits, reverse=True)
    assert limits[-1] < 8
    recovered = server.answer_full_houses(40)
    assert recovered[-1] == 16


def test_answers_of_some_milliseconds_are_never_slow() -> None:
    server = Server()
    server.answer_full_houses(1, seconds=0.0005)
    assert server.answer_full_houses(20, seconds=0.009)[-1] == 16


def test_a_server_that_has_become_slower_for_good_is_the_new_measure_after_a_while() -> None:
    server = Server()
    server.answer_full_houses(3)
    assert server.answer_full_houses(20, seconds=0.5)[-1] == 2
    assert server.answer_full_houses(300, seconds=0.5)[-1] == 16


def test_abandoned_requests_teach_nothing() -> None:
    server = Server()
    for _ in server.fill():
        server.in_flight.abandon()
    assert (server.in_flight.count, server.in_flight.limit) == (0, 8)


def test_a_most_below_the_least_stands() -> None:
    server = Server(most=1)
    server.in_flight.end(server.in_flight.begin(), is_overload=True)
    assert server.in_flight.limit == 1


@given(
    most=st.integers(1, 64),
    steps=st.lists(st.tuples(st.sampled_from(["begin", "end", "overload", "abandon"]), st.floats(0, 5))),
)
def test_whatever_happens_the_limit_stays_between_its_bounds_and_nothing_is_miscounted(
    most: int, steps: list[tuple[str, float]]
) -> None:
    clock = Clock()
    in_flight = InFlight(clock, most)
    under_way: list[float] = []
    for step, seconds in steps:
        clock.now += seconds
        if step == "begin" and not in_flight.is_full:
            under_way.append(in_flight.begin())
        elif step == "abandon" and under_way:
            under_way.pop(0)
            in_flight.abandon()
        elif step in ("end", "overload") and under_way:
            in_flight.end(under_way.pop(0), is_overload=step == "overload")
        assert in_flight.count == len(under_way)
        assert min(2, most) <= in_flight.limit <= most
