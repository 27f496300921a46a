from __future__ import annotations

import configparser

import pytest
from frankenpanel_operator.desired.php_ini import render_php_ini
from frankenpanel_operator.desired.unsafe import UnsafeTextError
from hypothesis import given
from hypothesis import strategies as st


def test_values_are_quoted_in_the_order_given():
    settings = {"memory_limit": "256M", "date.timezone": "Europe/Lisbon"}
    assert render_php_ini(settings) == 'memory_limit = "256M"\ndate.timezone = "Europe/Lisbon"\n'


def test_an_expression_of_constants_stays_one():
    assert render_php_ini({"error_reporting": "E_ALL & ~E_NOTICE"}) == "error_reporting = E_ALL & ~E_NOTICE\n"


def test_an_expression_with_anything_else_is_a_text():
    assert render_php_ini({"error_reporting": "e_all;"}) == 'error_reporting = "e_all;"\n'


@pytest.mark.parametrize("value", ['"', "${HOME}", "a\nextension=evil.so", "a\\", "\x00", "\u2028"])
def test_a_value_that_could_mean_more_is_refused(value):
    with pytest.raises(UnsafeTextError):
        render_php_ini({"memory_limit": value})
    with pytest.raises(UnsafeTextError):
        render_php_ini({"error_reporting": value})


@pytest.mark.parametrize("key", ["", "a b", "a=b", "[PATH]", "a\nb", ".a", "a.", "A"])
def test_a_key_that_is_no_setting_is_refused(key):
    with pytest.raises(UnsafeTextError):
        render_php_ini({key: "1"})


@given(st.text())
def test_every_value_is_one_line_or_refused(value):
    try:
        text = render_php_ini({"memory_limit": value})
    except UnsafeTextError:
        return
    parser = configparser.RawConfigParser(delimiters=("=",), comment_prefixes=(), strict=True)
    parser.read_string(f"[php]\n{text}")
    assert parser["php"]["memory_limit"] == f'"{value}"'
