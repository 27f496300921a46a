from __future__ import annotations

from typing import Any

import pytest
from frankenpanel_operator.status.news import expiry_news_of, news_of


def status(ready: str, reason: str) -> dict[str, Any]:
    return {"conditions": [{"type": "Ready", "status": ready, "reason": reason, "message": f"{reason}!"}]}


def body(before: Any, kind: str = "Site") -> dict[str, Any]:
    return {"kind": kind, "status": before}


@pytest.mark.parametrize("before", [None, {}, "spoilt", {"conditions": "spoilt"}, status("False", "Waiting")])
def test_trouble_is_news(before):
    news = news_of(body(before), status("False", "PresetNotFound"))
    assert news == ("Warning", "PresetNotFound", "PresetNotFound!")


def test_the_same_trouble_is_no_news_again():
    trouble = status("False", "PresetNotFound")
    assert news_of(body(trouble), trouble) is None


@pytest.mark.parametrize(
    "reason", ["Waiting", "Installing", "RolloutInProgress", "DomainNotReady", "Deleting"]
)
def test_steps_on_the_way_are_no_news(reason):
    assert news_of(body({}), status("False", reason)) is None


@pytest.mark.parametrize("kind", ["Site", "DatabaseServer"])
def test_readiness_is_news(kind):
    assert news_of(body(status("False", "Installing"), kind), status("True", "Ready")) == (
        "Normal",
        "Ready",
        "Ready!",
    )


def test_of_a_domain_only_the_end_of_trouble_is_news():
    ready = status("True", "Ready")
    assert news_of(body({}, "Domain"), ready) is None
    assert news_of(body(status("False", "SiteNotFound"), "Domain"), ready) is None
    assert news_of(body(status("False", "HostTaken"), "Domain"), ready) is not None


EXPIRING = {"type": "CertificateExpiring", "status": "True", "reason": "ExpiresSoon", "message": "Soon!"}


@pytest.mark.parametrize("before", [None, {}, "spoilt", status("True", "Ready")])
def test_an_end_that_comes_near_is_news_although_the_domain_is_ready(before):
    now = {"conditions": [*status("True", "Ready")["conditions"], EXPIRING]}
    assert expiry_news_of(body(before, "Domain"), now) == ("Warning", "ExpiresSoon", "Soon!")
    assert news_of(body(status("True", "Ready"), "Domain"), now) is None


def test_an_end_that_comes_near_is_told_once():
    now = {"conditions": [EXPIRING]}
    assert expiry_news_of(body(now, "Domain"), now) is None
    assert expiry_news_of(body(now, "Domain"), status("True", "Ready")) is None
