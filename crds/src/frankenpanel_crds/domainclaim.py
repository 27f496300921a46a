"""The DomainClaim: who holds a host, and where the gateway sends its visitors."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from frankenpanel_crds import group
from frankenpanel_crds.base import CustomResource, Model, Timestamp
from frankenpanel_crds.cel import Rule, immutable, rules
from frankenpanel_crds.domain_settings import MAX_REDIRECT_LENGTH, RedirectCode, TlsMode
from frankenpanel_crds.site_status import ShortText
from frankenpanel_crds.values import DnsLabel, ObjectName


class DomainRef(Model):
    """The Domain that holds a host."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                "self.__namespace__ == oldSelf.__namespace__",
                "spec.domainRef.namespace cannot be changed, because a host never passes to another "
                "namespace while it is claimed; delete the claim first",
            )
        )
    )

    namespace: DnsLabel = Field(description="Namespace of the Domain.")
    name: ObjectName = Field(description="Name of the Domain.")
    uid: Annotated[str, Field(min_length=1, max_length=64)] = Field(
        description="The metadata.uid of the Domain; another Domain of the same name has another one.",
    )


class RouteRedirect(Model):
    """Where visitors are sent instead of being served."""

    to: Annotated[str, Field(min_length=8, max_length=MAX_REDIRECT_LENGTH)] = Field(
        description="Address, for example https://www.example.com."
    )
    code: RedirectCode = Field(
        RedirectCode.MOVED_PERMANENTLY,
        description="Status code of the answer.",
        json_schema_extra={"enum": [int(code) for code in RedirectCode]},
    )
    keep_path: bool = Field(True, description="Whether path and query of the request are added.")


class Route(Model):
    """What the gateway does with visitors of a host: proxy or redirect."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                "has(self.upstream) != has(self.redirect)",
                "spec.route has either an upstream or a redirect, not both; remove one",
            )
        )
    )

    site: Annotated[
        str,
        Field(
            min_length=3,
            max_length=127,
            pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?\.[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        ),
    ] = Field(description='The Site, as "<namespace>.<name>"; the gateway logs and counts by it.')
    upstream: (
        Annotated[
            str,
            Field(min_length=3, max_length=64, pattern=r"^([0-9.]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}$"),
        ]
        | None
    ) = Field(None, description='Address and port of the Site\'s Service, for example "10.96.3.4:8080".')
    redirect: RouteRedirect | None = Field(None, description="Where visitors are sent instead.")
    https_redirect: bool = Field(False, description="Whether visitors by http are sent to https first.")
    hsts: (
        Annotated[
            str,
            Field(max_length=64, pattern=r"^max-age=[0-9]{1,8}(; includeSubDomains)?(; preload)?$"),
        ]
        | None
    ) = Field(None, description="Strict-Transport-Security header of answers over https; absent: none.")


class ClaimTls(Model):
    """Where the gateway takes the certificate from."""

    mode: TlsMode = Field(
        TlsMode.NONE,
        description="As in the Domain; Managed has become Internal where the platform has no ACME account.",
    )
    may_order: bool = Field(
        False,
        description="Whether the gateway may order one now: the host is proven and leads here.",
    )
    secret_name: ObjectName | None = Field(
        None,
        description="Secret of the certificate namespace, for mode Secret; absent until it is there.",
    )


class DomainClaimSpec(Model):
    """Who holds the host, and where its visitors go."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            immutable(
                "host", "spec.host cannot be changed; delete the claim and create one for the other host"
            )
        )
    )

    host: Annotated[
        str,
        Field(
            min_length=3,
            max_length=253,
            pattern=r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$",
        ),
    ] = Field(
        description=(
            "The host in its normal form: lower case, other scripts as xn-- names; *.example.com for every "
            "name of one more part."
        )
    )
    domain_ref: DomainRef = Field(description="The Domain that holds the host.")
    verified_at: Timestamp | None = Field(
        None, description="When the namespace showed that the host is its own; absent until then."
    )
    released_at: Timestamp | None = Field(
        None,
        description=(
            "When the Domain went; the host is kept from others for a while if DNS still leads here. Absent "
            "while the Domain exists."
        ),
    )
    tls: ClaimTls | None = Field(None, description="Where the gateway takes the certificate from.")
    route: Route | None = Field(
        None,
        description="Where the gateway sends visitors of the host; absent until the Site can take them.",
    )


class ClaimCertificate(Model):
    """The certificate that the gateway got, or why it did not get one."""

    issuer: ShortText | None = Field(None, description="Who signed it.")
    not_before: Timestamp | None = Field(None, description="From when it is valid.")
    not_after: Timestamp | None = Field(None, description="Until when it is valid.")
    last_error: ShortText | None = Field(None, description="Why the last attempt failed, if it did.")
    retry_after: Timestamp | None = Field(None, description="When the next attempt is made at the earliest.")


class DomainClaimStatus(Model):
    """What the gateway reports."""

    certificate: ClaimCertificate | None = Field(
        None, description="What the gateway knows of a Managed certificate; absent for other modes."
    )


class DomainClaim(CustomResource[DomainClaimSpec, DomainClaimStatus]):
    """The reservation of a host in the whole cluster, and its route.

    Its spec is written by the operator alone, its status by the gateway. Its name is the host, so that a
    host can be claimed only once.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                "self.metadata.name == (self.spec.host.startsWith('*.') ? "
                "self.spec.host.substring(2) + '.wildcard' : self.spec.host)",
                "metadata.name must be spec.host (example.com.wildcard for *.example.com), so that a host "
                "can be claimed only once",
            )
        )
    )

    NAMES: ClassVar[group.KindNames] = group.DOMAIN_CLAIM

    status: DomainClaimStatus = Field(default_factory=DomainClaimStatus)
