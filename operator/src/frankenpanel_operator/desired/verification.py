"""How a namespace shows that a host is its own: what it may set, and which answers prove it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass

from frankenpanel_crds.domain_settings import VerificationMethod
from frankenpanel_crds.domain_status import ChallengeRecord, ChallengeType
from frankenpanel_crds.reasons import DomainReason

from frankenpanel_operator.findings import DnsAnswer, DnsOutcome, HttpAnswer, HttpOutcome, Ownership

EVERY_CHALLENGE = frozenset(ChallengeType)
DNS_CHALLENGES = frozenset({ChallengeType.TXT, ChallengeType.CNAME})
"""What only whoever rules the DNS of a name can set; a file can be served by whoever has its web server."""

RECORD_LABEL = "_frankenpanel"
TXT_PREFIX = "frankenpanel-verification="
HTTP_PATH = "/.well-known/frankenpanel-verification"
MAX_NAME_LENGTH = 253

_SHOWN_VALUES = 3
_SHOWN_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found where the records should be; None for what was not looked for."""

    txt: DnsAnswer | None = None
    cname: DnsAnswer | None = None
    http: HttpAnswer | None = None


def verification_token(platform_key: bytes, namespace: str, host: str) -> str:
    """Return what proves that a namespace has a host: the same for ever, and to no other namespace's use."""
    message = f"{namespace}\n{host}".encode()
    digest = hmac.new(platform_key, message, hashlib.sha256).digest()
    return base64.b32encode(digest).decode().lower().rstrip("=")


def challenge_records(host: str, token: str, gateway_name: str | None) -> tuple[ChallengeRecord, ...]:
    """Return what may be set to prove a normalised host, as far as it is possible for this one."""
    name = f"{RECORD_LABEL}.{host.removeprefix('*.')}"
    text = f"{TXT_PREFIX}{token}"
    records = [ChallengeRecord(type=ChallengeType.TXT, name=name, value=text)]
    if gateway_name is not None:
        target = f"{token}.verify.{gateway_name}"
        records.append(ChallengeRecord(type=ChallengeType.CNAME, name=name, value=target))
    possible = [item for item in records if max(len(item.name), len(item.value)) <= MAX_NAME_LENGTH]
    if not host.startswith("*."):
        # Of a wildcard no single web server could speak for all names.
        url = f"http://{host}{HTTP_PATH}"
        possible.append(ChallengeRecord(type=ChallengeType.HTTP, name=url, value=text))
    return tuple(possible)


def wanted_records(
    records: Collection[ChallengeRecord], method: VerificationMethod, allowed: Collection[ChallengeType]
) -> tuple[ChallengeRecord, ...]:
    """Return the records that count: of the method that the Domain names, and allowed for this host."""
    return tuple(
        record
        for record in records
        if record.type in allowed and method in (VerificationMethod.AUTO, VerificationMethod(record.type))
    )


def is_proven(records: Collection[ChallengeRecord], evidence: Evidence) -> bool:
    """Say whether one of the records was found as it should be."""
    return any(_is_set(record, evidence) for record in records)


def judge_ownership(host: str, records: tuple[ChallengeRecord, ...], evidence: Evidence) -> Ownership:
    """Say whether a host is proven by what was found, and if not, what a person should do."""
    if is_proven(records, evidence):
        # Which record it was stays unsaid: it may go afterwards, and the host is proven still.
        message = f"{host} is proven to be yours."
        return Ownership(is_proven=True, reason=DomainReason.VERIFIED, message=message)
    reason, message = _why_unproven(host, records, evidence)
    return Ownership(is_proven=False, reason=reason, message=message, records=records)


def _why_unproven(
    host: str, records: tuple[ChallengeRecord, ...], evidence: Evidence
) -> tuple[DomainReason, str]:
    if not records:
        return DomainReason.RECORD_NOT_FOUND, (
            f"{host} cannot be proven in the way that spec.verification.method names; set it to TXT or Auto."
        )
    for record in records:
        if (wrong := _what_is_wrong(record, evidence)) is not None:
            return DomainReason.RECORD_WRONG, wrong
    if _is_unreachable(evidence):
        return DomainReason.DNS_UNREACHABLE, f"The name servers of {host} do not answer; it is tried again."
    return DomainReason.RECORD_NOT_FOUND, _what_is_missing(host, records, evidence)


def evidence_ttl_seconds(evidence: Evidence) -> int | None:
    """Return how long what was found, or that it was not, is remembered by resolvers."""
    answers = (evidence.txt, evidence.cname)
    ttls = [answer.ttl_seconds for answer in answers if answer is not None and answer.ttl_seconds is not None]
    return min(ttls, default=None)


def _is_set(record: ChallengeRecord, evidence: Evidence) -> bool:
    match record.type:
        case ChallengeType.TXT:
            return evidence.txt is not None and record.value in evidence.txt.values
        case ChallengeType.CNAME:
            return evidence.cname is not None and record.value in evidence.cname.values
        case _:
            return evidence.http is not None and evidence.http.body.strip() == record.value


def _what_is_wrong(record: ChallengeRecord, evidence: Evidence) -> str | None:
    """Say what stands where the record should be; None where nothing does."""
    if record.type is ChallengeType.HTTP:
        if evidence.http is None or evidence.http.outcome is not HttpOutcome.FOUND:
            return None
        # What a foreign server says is not repeated.
        return f"{record.name} shows something else; it should show {record.value}."
    answer = evidence.txt if record.type is ChallengeType.TXT else evidence.cname
    if answer is None or not answer.values or answer.outcome is not DnsOutcome.FOUND:
        return None
    return f"{record.name} has the {record.type} {_shown(answer.values)}; it should have {record.value}."


def _what_is_missing(host: str, records: tuple[ChallengeRecord, ...], evidence: Evidence) -> str:
    places = " or ".join(_described(record) for record in records)
    hint = ""
    if evidence.http is not None and any(record.type is ChallengeType.HTTP for record in records):
        hint = _HTTP_HINTS.get(evidence.http.outcome, "")
    return f"Nothing shows yet that {host} is yours: set {places}, as in status.verification.{hint}"


_HTTP_HINTS = {
    HttpOutcome.REDIRECTED: " The web server answers with a redirect, which is not followed.",
    HttpOutcome.REFUSED: " No file was asked for, because the host leads to no public address.",
}


def _described(record: ChallengeRecord) -> str:
    if record.type is ChallengeType.HTTP:
        return f"the file {record.name}"
    return f"the {record.type} record {record.name}"


def _is_unreachable(evidence: Evidence) -> bool:
    answers = (evidence.txt, evidence.cname)
    return any(answer is not None and answer.outcome is DnsOutcome.UNREACHABLE for answer in answers)


def _shown(values: tuple[str, ...]) -> str:
    """Quote what anybody may have put into DNS, in a length and in characters that a message can have."""
    texts = [
        "".join(character if character.isprintable() else "?" for character in value[:_SHOWN_CHARACTERS])
        for value in values[:_SHOWN_VALUES]
    ]
    more = ", ..." if len(values) > _SHOWN_VALUES else ""
    return ", ".join(f'"{text}"' for text in texts) + more
