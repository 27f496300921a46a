"""Checks of what a Site refers to: its application, its PHP, its volumes, its database."""

from __future__ import annotations

from frankenpanel_crds.conditions import Condition, SiteCondition, SiteReason, find_condition
from frankenpanel_crds.site import Site

from frankenpanel_operator.desired.persistentvolumeclaim import immutable_difference
from frankenpanel_operator.desired.resolution import wants_database
from frankenpanel_operator.errors import (
    DatabaseLostError,
    DatabaseNameTakenError,
    DatabaseUnavailableError,
    FrankenPanelError,
    RetainedDataNotFoundError,
)
from frankenpanel_operator.observed import Manifest, OwnedKind
from frankenpanel_operator.status.check import fails, holds
from frankenpanel_operator.status.facts import SiteFacts


def source_ready(site: Site, facts: SiteFacts) -> Condition:
    """Say whether the application and its version are known."""
    problem = _problem(SiteCondition.SOURCE_READY, facts)
    application = facts.resolution.inputs.application
    if problem is not None or application is None:
        return problem or _waiting(SiteCondition.SOURCE_READY)
    message = f"{application.preset} {application.version} is on offer."
    return holds(SiteCondition.SOURCE_READY, SiteReason.PRESET_FOUND, message)


def runtime_ready(site: Site, facts: SiteFacts) -> Condition:
    """Say whether the PHP version is known."""
    problem = _problem(SiteCondition.RUNTIME_READY, facts)
    runtime = facts.resolution.inputs.runtime
    if problem is not None or runtime is None:
        return problem or _waiting(SiteCondition.RUNTIME_READY)
    return holds(SiteCondition.RUNTIME_READY, SiteReason.RUNTIME_FOUND, f"PHP {runtime.php} is on offer.")


def storage_ready(site: Site, facts: SiteFacts) -> Condition:
    """Say whether every volume exists as asked for."""
    condition = SiteCondition.STORAGE_READY
    problem = _problem(condition, facts)
    if problem is not None:
        return problem
    failure = facts.failure_of([OwnedKind.PERSISTENT_VOLUME_CLAIM])
    if failure is not None:
        return fails(condition, failure.reason, failure.message)
    if facts.resolution.inputs.storage is None:
        return _waiting(condition)
    claims = facts.desired.all(OwnedKind.PERSISTENT_VOLUME_CLAIM)
    if not claims:
        return holds(condition, SiteReason.NOT_REQUIRED, "The Site has no volumes.")
    failing = (_claim_failure(claim, facts) for claim in claims)
    bound = f"All volumes exist ({len(claims)})."
    return next(filter(None, failing), holds(condition, SiteReason.PROVISIONED, bound))


def database_ready(site: Site, facts: SiteFacts) -> Condition:
    """Say whether the database exists and the Site's account can use it."""
    condition = SiteCondition.DATABASE_READY
    problem = _problem(condition, facts)
    if problem is not None:
        return problem
    if not wants_database(site):
        return holds(condition, SiteReason.NOT_REQUIRED, "The Site uses no database.")
    if facts.is_database_ready:
        return holds(condition, SiteReason.PROVISIONED, "The database exists.")
    if facts.database_error is not None:
        return _database_failure(facts.database_error)
    known = find_condition(site.status.conditions, condition)
    # Nothing was tried, as in a paused Site: then the last word stands.
    return known or fails(condition, SiteReason.PENDING, "The database was not looked at yet.")


def _database_failure(error: FrankenPanelError) -> Condition:
    condition = SiteCondition.DATABASE_READY
    if isinstance(error, DatabaseUnavailableError):
        message = "The database server does not answer; it is tried again by itself."
        return fails(condition, SiteReason.DATABASE_SERVER_UNREACHABLE, message)
    if isinstance(error, DatabaseNameTakenError):
        message = (
            "A database of this Site's name exists and is not this Site's; check spec.bootstrapFrom, "
            "or ask your administrator to remove it."
        )
        return fails(condition, SiteReason.DATABASE_NAME_TAKEN, message)
    if isinstance(error, DatabaseLostError):
        message = (
            "The Site's database is not on its server any more; ask your administrator to restore it, or "
            "delete the Site to begin with an empty one."
        )
        return fails(condition, SiteReason.DATABASE_LOST, message)
    if isinstance(error, RetainedDataNotFoundError):
        message = "The database server has no such data; correct the uid in spec.bootstrapFrom.retained."
        return fails(condition, SiteReason.RETAINED_DATA_NOT_FOUND, message)
    message = "The database server refuses to make the database; ask your administrator, it is tried again."
    return fails(condition, SiteReason.DATABASE_REFUSED, message)


def _claim_failure(claim: Manifest, facts: SiteFacts) -> Condition | None:
    condition = SiteCondition.STORAGE_READY
    name = claim["metadata"]["name"]
    live = facts.live(claim)
    difference = immutable_difference(claim, live) if live is not None else None
    if difference is not None:
        message = (
            f"The volume {name} exists with another {difference}, which no volume can change to; "
            f"restore the old {difference} in spec.storage, or use a new name for a new volume."
        )
        return fails(condition, SiteReason.STORAGE_INVALID, message)
    phase = (live or {}).get("status", {}).get("phase", "Pending")
    if phase == "Bound":
        return None
    if phase == "Lost":
        message = f"The volume behind {name} is gone; restore it, or delete the claim to start empty."
        return fails(condition, SiteReason.VOLUME_LOST, message)
    if not facts.observed.pods:
        # Most classes make a volume only where its first pod lands; until then nothing is wrong.
        return fails(condition, SiteReason.WAITING, f"The volume {name} is made for the first pod.")
    message = (
        f"The volume {name} is not bound yet; if it stays so, check the class and size in spec.storage "
        "or ask your administrator."
    )
    return fails(condition, SiteReason.VOLUME_PENDING, message)


def _problem(condition: SiteCondition, facts: SiteFacts) -> Condition | None:
    problem = facts.resolution.problem_of(condition)
    return None if problem is None else fails(condition, problem.reason, problem.message)


def _waiting(condition: SiteCondition) -> Condition:
    return fails(condition, SiteReason.WAITING, "This is looked at once the application is known.")
