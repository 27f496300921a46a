from __future__ import annotations

from typing import Any

import pytest
from frankenpanel_operator.cluster.api_errors import (
    AlreadyExistsError,
    ExpiredError,
    NotFoundError,
    PatchTestFailedError,
    error_for,
)
from frankenpanel_operator.errors import (
    KUBERNETES,
    ClusterRefusedError,
    ClusterUnavailableError,
    ConflictError,
    NamespaceTerminatingError,
)

BARE = "the server rejected our request due to an error in our request"


@pytest.mark.parametrize(
    ("status", "answer", "kind"),
    [
        (400, {}, ClusterRefusedError),
        (401, {}, ClusterUnavailableError),
        (403, {"reason": "Forbidden"}, ClusterRefusedError),
        (403, {"details": {"causes": [{"reason": "NamespaceTerminating"}]}}, NamespaceTerminatingError),
        (404, {}, NotFoundError),
        (409, {"reason": "AlreadyExists"}, AlreadyExistsError),
        (409, {"reason": "Conflict"}, ConflictError),
        (410, {}, ExpiredError),
        (422, {"reason": "Invalid", "details": {"causes": [{}]}, "message": BARE}, ClusterRefusedError),
        (422, {"reason": "Invalid", "details": {}, "message": BARE}, PatchTestFailedError),
        (429, {}, ClusterUnavailableError),
        (500, {}, ClusterUnavailableError),
        (504, {}, ClusterUnavailableError),
    ],
)
def test_meaning_of_each_status(status: int, answer: dict[str, Any], kind: type[Exception]) -> None:
    assert type(error_for(status, answer, subject="s")) is kind


def test_retry_after_is_passed_on() -> None:
    error = error_for(429, {}, subject="s", retry_after="7")
    assert isinstance(error, ClusterUnavailableError)
    assert error.retry_after_seconds == 7
    odd = error_for(503, {}, subject="s", retry_after="Wed, 21 Oct 2026 07:28:00 GMT")
    assert isinstance(odd, ClusterUnavailableError)
    assert odd.retry_after_seconds is None


def test_private_answers_are_not_quoted() -> None:
    answer = {"reason": "Invalid", "message": 'Invalid value: "hunter2"'}
    assert "hunter2" in str(error_for(422, answer, subject="create ConfigMap"))
    assert str(error_for(422, answer, subject="create Secret", private=True)) == "create Secret: Invalid"


WEBHOOK = 'Internal error occurred: failed calling webhook "images.example.com": connection refused'
DENIED = 'admission webhook "images.example.com" denied the request: try later'


@pytest.mark.parametrize(
    ("status", "message", "dependency"),
    [
        (401, "Unauthorized", KUBERNETES),
        (429, "too many requests", KUBERNETES),
        (500, "etcdserver: leader changed", KUBERNETES),
        (503, "apiserver is shutting down", KUBERNETES),
        (504, "Timeout: request did not complete within requested timeout", KUBERNETES),
        (500, WEBHOOK, None),
        (429, DENIED, None),
        (503, DENIED, None),
    ],
)
def test_one_objects_webhook_is_no_outage_for_all(status: int, message: str, dependency: str | None) -> None:
    for private in (False, True):
        error = error_for(status, {"message": message}, subject="s", private=private)
        assert isinstance(error, ClusterUnavailableError)
        assert error.dependency == dependency
