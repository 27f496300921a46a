"""Named points at which a test may end the process; in production nothing happens at any of them.

A point marks a step after which the world differs from what was remembered of it: each write, each statement
that a database server has carried out, each report. The tests end a real operator at every one of them and
look at what its successor makes of it, so the list here is the list that is tested.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class Failpoint(StrEnum):
    """Every point, by the step that has just been taken; a step that found nothing to do is not reached."""

    # Start-up.
    PLATFORM_KEY_CREATED = "platform-key-created"
    MARIADB_ACCOUNT_CREATED = "mariadb-account-created"

    # A Site comes into being or is changed.
    SITE_FINALIZER_ADDED = "site-finalizer-added"
    OWNERSHIP_TABLE_CREATED = "ownership-table-created"
    """In the thread that speaks to the database server, as is DATABASE_STEP_TAKEN."""
    DATABASE_STEP_TAKEN = "database-step-taken"
    """After each batch of statements, whatever it was for: making, adopting, repairing, locking, dropping."""
    DATABASE_ENSURED = "database-ensured"
    """In every pass of a Site with a database, also where there was nothing to do."""
    SERVICE_ACCOUNT_APPLIED = "service-account-applied"
    NETWORK_POLICY_APPLIED = "network-policy-applied"
    VOLUME_CLAIM_APPLIED = "volume-claim-applied"
    SECRET_CREATED = "secret-created"  # noqa: S105  a step, not a password
    SECRET_FOUND = "secret-found"  # noqa: S105  a step, not a password
    """A Secret of the name exists already and is about to be overwritten."""
    SECRET_OVERWRITTEN = "secret-overwritten"  # noqa: S105  a step, not a password
    CONFIG_MAP_APPLIED = "config-map-applied"
    SERVICE_APPLIED = "service-applied"
    JOB_APPLIED = "job-applied"
    DEPLOYMENT_APPLIED = "deployment-applied"
    OBJECT_PRUNED = "object-pruned"
    SITE_STATUS_WRITTEN = "site-status-written"
    BLOCKED_STATUS_WRITTEN = "blocked-status-written"
    """The status of an object that cannot be read, or whose deletion waits, or that hits a defect."""

    # A Domain comes into being or is changed.
    DOMAIN_FINALIZER_ADDED = "domain-finalizer-added"
    CLAIM_CREATED = "claim-created"
    CLAIM_PATCHED = "claim-patched"
    """Also where it is kept, released, for a while after its Domain."""
    RIVAL_CLAIM_DELETED = "rival-claim-deleted"
    """A claim that nobody had proven, or whose Domain is gone, stood in the way of another one."""
    WWW_DOMAIN_APPLIED = "www-domain-applied"
    WWW_DOMAIN_DELETED = "www-domain-deleted"
    REWRITE_JOB_CREATED = "rewrite-job-created"
    REWRITE_JOB_DELETED = "rewrite-job-deleted"
    DOMAIN_STATUS_WRITTEN = "domain-status-written"
    CERTIFICATE_COPY_DELETED = "certificate-copy-deleted"
    """In the namespace of certificates: its Domain has another mode now, or goes."""

    # Either goes.
    DATABASE_RETAINED = "database-retained"
    DATABASE_DROPPED = "database-dropped"
    VOLUME_CLAIM_RETAINED = "volume-claim-retained"
    VOLUME_CLAIM_DELETED = "volume-claim-deleted"
    DATABASE_SECRET_RETAINED = "database-secret-retained"  # noqa: S105  a step, not a password
    DATABASE_SECRET_DELETED = "database-secret-deleted"  # noqa: S105  a step, not a password
    SITE_FINALIZER_RELEASED = "site-finalizer-released"
    CLAIM_DELETED = "claim-deleted"
    DOMAIN_FINALIZER_RELEASED = "domain-finalizer-released"

    # Reports that are nobody's spec.
    EVENT_POSTED = "event-posted"
    DATABASE_SERVER_STATUS_WRITTEN = "database-server-status-written"


_on_reached: Callable[[Failpoint], None] | None = None


def reached(point: Failpoint) -> None:
    """Tell the test, if there is one, that the step is taken."""
    if _on_reached is not None:
        _on_reached(point)


def arm(on_reached: Callable[[Failpoint], None] | None) -> None:
    """Let a test hear of every point that is reached; None disarms."""
    global _on_reached
    _on_reached = on_reached
