"""What was found out about a host in the world outside of the cluster; frozen values, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from frankenpanel_crds.domain_settings import TlsMode
from frankenpanel_crds.domain_status import ChallengeRecord
from frankenpanel_crds.domainclaim import ClaimTls
from frankenpanel_crds.reasons import DomainReason


class Proof(StrEnum):
    """What it takes to show that a host is a namespace's own."""

    ANY = "Any"
    """Trust will do, and so will whatever the Domain's verification method allows."""
    RECORD = "Record"
    """A TXT or CNAME record at the host itself; neither trust nor HTTP counts."""
    NOTHING = "Nothing"
    """The namespace has shown it already, for a host above: there is nothing to look for."""


class DnsOutcome(StrEnum):
    """What name servers said; UNREACHABLE where none of them gave an answer that can be used."""

    FOUND = "found"
    NO_SUCH_NAME = "no such name"
    NO_SUCH_RECORD = "no such record"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """The records of one kind that a name has; `values` is sorted, so that equal answers are equal.

    `aliases` are the names that the answer went through (CNAME), in that order. `ttl_seconds` tells how long
    resolvers remember the answer, also one that says that there is nothing; None where nobody said.
    """

    outcome: DnsOutcome
    values: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    ttl_seconds: int | None = None


class HttpOutcome(StrEnum):
    """How a request for one file ended; REFUSED where it was not even sent, for the address is not public."""

    FOUND = "found"
    NOT_FOUND = "not found"
    REDIRECTED = "redirected"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a web server sent; `body` only where there is one, and only its beginning."""

    outcome: HttpOutcome
    body: str = ""


@dataclass(frozen=True, slots=True)
class Ownership:
    """Whether a namespace has shown that a host is its own.

    `records` is what may be set to show it, any one of them; empty where nothing has to be shown.
    """

    is_proven: bool
    reason: DomainReason
    message: str
    records: tuple[ChallengeRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Resolution:
    """Where a host leads. `is_here` is also true where nobody said where it should."""

    is_here: bool
    reason: DomainReason
    message: str
    expected: tuple[str, ...] = ()
    observed: tuple[str, ...] = ()
    ttl_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class HostChecks:
    """Both, and when it is worth asking again (None: no need)."""

    ownership: Ownership
    resolution: Resolution
    next_look_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate of a host, and what its claim tells the gateway.

    `is_trusted` says whether browsers know the authority; `expires_soon` whether a person has to act.
    """

    is_ready: bool
    reason: DomainReason
    message: str
    tls: ClaimTls = field(default_factory=lambda: ClaimTls(mode=TlsMode.NONE))
    is_trusted: bool = False
    expires_soon: bool = False
    issuer: str | None = None
    not_after: datetime | None = None
    last_error: str | None = None
    retry_after: datetime | None = None
    next_look_seconds: float | None = None
