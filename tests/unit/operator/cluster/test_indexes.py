from __future__ import annotations

import pytest
from frankenpanel_operator.cluster.indexes import Index, field_of
from frankenpanel_operator.observed import ObjectRef


def refs(count: int) -> list[ObjectRef]:
    return [ObjectRef("Domain", "demo", f"d{number}") for number in range(count)]


@pytest.mark.parametrize("count", [1, 8, 9, 100])
def test_keeps_each_reference_once_in_order_and_forgets_it(count: int) -> None:
    index = Index()
    for ref in [*refs(count), *refs(count)]:
        index.add("key", ref)
    assert list(index.get("key")) == refs(count)
    assert list(index.get("other")) == []
    for ref in refs(count):
        index.discard("key", ref)
    index.discard("key", refs(1)[0])
    assert list(index.get("key")) == []
    assert index._refs == {}, "an empty key takes no memory"


def test_fields_of_objects_of_any_form() -> None:
    assert field_of({"a": {"b": 1}}, "a", "b") == 1
    assert field_of({"a": "text"}, "a", "b") is None
    assert field_of({}, "a", "b") is None
