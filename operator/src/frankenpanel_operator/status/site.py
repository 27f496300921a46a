"""The status of a Site: an ordered list of checks, their sum, and what people look up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from frankenpanel_crds.conditions import (
    Condition,
    SiteCondition,
    SiteReason,
    SummaryCondition,
    find_condition,
)
from frankenpanel_crds.labels import Component
from frankenpanel_crds.site import Site
from frankenpanel_crds.site_status import (
    ApplicationStatus,
    DatabaseStatus,
    PrimaryStatus,
    RuntimeStatus,
    SiteStatus,
    StorageStatus,
)

from frankenpanel_operator import naming
from frankenpanel_operator.desired.address import public_url
from frankenpanel_operator.desired.domains import leading_primary
from frankenpanel_operator.desired.metadata import selector
from frankenpanel_operator.desired.promotion import remember_primary
from frankenpanel_operator.desired.resolution import Resolution, wants_database
from frankenpanel_operator.desired.site import desired_site
from frankenpanel_operator.observed import ObservedSite, OwnedKind
from frankenpanel_operator.status.check import fails, holds
from frankenpanel_operator.status.facts import Progress, SiteFacts, apply_failure
from frankenpanel_operator.status.references import (
    database_ready,
    runtime_ready,
    source_ready,
    storage_ready,
)
from frankenpanel_operator.status.route import domain_statuses, is_blocking, route_ready
from frankenpanel_operator.status.summary import finish, first_cause, summarise
from frankenpanel_operator.status.workload import installed, workload_available

__all__ = ["CHECKS", "Progress", "site_status"]

Check = Callable[[Site, SiteFacts], Condition]

CHECKS: tuple[Check, ...] = (
    source_ready,
    runtime_ready,
    storage_ready,
    database_ready,
    installed,
    workload_available,
    route_ready,
)
"""In the order in which the first that does not hold becomes the reason of Ready."""


def site_status(
    site: Site, resolution: Resolution, observed: ObservedSite, progress: Progress, *, now: datetime
) -> SiteStatus:
    """Return the whole status; equal arguments give an equal status, whatever the time is.

    What cannot be resolved any more keeps its last value: it is what still runs.
    """
    facts = SiteFacts(
        resolution=resolution,
        desired=progress.desired or desired_site(site, resolution.inputs),
        observed=observed,
        is_database_ready=progress.is_database_ready,
        database_error=progress.database_error,
        failure=apply_failure(progress.apply_error),
    )
    old, inputs = site.status, resolution.inputs
    return SiteStatus(
        observed_generation=site.metadata.generation or 0,
        url=_url(resolution),
        selector=",".join(f"{key}={value}" for key, value in selector(site, Component.WEB).items()),
        runtime=_runtime(facts) or old.runtime,
        application=_application(facts) or old.application,
        database=_database(site, facts) or (old.database if wants_database(site) else None),
        storage=_storage(facts) if inputs.storage is not None else old.storage,
        admin_secret_name=_admin_secret_name(site, facts),
        primary=_primary(site, resolution, now),
        domains=domain_statuses(resolution.domains),
        conditions=finish(_conditions(site, facts), old.conditions, site.metadata.generation, now),
        **_replica_counts(site, facts),
    )


def _conditions(site: Site, facts: SiteFacts) -> tuple[Condition, ...]:
    details = tuple(check(site, facts) for check in CHECKS)
    cause = first_cause(condition for condition in details if is_blocking(condition))
    if site.spec.paused:
        return (*_paused_summary(cause), *details)
    return (*summarise(cause, _ready(details)), *details)


def _ready(details: tuple[Condition, ...]) -> Condition:
    missing = first_cause(details)
    message = "The site runs and is reached." if missing is None else f"The site runs. {missing.message}"
    return holds(SummaryCondition.READY, SiteReason.READY, message)


def _paused_summary(cause: Condition | None) -> tuple[Condition, ...]:
    """Neither Reconciling nor Stalled is true of a paused Site: nobody works on it, on purpose."""
    message = "spec.paused is true: the site is served as it is, and nothing is changed until it is false."
    paused = holds(SiteCondition.PAUSED, SiteReason.PAUSED, message)
    if cause is None:
        return holds(SummaryCondition.READY, SiteReason.READY, message), paused
    return fails(SummaryCondition.READY, SiteReason.PAUSED, f"{message} {cause.message}"), paused


def _replica_counts(site: Site, facts: SiteFacts) -> dict[str, int]:
    live = facts.observed.find(OwnedKind.DEPLOYMENT, naming.web_name(site.metadata.name)) or {}
    status = live.get("status", {})
    return {"replicas": status.get("replicas", 0), "ready_replicas": status.get("readyReplicas", 0)}


def _runtime(facts: SiteFacts) -> RuntimeStatus | None:
    runtime = facts.resolution.inputs.runtime
    return None if runtime is None else RuntimeStatus(php=runtime.php, image=runtime.image)


def _application(facts: SiteFacts) -> ApplicationStatus | None:
    application = facts.resolution.inputs.application
    if application is None:
        return None
    return ApplicationStatus(preset=application.preset, version=application.version, image=application.image)


def _database(site: Site, facts: SiteFacts) -> DatabaseStatus | None:
    """Name the server from the moment it is chosen: the Site stays with it, even while it is down."""
    inputs = facts.resolution.inputs
    if inputs.database is None:
        return None
    return DatabaseStatus(
        server_name=inputs.database.server_name,
        name=inputs.database.name,
        secret_name=naming.database_secret_name(site.metadata.name, inputs.data_id),
    )


def _storage(facts: SiteFacts) -> tuple[StorageStatus, ...]:
    return tuple(
        StorageStatus(name=path.name, claim_name=path.claim_name, capacity=_capacity(facts, path.claim_name))
        for path in facts.resolution.inputs.storage or ()
    )


def _capacity(facts: SiteFacts, claim_name: str) -> str | None:
    claim = facts.observed.find(OwnedKind.PERSISTENT_VOLUME_CLAIM, claim_name) or {}
    capacity: str | None = claim.get("status", {}).get("capacity", {}).get("storage")
    return capacity


def _url(resolution: Resolution) -> str | None:
    """Return the address of the Primary host: by https once its Domain says that browsers trust it."""
    leader, inputs = leading_primary(resolution.domains), resolution.inputs
    if leader is None or inputs.primary_host is None:
        return None
    return leader.status.url or public_url(inputs.primary_host, inputs.platform)


def _primary(site: Site, resolution: Resolution, now: datetime) -> PrimaryStatus | None:
    recorded = find_condition(site.status.conditions, SiteCondition.INSTALLED)
    return remember_primary(
        site.status.primary,
        resolution.inputs.primary_host,
        resolution.domains,
        has_content=recorded is not None and recorded.is_true,
        now=now,
    )


def _admin_secret_name(site: Site, facts: SiteFacts) -> str | None:
    application = facts.resolution.inputs.application
    if application is None:
        return site.status.admin_secret_name
    return naming.admin_secret_name(site.metadata.name) if application.install_command else None
