from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from measuring import arithmetic


@pytest.mark.parametrize(
    ("percent", "expected"), [(50, 50), (99, 99), (100, 100), (1, 1), (0, 1)], ids=lambda value: str(value)
)
def test_a_percentile_of_one_to_a_hundred_is_its_own_number(percent: float, expected: float) -> None:
    values = list(range(100, 0, -1))
    assert arithmetic.percentile(values, percent) == expected


def test_the_99th_percentile_of_few_values_is_the_largest() -> None:
    assert arithmetic.percentile([3.0, 1.0, 2.0], 99) == 3.0


def test_nothing_has_no_percentile_and_no_median() -> None:
    assert arithmetic.percentile([], 50) is None
    assert arithmetic.median([None, None]) is None


def test_rounds_that_measured_nothing_do_not_move_the_median() -> None:
    assert arithmetic.median([None, 4.0, 2.0, 9.0]) == 4.0


@given(
    exponent=st.floats(-2, 3),
    factor=st.floats(0.001, 1000),
    sizes=st.lists(st.sampled_from([100, 1000, 2000, 5000, 10000]), min_size=2, unique=True),
)
def test_the_slope_of_a_power_law_is_its_exponent(exponent: float, factor: float, sizes: list[int]) -> None:
    curve = {size: factor * size**exponent for size in sizes}
    assert arithmetic.slope(curve) == pytest.approx(exponent, abs=1e-6)


def test_one_size_has_no_slope_and_missing_figures_do_not_count() -> None:
    assert arithmetic.slope({100: 5.0, 1000: None}) is None
    assert arithmetic.slope({100: 1.0, 1000: None, 10000: 100.0}) == pytest.approx(1.0)


def test_a_ratio_needs_both_sides_and_a_divisor() -> None:
    assert arithmetic.ratio(6.0, 3.0) == 2.0
    assert arithmetic.ratio(None, 3.0) is None
    assert arithmetic.ratio(6.0, None) is None
    assert arithmetic.ratio(6.0, 0.0) is None
