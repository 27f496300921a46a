from __future__ import annotations

from typing import Any

import pytest
from frankenpanel_operator.cluster.drift import drifted


@pytest.mark.parametrize(
    ("desired", "live"),
    [
        ({"replicas": 1}, {"replicas": 1, "paused": False}),
        ({"a": {"b": [1, {"c": "x"}]}}, {"a": {"b": [1, {"c": "x", "d": "default"}]}}),
        ({"readOnly": False, "args": [], "emptyDir": {}, "value": "", "nothing": None}, {}),
        ({"emptyDir": {}}, {"emptyDir": {"medium": "Memory"}}),
        ({"requests": {"cpu": "0.1", "memory": "1024Mi"}}, {"requests": {"cpu": "100m", "memory": "1Gi"}}),
        ({"limits": {"cpu": 1}}, {"limits": {"cpu": "1"}}),
        ({"emptyDir": {"sizeLimit": "0.5Gi"}}, {"emptyDir": {"sizeLimit": "512Mi"}}),
        ({"selector": {"a": "1"}}, {"selector": {"a": "1"}}),
    ],
)
def test_contained(desired: Any, live: Any) -> None:
    assert not drifted(desired, live)


@pytest.mark.parametrize(
    ("desired", "live"),
    [
        ({"replicas": 1}, {"replicas": 2}),
        ({"replicas": 1}, {}),
        ({"replicas": 1}, None),
        ({"readOnly": False}, {"readOnly": True}),
        ({"env": [{"name": "A"}]}, {"env": []}),
        ({"env": [{"name": "A"}]}, {"env": [{"name": "A"}, {"name": "B"}]}),
        ({"env": []}, {"env": [{"name": "B"}]}),
        ({"spec": {"a": 1}}, {"spec": "text"}),
        ({"args": ["a"]}, {"args": 7}),
        ({"selector": {"a": "1"}}, {"selector": {"a": "1", "b": "2"}}),
        ({"podSelector": {}}, {"podSelector": {"matchLabels": {"a": "1"}}}),
        ({"data": {"php.ini": "x"}}, {"data": {"php.ini": "x", "more.ini": "y"}}),
        ({"requests": {"cpu": "100m"}}, {"requests": {"cpu": "200m"}}),
        ({"requests": {"cpu": "100m"}}, {"requests": {}}),
        ({"limits": {"cpu": "lots"}}, {"limits": {"cpu": "more"}}),
        # Outside of maps of quantities equal numbers in other words are other values.
        ({"env": [{"value": "1000m"}]}, {"env": [{"value": "1"}]}),
    ],
)
def test_drifted(desired: Any, live: Any) -> None:
    assert drifted(desired, live)
