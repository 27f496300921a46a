from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from frankenpanel_crds.domain import Domain
from frankenpanel_crds.domain_status import RewritePhase, RewriteStatus
from frankenpanel_crds.site_status import PrimaryStatus
from frankenpanel_operator.desired.promotion import promotion_of, remember_primary

MakeDomain = Callable[..., Domain]
EARLIER = datetime(2026, 7, 1, tzinfo=UTC)


def primary(host: str, *former: str) -> PrimaryStatus:
    return PrimaryStatus(host=host, since=EARLIER, former_hosts=former)


def remembered(known: PrimaryStatus | None, host: str | None, now: datetime, **changes: Any) -> Any:
    arguments: dict[str, Any] = {"domains": (), "has_content": True, **changes}
    return remember_primary(known, host, arguments.pop("domains"), now=now, **arguments)


def rewritten(domain: Domain, since: datetime, phase: RewritePhase = RewritePhase.REWRITTEN) -> Domain:
    rewrite = RewriteStatus(from_host="x.example", promoted_at=since, phase=phase)
    return domain.model_copy(update={"status": domain.status.model_copy(update={"rewrite": rewrite})})


def test_the_first_primary_follows_nobody(now: datetime) -> None:
    assert remembered(None, "a.example", now) == PrimaryStatus(host="a.example", since=now)


def test_the_same_primary_changes_nothing_however_late_it_is(now: datetime) -> None:
    known = primary("a.example", "b.example")
    assert remembered(known, "a.example", now + timedelta(days=9)) is known


def test_another_primary_remembers_the_one_before(now: datetime) -> None:
    found = remembered(primary("a.example"), "b.example", now)
    assert found == PrimaryStatus(host="b.example", since=now, former_hosts=("a.example",))


def test_a_time_without_a_primary_forgets_nothing(now: datetime) -> None:
    assert remembered(primary("a.example"), None, now) == primary("a.example")
    assert remembered(None, None, now) is None


def test_hosts_whose_content_was_not_rewritten_stay_remembered(now: datetime) -> None:
    found = remembered(primary("b.example", "a.example"), "c.example", now)
    assert found.former_hosts == ("b.example", "a.example")


def test_hosts_whose_content_was_rewritten_are_forgotten(now: datetime, make_domain: MakeDomain) -> None:
    known = primary("b.example", "a.example")
    domains = (rewritten(make_domain("b.example"), EARLIER),)
    assert remembered(known, "c.example", now, domains=domains).former_hosts == ("b.example",)


@pytest.mark.parametrize(
    ("since", "phase"), [(EARLIER, "Counted"), (EARLIER - timedelta(days=1), "Rewritten")]
)
def test_an_unfinished_or_an_older_rewrite_does_not_count(
    now: datetime, make_domain: MakeDomain, since: datetime, phase: str
) -> None:
    domains = (rewritten(make_domain("b.example"), since, RewritePhase(phase)),)
    found = remembered(primary("b.example", "a.example"), "c.example", now, domains=domains)
    assert found.former_hosts == ("b.example", "a.example")


def test_the_way_back_remembers_the_host_that_was_left(now: datetime) -> None:
    assert remembered(primary("b.example", "a.example"), "a.example", now).former_hosts == ("b.example",)


def test_before_there_is_content_nothing_can_name_a_host(now: datetime) -> None:
    assert remembered(primary("a.example"), "b.example", now, has_content=False).former_hosts == ()


def test_the_memory_is_as_long_as_the_schema_allows(now: datetime) -> None:
    known = primary("z.example", *(f"{number}.example" for number in range(8)))
    assert len(remembered(known, "new.example", now).former_hosts) == 8


def test_what_is_stored_is_what_is_read_back(now: datetime) -> None:
    found = remembered(primary("a.example"), "b.example", now.replace(microsecond=123456))
    assert PrimaryStatus.model_validate(found.to_manifest()) == found


def test_a_promotion_is_of_the_domain_that_is_the_address(make_domain: MakeDomain) -> None:
    status = primary("shop.localhost", "old.example")
    promotion = promotion_of(make_domain(), "shop.localhost", status)
    assert promotion is not None
    assert (promotion.from_hosts, promotion.since) == (("old.example",), EARLIER)


@pytest.mark.parametrize(
    ("status", "changes"),
    [
        (None, {}),
        (primary("shop.localhost"), {}),
        (primary("other.example", "old.example"), {}),
        (primary("shop.localhost", "old.example"), {"role": "Alias"}),
        (primary("shop.localhost", "old.example"), {"claimed": False}),
    ],
)
def test_no_promotion(make_domain: MakeDomain, status: PrimaryStatus | None, changes: dict[str, Any]) -> None:
    assert promotion_of(make_domain(**changes), "shop.localhost", status) is None
