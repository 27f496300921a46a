"""Translates what the API server answers into domain errors; nothing above sees an HTTP status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frankenpanel_operator.errors import (
    KUBERNETES,
    ClusterRefusedError,
    ClusterUnavailableError,
    ConflictError,
    FrankenPanelError,
    NamespaceTerminatingError,
)


class NotFoundError(FrankenPanelError):
    """The object, or the namespace it should be in, does not exist (404)."""


class AlreadyExistsError(FrankenPanelError):
    """An object of that name exists (409 on create)."""


class ExpiredError(FrankenPanelError):
    """The resourceVersion or the continue token is too old: list again (410)."""


class PatchTestFailedError(ClusterRefusedError):
    """A `test` operation of a JSON Patch did not hold: the object is not the one we believed it to be."""


# The API server answers a failed `test` with this bare sentence: 422 without a kind, a name or causes.
_PATCH_REFUSED_MESSAGE = "the server rejected our request due to an error in our request"

# What the server says when something stands in the way of one object only: the words of a webhook, or of an
# admission plugin, that failed. A webhook may choose its own status, so the status does not tell.
_ONE_OBJECTS_WORDS = ("webhook", "admission plugin", "request is too large")


def error_for(
    status: int,
    answer: Mapping[str, Any],
    *,
    subject: str,
    retry_after: str | None = None,
    private: bool = False,
) -> FrankenPanelError:
    """Return the error that an answer of 400 or above means.

    Args:
        status: the HTTP status.
        answer: the decoded `Status` object, or an empty mapping.
        subject: the request in words, for the message.
        retry_after: the header of that name.
        private: withhold the server's message, because it may quote values (Secrets).
    """
    reason = str(answer.get("reason") or f"HTTP {status}")
    detail = reason if private else str(answer.get("message") or reason)
    message = f"{subject}: {detail}"
    match status:
        case 404:
            return NotFoundError(message)
        case 409 if reason == "AlreadyExists":
            return AlreadyExistsError(message)
        case 409:
            return ConflictError(message)
        case 410:
            return ExpiredError(message)
        case 403 if _has_cause(answer, "NamespaceTerminating"):
            return NamespaceTerminatingError(message, status=status)
        case 422 if _is_failed_patch_test(answer):
            return PatchTestFailedError(message, status=status)
        case 401 | 408 | 429:
            return _unavailable(message, answer, retry_after)
        case _ if status >= 500:
            return _unavailable(message, answer, retry_after)
        case _:
            return ClusterRefusedError(message, status=status)


def _unavailable(message: str, answer: Mapping[str, Any], retry_after: str | None) -> ClusterUnavailableError:
    words = str(answer.get("message") or "")
    is_about_one_object = any(part in words for part in _ONE_OBJECTS_WORDS)
    return ClusterUnavailableError(
        message,
        retry_after_seconds=_seconds(retry_after),
        dependency=None if is_about_one_object else KUBERNETES,
    )


def _is_failed_patch_test(answer: Mapping[str, Any]) -> bool:
    details = answer.get("details") or {}
    return answer.get("message") == _PATCH_REFUSED_MESSAGE and not details.get("causes")


def _has_cause(answer: Mapping[str, Any], reason: str) -> bool:
    causes = (answer.get("details") or {}).get("causes") or ()
    return any(cause.get("reason") == reason for cause in causes)


def _seconds(retry_after: str | None) -> float | None:
    """Read the header's number of seconds; the API server never sends the date form."""
    try:
        return float(retry_after) if retry_after else None
    except ValueError:
        return None
