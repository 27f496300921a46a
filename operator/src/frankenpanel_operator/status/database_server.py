"""The status of a DatabaseServer: does it answer, and which version is it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from frankenpanel_crds.conditions import DatabaseServerCondition, DatabaseServerReason, SummaryCondition
from frankenpanel_crds.databaseserver import DatabaseServer, DatabaseServerStatus

from frankenpanel_operator.errors import DatabaseUnavailableError
from frankenpanel_operator.status.check import fails, holds
from frankenpanel_operator.status.summary import finish, summarise


@dataclass(frozen=True, slots=True)
class Probe:
    """What came back from a server: its version, or why there was no answer."""

    version: str | None = None
    error: DatabaseUnavailableError | None = None


def database_server_status(server: DatabaseServer, probe: Probe, *, now: datetime) -> DatabaseServerStatus:
    """Return the whole status; the last known version stays while the server is down."""
    condition = DatabaseServerCondition.REACHABLE
    if probe.error is None:
        reachable = holds(condition, DatabaseServerReason.REACHABLE, "The server answers.")
    else:
        message = (
            "The server does not answer at spec.host and spec.port, or refuses the account in the Secret "
            "that spec.adminSecretRef names; check both, it is tried again by itself."
        )
        reachable = fails(condition, DatabaseServerReason.UNREACHABLE, message)
    ready = holds(SummaryCondition.READY, DatabaseServerReason.READY, "Sites can have databases here.")
    conditions = (*summarise(None if reachable.is_true else reachable, ready), reachable)
    return DatabaseServerStatus(
        observed_generation=server.metadata.generation or 0,
        version=probe.version or server.status.version,
        conditions=finish(conditions, server.status.conditions, server.metadata.generation, now),
    )
