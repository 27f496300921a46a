"""The Domain: a host name that leads visitors to a Site."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from frankenpanel_crds import group
from frankenpanel_crds.base import CustomResource, Model
from frankenpanel_crds.cel import Rule, immutable, rules
from frankenpanel_crds.hosts import normalise_host
from frankenpanel_crds.site_status import Conditions, ShortText
from frankenpanel_crds.values import DnsLabel

__all__ = ["Domain", "DomainRole", "DomainSpec", "DomainStatus", "SiteRef", "normalise_host"]

HOST_RULES = (
    Rule(
        r"!self.matches('[\\p{Cc}\\p{Z}]')",
        "spec.host must not contain spaces or control characters; write only the name, for example "
        "www.example.com",
    ),
    Rule(
        "!self.contains('/')",
        "spec.host must be a bare name without scheme or path; write for example www.example.com",
    ),
    Rule(
        "!self.contains(':')",
        "spec.host must not contain a port, a scheme or an IPv6 address; write only the name, for example "
        "www.example.com",
    ),
    Rule(
        r"!self.matches('(^|\\.)(0[xX][0-9a-fA-F]*|[0-9]+)\\.?$')",
        "spec.host must be a name, not an IP address; write the name that points to the address",
    ),
    Rule(
        "!self.matches('[{}]')",
        "spec.host must not contain braces, which would be placeholders of the web server; write the name "
        "itself",
    ),
    Rule(
        "!self.contains('*')",
        "spec.host must not be a wildcard; create one Domain for each name",
    ),
    Rule(
        r"!self.matches('[!\"#$%&\\x27()+,;<=>?@\\[\\\\\\]^_`|~]')",
        "spec.host may contain letters, digits, hyphens and dots only; remove other characters, also _",
    ),
    Rule(
        r"!self.matches('(^|\\.)\\.|(^|\\.)-|-(\\.|$)')",
        "spec.host has an empty part, or a part that starts or ends with a hyphen; remove the extra dot or "
        "hyphen",
    ),
    Rule(
        r"self.matches('[^.]\\.[^.]')",
        "spec.host must have at least two parts, for example shop.example.com",
    ),
    Rule(
        "self.split('.').size() <= (self.endsWith('.') ? 11 : 10)",
        "spec.host must have at most ten parts; use a shorter name",
    ),
    Rule(
        r"!self.matches('[^.]{64}')",
        "spec.host has a part of more than 63 characters; use a shorter name",
    ),
)


class DomainRole(StrEnum):
    """What a Domain is for its Site."""

    PRIMARY = "Primary"
    ALIAS = "Alias"


class SiteRef(Model):
    """The Site that a Domain leads to."""

    name: DnsLabel = Field(description="Name of a Site in the Domain's namespace; it may be created later.")


class DomainSpec(Model):
    """Which host leads to which Site."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            immutable(
                "host",
                "spec.host cannot be changed, because the host is reserved for this Domain; delete the "
                "Domain and create one for the other host",
            )
        )
    )

    host: Annotated[str, Field(min_length=3, max_length=254, json_schema_extra=rules(*HOST_RULES))] = Field(
        description=(
            "Host name that visitors type, for example www.example.com: no scheme, port, path or wildcard, "
            "at most ten parts. Letters of other scripts are fine; status.host shows the form in which the "
            "name is reserved. Cannot be changed later."
        ),
    )
    site_ref: SiteRef = Field(
        description="The Site that visitors of the host reach, in the same namespace.",
    )
    role: DomainRole = Field(
        DomainRole.PRIMARY,
        description=(
            "Primary: the one address that the Site uses in its own links. Alias: a further host that "
            "leads to the same Site. A Site has at most one Primary."
        ),
    )


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
    conditions: Conditions = Field(
        (),
        description=(
            "What holds and what does not. Ready sums up the others, and its reason is the first cause in "
            "this order: Claimed, SiteFound, RouteProgrammed. Reconciling and Stalled are there only while "
            "True."
        ),
    )


class Domain(CustomResource[DomainSpec, DomainStatus]):
    """A host name that leads visitors to a Site of the same namespace.

    A host belongs to the first Domain of the cluster that names it.
    """

    NAMES: ClassVar[group.KindNames] = group.DOMAIN

    status: DomainStatus = Field(default_factory=DomainStatus)
