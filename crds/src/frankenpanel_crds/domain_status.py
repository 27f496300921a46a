"""What the operator reports about a Domain."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from frankenpanel_crds.base import Model, Timestamp
from frankenpanel_crds.cel import list_map
from frankenpanel_crds.site_status import Conditions, ShortText


class ChallengeType(StrEnum):
    """What can be set to show that a host is yours."""

    TXT = "TXT"
    CNAME = "CNAME"
    HTTP = "HTTP"


class ChallengeRecord(Model):
    """One thing to set; any one of the list will do."""

    type: ChallengeType = Field(description="TXT or CNAME: a DNS record. HTTP: a file on the web server.")
    name: ShortText = Field(description="Full name of the DNS record, or the address of the file.")
    value: ShortText = Field(description="Value of the record, or the whole content of the file.")


class VerificationStatus(Model):
    """Whether the host is known to be yours."""

    records: Annotated[
        tuple[ChallengeRecord, ...], Field(max_length=3, json_schema_extra=list_map("type"))
    ] = Field((), description="What to set, any one of these; empty where nothing has to be shown.")
    verified_at: Timestamp | None = Field(None, description="When it was shown; absent until then.")


class DnsStatus(Model):
    """Where the name leads."""

    expected: Annotated[
        tuple[ShortText, ...], Field(max_length=16, json_schema_extra={"x-kubernetes-list-type": "atomic"})
    ] = Field((), description="Addresses, or the name, to which the host should lead.")
    observed: Annotated[
        tuple[ShortText, ...], Field(max_length=16, json_schema_extra={"x-kubernetes-list-type": "atomic"})
    ] = Field((), description="Addresses to which it leads.")
    ttl_seconds: int | None = Field(
        None, description="How long resolvers remember the answer, so how soon a change is seen."
    )


class CertificateStatus(Model):
    """The certificate that visitors are shown."""

    issuer: ShortText | None = Field(None, description="Who signed it.")
    not_after: Timestamp | None = Field(None, description="When it ends.")
    last_error: ShortText | None = Field(None, description="Why the last attempt to get one failed.")
    retry_after: Timestamp | None = Field(None, description="When the next attempt is made, at the earliest.")


class RewritePhase(StrEnum):
    """How far the rewrite of stored addresses is."""

    COUNTING = "Counting"
    COUNTED = "Counted"
    REWRITING = "Rewriting"
    REWRITTEN = "Rewritten"
    FAILED = "Failed"


class RewriteStatus(Model):
    """The rewrite of stored addresses after a promotion."""

    from_host: ShortText = Field(description="The host that was Primary before.")
    promoted_at: Timestamp | None = Field(None, description="Since when this Domain is the Primary.")
    phase: RewritePhase = Field(description="How far it is.")
    values: int | None = Field(None, description="Stored values that name the old host, or were changed.")
    message: ShortText | None = Field(None, description="What to do next, or why it failed.")


class DomainStatus(Model):
    """What the operator found and did."""

    observed_generation: int = Field(
        -1,
        description=(
            "The metadata.generation that the rest of the status speaks about; -1 before the operator has "
            "seen the Domain."
        ),
    )
    host: ShortText | None = Field(
        None,
        description="The host in the form in which it is reserved: lower case, other scripts as xn-- names.",
    )
    url: ShortText | None = Field(None, description="Address that visitors can open.")
    claim_name: ShortText | None = Field(
        None,
        description="DomainClaim that reserves the host for this Domain; absent until the host is reserved.",
    )
    verification: VerificationStatus | None = Field(
        None, description="How to show that the host is yours, and since when it is known."
    )
    dns: DnsStatus | None = Field(None, description="Where the name should lead, and where it leads.")
    certificate: CertificateStatus | None = Field(
        None, description="The certificate that visitors are shown; absent where the host has none."
    )
    rewrite: RewriteStatus | None = Field(
        None, description="The rewrite of stored addresses; absent unless this Domain was promoted."
    )
    conditions: Conditions = Field(
        (),
        description=(
            "What holds and what does not. Ready sums up the others, and its reason is the first cause in "
            "this order: Claimed, SiteFound, OwnershipVerified, DNSResolves, CertificateReady, "
            "RouteProgrammed. Reconciling, Stalled and CertificateExpiring are there only while True."
        ),
    )
