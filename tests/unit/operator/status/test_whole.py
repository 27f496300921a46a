from __future__ import annotations

import pytest
from frankenpanel_crds.site import Site
from frankenpanel_operator.status.whole import (
    deleting_status,
    internal_error_status,
    spec_invalid_status,
)
from pydantic import ValidationError

BODY = {
    "metadata": {"name": "shop", "generation": 7},
    "spec": {"source": {"preset": {"name": "wordpress"}}, "scaling": {"replicas": "hunter2"}},
    "status": {
        "url": "http://shop.localhost",
        "observedGeneration": 6,
        "conditions": [
            {"type": "Ready", "status": "True", "reason": "Ready"},
            {"type": "Installed", "status": "True", "reason": "Installed", "observedGeneration": 6},
        ],
    },
}


@pytest.fixture
def error():
    with pytest.raises(ValidationError) as caught:
        Site.parse(BODY)
    return caught.value


def told(status):
    return {item["type"]: (item["status"], item["reason"]) for item in status["conditions"]}


def test_a_spec_that_cannot_be_read_names_the_field_and_not_the_value(error, now):
    status = spec_invalid_status(BODY, error, now)
    assert told(status) == {
        "Ready": ("False", "SpecInvalid"),
        "Stalled": ("True", "SpecInvalid"),
        "Installed": ("True", "Installed"),
    }
    message = status["conditions"][0]["message"]
    assert "spec.scaling.replicas" in message
    assert "hunter2" not in message


def test_the_rest_of_the_status_stays_as_it_was(error, now):
    status = spec_invalid_status(BODY, error, now)
    assert status["url"] == "http://shop.localhost"
    assert status["observedGeneration"] == 7
    assert status["conditions"][-1]["observedGeneration"] == 6


def test_an_object_without_a_status_gets_one(error, now):
    status = spec_invalid_status({"metadata": {"generation": 1}}, error, now)
    assert status["conditions"][0]["lastTransitionTime"] == "2026-08-01T12:00:00Z"
    assert status["observedGeneration"] == 1


def test_saying_it_again_changes_nothing(error, now):
    status = spec_invalid_status(BODY, error, now)
    assert spec_invalid_status({**BODY, "status": status}, error, now.replace(hour=13)) == status


def test_a_defect_is_tried_again(now):
    found = told(internal_error_status(BODY, now))
    assert found["Ready"] == ("False", "InternalError")
    assert found["Reconciling"] == ("True", "InternalError")


def test_deletion_says_what_it_waits_for(now):
    status = deleting_status(BODY, "The database server does not answer.", now)
    assert told(status)["Ready"] == ("False", "Deleting")
    assert status["conditions"][0]["message"] == "The database server does not answer."
