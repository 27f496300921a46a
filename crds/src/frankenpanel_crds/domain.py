"""The Domain: a host name that leads visitors to a Site."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from frankenpanel_crds import group
from frankenpanel_crds.base import CustomResource, Model
from frankenpanel_crds.cel import Rule, immutable, rules
from frankenpanel_crds.domain_settings import (
    Hsts,
    HttpsRedirect,
    OnPromote,
    Redirect,
    Tls,
    Verification,
    WwwMode,
)
from frankenpanel_crds.domain_status import DomainStatus
from frankenpanel_crds.hosts import normalise_host
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
        r"!self.matches('[*]') || self.matches('^\\*\\.[^*]+$')",
        "spec.host may have one * only, as its whole first part: write *.example.com",
    ),
    Rule(
        r"!self.matches('^\\*\\.[^.]+\\.?$')",
        "spec.host must not be a wildcard below a top-level domain; write for example *.example.com",
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
        r"!self.matches('[.][wW][iI][lL][dD][cC][aA][rR][dD][.]?$')",
        "spec.host must not end in .wildcard, which the platform uses itself; use another name",
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
    REDIRECT = "Redirect"


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
            ),
            Rule(
                "!has(self.redirect) || self.role == 'Redirect'",
                "spec.redirect is only for spec.role: Redirect; change the role or remove spec.redirect",
            ),
            Rule(
                "!self.host.startsWith('*') || self.role != 'Primary'",
                "spec.role of a wildcard cannot be Primary, because a Site's address is one name; make it an "
                "Alias",
            ),
            Rule(
                "!self.host.startsWith('*') || self.tls.mode != 'Managed'",
                "spec.tls.mode: Managed cannot get a certificate for a wildcard; set mode: Secret and bring "
                "one, or Internal, or None",
            ),
            Rule(
                "!self.host.startsWith('*') || self.www == 'Ignore'",
                "spec.www must be Ignore for a wildcard, which covers the name with www already",
            ),
        )
    )

    host: Annotated[str, Field(min_length=3, max_length=254, json_schema_extra=rules(*HOST_RULES))] = Field(
        description=(
            "Host name that visitors type, for example www.example.com: no scheme, port or path, at most "
            "ten parts. *.example.com stands for every name of one more part that no other Domain has. "
            "Letters of other scripts are fine; status.host shows the form in which the "
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
            "leads to the same Site. Redirect: a host whose visitors are sent elsewhere, see redirect. A "
            "Site has at most one Primary."
        ),
    )
    redirect: Redirect | None = Field(
        None,
        description=(
            "Where visitors are sent, for spec.role: Redirect. Absent with that role: to the Primary host "
            "of the Site, path kept, code 301."
        ),
    )
    www: WwwMode = Field(
        WwwMode.IGNORE,
        description=(
            "Redirect: the same name with www. in front (or, where the host has it, without) is claimed, "
            "too, and sends its visitors here. Ignore: that name is left to others."
        ),
    )
    tls: Tls = Field(Tls(), description="How the host is encrypted.")
    verification: Verification = Field(Verification(), description="How you show that the host is yours.")
    https_redirect: HttpsRedirect = Field(
        HttpsRedirect.AUTO,
        description=(
            "Auto: visitors who come by http are sent to https as soon as the host has a certificate that "
            "browsers trust. Always: also with a certificate of the platform's own authority. Never: both "
            "are served."
        ),
    )
    hsts: Hsts | None = Field(
        None,
        description=(
            "Tell browsers to come by https only (RFC 6797); sent with answers over https. Absent: they are "
            "not told."
        ),
    )
    on_promote: OnPromote = Field(
        OnPromote(), description="What happens when this Domain becomes the Primary of its Site."
    )


class Domain(CustomResource[DomainSpec, DomainStatus]):
    """A host name that leads visitors to a Site of the same namespace.

    A host belongs to the first Domain of the cluster that names it.
    """

    NAMES: ClassVar[group.KindNames] = group.DOMAIN

    status: DomainStatus = Field(default_factory=DomainStatus)
