from __future__ import annotations

import pytest
from frankenpanel_crds.domain_settings import VerificationMethod
from frankenpanel_crds.domain_status import ChallengeRecord, ChallengeType
from frankenpanel_crds.reasons import DomainReason
from frankenpanel_operator.desired.verification import (
    DNS_CHALLENGES,
    EVERY_CHALLENGE,
    Evidence,
    challenge_records,
    evidence_ttl_seconds,
    judge_ownership,
    verification_token,
    wanted_records,
)
from frankenpanel_operator.findings import DnsAnswer, DnsOutcome, HttpAnswer, HttpOutcome

KEY = bytes(range(32))
HOST = "shop.example.com"
TOKEN = verification_token(KEY, "demo", HOST)
RECORDS = challenge_records(HOST, TOKEN, "edge.example.net")
NOTHING = DnsAnswer(DnsOutcome.NO_SUCH_NAME, ttl_seconds=60)
UNREACHABLE = DnsAnswer(DnsOutcome.UNREACHABLE)


def found(*values: str, ttl: int = 300) -> DnsAnswer:
    return DnsAnswer(DnsOutcome.FOUND, values, ttl_seconds=ttl)


def value_of(kind: ChallengeType) -> str:
    return next(record.value for record in RECORDS if record.type is kind)


def test_a_token_is_the_same_for_ever_and_another_one_for_another_namespace_host_or_platform() -> None:
    others = {
        verification_token(KEY, "other", HOST),
        verification_token(KEY, "demo", "www.example.com"),
        verification_token(bytes(32), "demo", HOST),
    }
    assert verification_token(KEY, "demo", HOST) == TOKEN
    assert TOKEN not in others
    assert len(others) == 3


def test_a_token_is_a_label_of_dns() -> None:
    assert len(TOKEN) <= 63
    assert set(TOKEN) <= set("abcdefghijklmnopqrstuvwxyz234567")


def test_every_way_is_offered_with_what_to_set() -> None:
    assert [(record.type, record.name, record.value) for record in RECORDS] == [
        ("TXT", "_frankenpanel.shop.example.com", f"frankenpanel-verification={TOKEN}"),
        ("CNAME", "_frankenpanel.shop.example.com", f"{TOKEN}.verify.edge.example.net"),
        (
            "HTTP",
            "http://shop.example.com/.well-known/frankenpanel-verification",
            f"frankenpanel-verification={TOKEN}",
        ),
    ]


def test_an_alias_is_offered_only_where_the_platform_has_a_name() -> None:
    assert [record.type for record in challenge_records(HOST, TOKEN, None)] == ["TXT", "HTTP"]


def test_a_wildcard_is_proven_at_the_name_above_it_and_never_by_http() -> None:
    records = challenge_records("*.example.com", TOKEN, "edge.example.net")
    assert {(record.type, record.name) for record in records} == {
        ("TXT", "_frankenpanel.example.com"),
        ("CNAME", "_frankenpanel.example.com"),
    }


def test_a_record_whose_name_would_be_too_long_for_dns_is_not_offered() -> None:
    host = ".".join(["a" * 60] * 4)
    assert [record.type for record in challenge_records(host, TOKEN, "edge.example.net")] == ["HTTP"]


@pytest.mark.parametrize(
    ("method", "allowed", "expected"),
    [
        ("Auto", EVERY_CHALLENGE, ["TXT", "CNAME", "HTTP"]),
        ("Auto", DNS_CHALLENGES, ["TXT", "CNAME"]),
        ("TXT", EVERY_CHALLENGE, ["TXT"]),
        ("CNAME", EVERY_CHALLENGE, ["CNAME"]),
        ("HTTP", EVERY_CHALLENGE, ["HTTP"]),
        ("HTTP", DNS_CHALLENGES, []),
    ],
)
def test_only_the_named_method_counts_and_only_where_it_is_allowed(
    method: str, allowed: frozenset[ChallengeType], expected: list[str]
) -> None:
    records = wanted_records(RECORDS, VerificationMethod(method), allowed)
    assert [record.type for record in records] == expected


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence(txt=found("v=spf1 -all", value_of(ChallengeType.TXT))),
        Evidence(txt=NOTHING, cname=found(value_of(ChallengeType.CNAME))),
        Evidence(
            txt=UNREACHABLE, cname=NOTHING, http=HttpAnswer(HttpOutcome.FOUND, f" {RECORDS[0].value}\n")
        ),
    ],
    ids=["txt", "cname", "http"],
)
def test_any_one_of_the_records_proves(evidence: Evidence) -> None:
    ownership = judge_ownership(HOST, RECORDS, evidence)
    assert (ownership.is_proven, ownership.reason) == (True, DomainReason.VERIFIED)
    assert ownership.records == ()


def test_a_record_of_another_kind_than_asked_for_proves_nothing() -> None:
    only_http = wanted_records(RECORDS, VerificationMethod.HTTP, EVERY_CHALLENGE)
    evidence = Evidence(txt=found(RECORDS[0].value), http=HttpAnswer(HttpOutcome.NOT_FOUND))
    assert not judge_ownership(HOST, only_http, evidence).is_proven


@pytest.mark.parametrize(
    ("evidence", "reason", "text"),
    [
        (Evidence(NOTHING, NOTHING), DomainReason.RECORD_NOT_FOUND, "_frankenpanel.shop.example.com"),
        (Evidence(found("else"), NOTHING), DomainReason.RECORD_WRONG, '"else"'),
        (Evidence(NOTHING, found("else.example.net")), DomainReason.RECORD_WRONG, '"else.example.net"'),
        (Evidence(UNREACHABLE, UNREACHABLE), DomainReason.DNS_UNREACHABLE, "do not answer"),
        (
            Evidence(NOTHING, NOTHING, HttpAnswer(HttpOutcome.REDIRECTED)),
            DomainReason.RECORD_NOT_FOUND,
            "redirect",
        ),
        (
            Evidence(NOTHING, NOTHING, HttpAnswer(HttpOutcome.REFUSED)),
            DomainReason.RECORD_NOT_FOUND,
            "no public address",
        ),
    ],
    ids=["nothing", "other txt", "other cname", "silent", "redirect", "private address"],
)
def test_what_is_not_proven_says_why_and_what_to_set(
    evidence: Evidence, reason: DomainReason, text: str
) -> None:
    ownership = judge_ownership(HOST, RECORDS, evidence)
    assert (ownership.is_proven, ownership.reason, ownership.records) == (False, reason, RECORDS)
    assert text in ownership.message


def test_what_a_foreign_web_server_says_is_not_repeated() -> None:
    evidence = Evidence(NOTHING, NOTHING, HttpAnswer(HttpOutcome.FOUND, "secret of somebody"))
    ownership = judge_ownership(HOST, RECORDS, evidence)
    assert ownership.reason is DomainReason.RECORD_WRONG
    assert "secret" not in ownership.message


def test_foreign_values_are_quoted_short_and_printable() -> None:
    values = ("\x1b[31m\n" + "x" * 500, "b", "c", "d")
    message = judge_ownership(HOST, RECORDS, Evidence(found(*values))).message
    assert message.isprintable()
    assert len(message) < 600
    assert '"c", ...' in message


def test_a_method_that_cannot_prove_the_host_says_what_to_change() -> None:
    records: tuple[ChallengeRecord, ...] = ()
    ownership = judge_ownership("*.example.com", records, Evidence())
    assert (ownership.is_proven, ownership.reason) == (False, DomainReason.RECORD_NOT_FOUND)
    assert "spec.verification.method" in ownership.message


def test_the_shorter_ttl_says_when_something_new_can_be_seen() -> None:
    assert evidence_ttl_seconds(Evidence(found("a", ttl=300), NOTHING)) == 60
    assert evidence_ttl_seconds(Evidence(UNREACHABLE)) is None
