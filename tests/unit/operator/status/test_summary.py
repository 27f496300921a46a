from __future__ import annotations

import pytest
from frankenpanel_crds.conditions import (
    DatabaseServerReason,
    DomainReason,
    SiteCondition,
    SiteReason,
    SummaryCondition,
)
from frankenpanel_operator.status.check import fails, holds
from frankenpanel_operator.status.summary import first_cause, summarise

READY = holds(SummaryCondition.READY, SiteReason.READY, "All is well.")
FINE = holds(SiteCondition.SOURCE_READY, SiteReason.PRESET_FOUND, "Found.")
WAITS = fails(SiteCondition.INSTALLED, SiteReason.WAITING, "Waits.")
BROKEN = fails(SiteCondition.ROUTE_READY, SiteReason.DOMAIN_NOT_READY, "Broken.")


@pytest.mark.parametrize(
    ("conditions", "cause"),
    [
        ([], None),
        ([FINE], None),
        ([FINE, WAITS], WAITS),
        ([WAITS, FINE, BROKEN], BROKEN),
        ([BROKEN, WAITS], BROKEN),
    ],
    ids=[
        "nothing",
        "all holds",
        "only waiting",
        "a cause after one that waits",
        "a cause before one that waits",
    ],
)
def test_the_cause_is_the_first_that_does_not_merely_wait(conditions, cause):
    assert first_cause(conditions) == cause


def test_without_a_cause_there_is_only_ready():
    assert summarise(None, READY) == (READY,)


def test_the_cause_is_told_by_ready_and_by_what_explains_it():
    ready, why = summarise(BROKEN, READY)
    assert (ready.type, ready.status, ready.reason, ready.message) == (
        "Ready",
        "False",
        BROKEN.reason,
        "Broken.",
    )
    assert (why.type, why.status, why.reason, why.message) == (
        "Reconciling",
        "True",
        BROKEN.reason,
        "Broken.",
    )


STALLED = {
    SiteReason.PRESET_NOT_FOUND,
    SiteReason.PRESET_VERSION_NOT_FOUND,
    SiteReason.RUNTIME_NOT_FOUND,
    SiteReason.STORAGE_INVALID,
    SiteReason.VOLUME_LOST,
    SiteReason.VOLUME_RETAINED,
    SiteReason.ACCESS_MODE_CONFLICT,
    SiteReason.RETAINED_DATA_NOT_FOUND,
    SiteReason.DATABASE_NAME_TAKEN,
    SiteReason.DATABASE_LOST,
    SiteReason.OBJECT_NAME_TAKEN,
    SiteReason.REFERENCE_UNREADABLE,
    SiteReason.SPEC_INVALID,
    DomainReason.HOST_TAKEN,
    DomainReason.HOST_INVALID,
    DomainReason.HOST_RESERVED,
    DomainReason.PUBLIC_SUFFIX,
    DomainReason.CLAIM_EXPIRED,
    DomainReason.REDIRECT_INVALID,
    DomainReason.REDIRECT_LOOP,
    DomainReason.SITE_NOT_FOUND,
    DomainReason.PRIMARY_CONFLICT,
    DomainReason.SECRET_FORBIDDEN,
    DomainReason.CERTIFICATE_INVALID,
}
ALL_REASONS = [*SiteReason, *DomainReason, *DatabaseServerReason]


@pytest.mark.parametrize("reason", ALL_REASONS)
def test_only_what_no_retry_heals_is_stalled(reason):
    _, why = summarise(fails(SiteCondition.SOURCE_READY, reason, "x"), READY)
    assert why.type == ("Stalled" if reason in {str(item) for item in STALLED} else "Reconciling")
