from __future__ import annotations

from decimal import Decimal

import pytest
from frankenpanel_operator.desired.quantity import parse_quantity
from frankenpanel_operator.desired.resources import (
    effective_resources,
    go_memory_limit,
    ini_size_bytes,
    php_threads,
)
from hypothesis import given
from hypothesis import strategies as st

QUANTITIES = {
    "1": 1,
    "100m": Decimal("0.1"),
    "1.5": Decimal("1.5"),
    ".5": Decimal("0.5"),
    "1k": 1000,
    "1M": 10**6,
    "512Mi": 512 * 2**20,
    "2Gi": 2 * 2**30,
    "1E": 10**18,
    "1Ei": 2**60,
    "1e3": 1000,
    "1E3": 1000,
    "5e-1": Decimal("0.5"),
    "3n": Decimal("3e-9"),
}


@pytest.mark.parametrize("text", QUANTITIES)
def test_quantities_are_read_as_kubernetes_reads_them(text):
    assert parse_quantity(text) == QUANTITIES[text]


@pytest.mark.parametrize(
    "text", ["", "0", "0Gi", "-1", "1 Gi", "Gi", "1gi", "1Gib", "one", "1..2", "1e", "NaN", "1\n"]
)
def test_what_is_no_positive_quantity_is_none(text):
    assert parse_quantity(text) is None


@given(st.text())
def test_no_text_makes_the_reader_fail(text):
    assert parse_quantity(text) is None or parse_quantity(text) > 0


def resources(requests=None, limits=None):
    return {"resources": {"requests": requests or {}, "limits": limits or {}}}


def amounts(site, name):
    effective = effective_resources(site)
    return effective["requests"][name], effective["limits"][name]


def test_defaults_apply_where_nothing_is_said(make_site):
    assert amounts(make_site(), "cpu") == ("100m", "1")
    assert amounts(make_site(), "memory") == ("128Mi", "512Mi")


CASES = {
    "a limit below the default request lowers the request": (
        resources(limits={"memory": "64Mi"}),
        ("64Mi", "64Mi"),
    ),
    "a request above the default limit raises the limit": (
        resources(requests={"memory": "2Gi"}),
        ("2Gi", "2Gi"),
    ),
    "a limit above the default request leaves it": (resources(limits={"memory": "1Gi"}), ("128Mi", "1Gi")),
    "a request below the default limit leaves it": (
        resources(requests={"memory": "64Mi"}),
        ("64Mi", "512Mi"),
    ),
    "both are taken as they are": (
        resources({"memory": "200Mi"}, {"memory": "300Mi"}),
        ("200Mi", "300Mi"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_no_request_is_above_its_limit(make_site, case):
    spec, expected = CASES[case]
    assert amounts(make_site(spec), "memory") == expected


@pytest.mark.parametrize(
    ("spec", "threads"),
    [
        ({}, 2),
        (resources(limits={"cpu": "100m"}), 2),
        (resources(limits={"cpu": "1500m"}), 3),
        (resources(limits={"cpu": 4}), 8),
        (resources(limits={"cpu": 400}), 64),
        ({"runtime": {"threads": 5}}, 5),
        ({"runtime": {"threads": 1}, **resources(limits={"cpu": 4})}, 1),
    ],
)
def test_threads_follow_the_processor_limit_unless_stated(make_site, spec, threads):
    assert php_threads(make_site(spec)) == threads


@pytest.mark.parametrize(
    ("spec", "limit"),
    [
        ({}, "128MiB"),
        ({"runtime": {"ini": {"memory_limit": "64M"}}}, "384MiB"),
        ({"runtime": {"ini": {"memory_limit": "1G"}}}, "128MiB"),
        ({"runtime": {"ini": {"memory_limit": "1024"}}}, "511MiB"),
        (resources(limits={"memory": "16Mi"}), "16MiB"),
    ],
    ids=["default", "small threads", "threads that want more than all", "bytes", "hardly any memory"],
)
def test_go_gets_what_the_threads_leave_but_at_least_a_quarter(make_site, spec, limit):
    assert go_memory_limit(make_site(spec)) == limit


@pytest.mark.parametrize(("text", "size"), [("1", 1), ("2K", 2048), ("3M", 3 * 2**20), ("1G", 2**30)])
def test_php_sizes_count_in_powers_of_1024(text, size):
    assert ini_size_bytes(text) == size
