"""The status of a DatabaseServer: does it answer, and which version is it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from frankenpanel_crds.conditions import (
    Condition,
    DatabaseServerCondition,
    DatabaseServerReason,
    SummaryCondition,
)
from frankenpanel_crds.databaseserver import DatabaseServer, DatabaseServerStatus

from frankenpanel_operator.errors import AdminSecretError, DatabaseAccessDeniedError, DatabaseUnavailableError
from frankenpanel_operator.status.check import fails, holds
from frankenpanel_operator.status.summary import finish, summarise


@dataclass(frozen=True, slots=True)
class Probe:
    """What came back from a server: its version, or why there was no answer."""

    version: str | None = None
    error: DatabaseUnavailableError | None = None


def database_server_status(server: DatabaseServer, probe: Probe, *, now: datetime) -> DatabaseServerStatus:
    """Return the whole status; the last known version stays while the server is down."""
    reachable = _reachable(probe)
    ready = holds(SummaryCondition.READY, DatabaseServerReason.READY, "Sites can have databases here.")
    conditions = (*summarise(None if reachable.is_true else reachable, ready), reachable)
    return DatabaseServerStatus(
        observed_generation=server.metadata.generation or 0,
        version=probe.version or server.status.version,
        conditions=finish(conditions, server.status.conditions, server.metadata.generation, now),
    )


def _reachable(probe: Probe) -> Condition:
    condition = DatabaseServerCondition.REACHABLE
    match probe.error:
        case None:
            return holds(condition, DatabaseServerReason.REACHABLE, "The server answers.")
        case AdminSecretError():
            message = (
                "The Secret that spec.adminSecretRef names does not exist in the platform's namespace, or "
                "lacks username or password; create or complete it."
            )
            return fails(condition, DatabaseServerReason.SECRET_NOT_FOUND, message)
        case DatabaseAccessDeniedError():
            message = (
                "The server refuses the account in the Secret that spec.adminSecretRef names; correct its "
                "username and password, it is tried again by itself."
            )
            return fails(condition, DatabaseServerReason.ACCESS_DENIED, message)
        case _:
            message = (
                "The server does not answer at spec.host and spec.port; check both and whether it runs, it "
                "is tried again by itself."
            )
            return fails(condition, DatabaseServerReason.UNREACHABLE, message)
