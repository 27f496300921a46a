"""Every failpoint is a step of the operator's, and there is one place that takes the step."""

from __future__ import annotations

import ast
from collections import Counter

from frankenpanel_operator.failpoints import Failpoint

_LIST = "operator/src/frankenpanel_operator/failpoints.py"


def test_every_failpoint_is_named_at_exactly_one_place(program_files):
    named = Counter(
        node.attr
        for file in program_files
        if file.name != _LIST
        for node in ast.walk(file.tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "Failpoint"
    )
    assert named == Counter(point.name for point in Failpoint)


def test_nothing_is_armed_outside_of_tests(program_files):
    callers = [
        file.name
        for file in program_files
        for node in ast.walk(file.tree)
        if isinstance(node, ast.Call)
        and "arm" in (getattr(node.func, "id", ""), getattr(node.func, "attr", ""))
    ]
    assert callers == []
