from __future__ import annotations

from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.plans import Plans
from frankenpanel_operator.engine.priority import Priority
from hypothesis import given
from hypothesis import strategies as st

A, B, C = (Key("Site", "demo", name) for name in "abc")


def test_what_is_due_comes_in_the_order_of_time() -> None:
    plans = Plans()
    plans.put(A, 30, Priority.RESYNC)
    plans.put(B, 10, Priority.LIVE)
    plans.put(C, 50, Priority.RESYNC)
    assert plans.next_due() == 10
    assert list(plans.pop_due(30)) == [(B, Priority.LIVE), (A, Priority.RESYNC)]
    assert (len(plans), plans.next_due()) == (1, 50)


def test_a_change_joins_a_plan_that_stands_and_lifts_it() -> None:
    plans = Plans()
    plans.put(A, 10, Priority.RESYNC)
    plans.put(A, 20, Priority.LIVE)
    assert list(plans.pop_due(9)) == []
    assert list(plans.pop_due(10)) == [(A, Priority.LIVE)]
    assert list(plans.pop_due(1000)) == []


def test_a_dropped_plan_is_never_due() -> None:
    plans = Plans()
    plans.put(A, 10, Priority.LIVE)
    plans.drop(A)
    assert A not in plans
    assert list(plans.pop_due(1000)) == []


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["put", "drop"]), st.integers(1, 50)), max_size=60
    )
)
def test_every_plan_comes_once_and_at_its_earliest_time(steps: list[tuple[str, str, int]]) -> None:
    plans, expected = Plans(), dict[Key, float]()
    for name, step, due in steps:
        key = Key("Site", "demo", name)
        if step == "put":
            plans.put(key, due, Priority.LIVE)
            expected[key] = min(due, expected.get(key, due))
        else:
            plans.drop(key)
            expected.pop(key, None)
        assert len(plans) == len(expected)
    for now in range(51):
        for key, _ in plans.pop_due(now):
            assert expected.pop(key) == now
    assert expected == {}
