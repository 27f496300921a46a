"""How a host is served: redirects, certificates, proof of ownership, what happens on promotion."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from frankenpanel_crds.base import Model
from frankenpanel_crds.cel import Rule, rules
from frankenpanel_crds.values import SecretRef

MAX_REDIRECT_LENGTH = 200

# What may stand in a redirect target is what the gateway's routing tree can carry as the name of a file; a
# comma separates its parts there, "|" stands for "/", and braces would be placeholders of the web server.
_TARGET = (
    r"^https?://[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*"
    r"(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&\\x27()*+;=:@%/-]*)?(\\?[A-Za-z0-9._~!$&\\x27()*+;=:@%/?-]*)?$"
)


class RedirectCode(IntEnum):
    """The redirects of HTTP (RFC 9110, section 15.4) that browsers follow to a new address."""

    MOVED_PERMANENTLY = 301
    FOUND = 302
    TEMPORARY_REDIRECT = 307
    PERMANENT_REDIRECT = 308


class Redirect(Model):
    """Where visitors of the host are sent instead of being served."""

    to: Annotated[
        str | None,
        Field(
            min_length=8,
            max_length=MAX_REDIRECT_LENGTH,
            json_schema_extra=rules(
                Rule(
                    f"self.matches('{_TARGET}')",
                    "redirect.to must be an address such as https://www.example.com or "
                    "https://www.example.com/news: http or https, a host name, and a path without spaces, "
                    "quotes, commas, braces, fragments (#) or |",
                )
            ),
        ),
    ] = Field(
        None,
        description=(
            "Address to which visitors are sent, for example https://www.example.com. Absent: the Primary "
            "host of the Site in siteRef, whichever that is at the time."
        ),
    )
    code: RedirectCode = Field(
        RedirectCode.MOVED_PERMANENTLY,
        description=(
            "Status code of the answer. 301 and 308 are remembered by browsers and search engines; 302 and "
            "307 are not. 307 and 308 keep the method of the request, so that forms still work."
        ),
        json_schema_extra={"enum": [int(code) for code in RedirectCode]},
    )
    keep_path: bool = Field(
        True,
        description="true: path and query of the request are added to the target, which then has none.",
    )

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                "!self.keepPath || !has(self.to) || self.to.matches('^https?://[^/?]+/?$')",
                "redirect.to must not have a path or query where redirect.keepPath is true; remove the path, "
                "or set keepPath to false",
            )
        )
    )


class WwwMode(StrEnum):
    """What happens to the same name with, or without, "www." in front."""

    IGNORE = "Ignore"
    REDIRECT = "Redirect"


class TlsMode(StrEnum):
    """Where the certificate of a host comes from."""

    MANAGED = "Managed"
    SECRET = "Secret"  # noqa: S105  a kind of source, not a password
    INTERNAL = "Internal"
    NONE = "None"


class Tls(Model):
    """How the host is encrypted."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                "(self.mode == 'Secret') == has(self.secretRef)",
                "tls.secretRef goes together with tls.mode: Secret; add the reference or remove it, or "
                "change the mode",
            )
        )
    )

    mode: TlsMode = Field(
        TlsMode.MANAGED,
        description=(
            "Managed: the platform gets a certificate and renews it, once DNS leads here. Secret: your own, "
            "from secretRef. Internal: signed by the platform's own authority, which browsers do not know; "
            "for tests. None: only http."
        ),
    )
    secret_ref: SecretRef | None = Field(
        None,
        description=(
            "Secret of type kubernetes.io/tls in the same namespace, with tls.crt (the whole chain) and "
            "tls.key, for tls.mode: Secret."
        ),
    )


class VerificationMethod(StrEnum):
    """How the owner of a host shows that it is theirs."""

    AUTO = "Auto"
    TXT = "TXT"
    CNAME = "CNAME"
    HTTP = "HTTP"


class Verification(Model):
    """How you show that the host is yours."""

    method: VerificationMethod = Field(
        VerificationMethod.AUTO,
        description=(
            "Auto: any of the others will do. TXT or CNAME: a DNS record. HTTP: a file on the server that "
            "the host leads to today. status.verification says exactly what to set. Not asked for in "
            "namespaces that your administrator trusts, nor below a host that this namespace has proven."
        ),
    )


class HttpsRedirect(StrEnum):
    """When visitors who come by http are sent to https."""

    AUTO = "Auto"
    ALWAYS = "Always"
    NEVER = "Never"


class Hsts(Model):
    """HTTP Strict Transport Security (RFC 6797): browsers come by https only, for a time."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                "!self.preload || (self.includeSubDomains && self.maxAgeSeconds >= 31536000)",
                "hsts.preload needs hsts.includeSubDomains: true and hsts.maxAgeSeconds of at least 31536000 "
                "(one year), or browsers' lists refuse the host",
            )
        )
    )

    max_age_seconds: int = Field(
        31_536_000,
        ge=0,
        le=63_072_000,
        description="How long a browser remembers it, in seconds; 0 makes browsers forget.",
    )
    include_sub_domains: bool = Field(
        False,
        description="true: for every name below the host, too, wherever it is served.",
    )
    preload: bool = Field(
        False,
        description="true: browser makers may put the host into their lists, from which it hardly comes off.",
    )


class RewriteContent(StrEnum):
    """What happens to stored addresses when a Domain becomes the Primary."""

    NEVER = "Never"
    ASK = "Ask"
    ALWAYS = "Always"


class OnPromote(Model):
    """What happens when this Domain becomes the Primary of a Site that had another one."""

    rewrite_content: RewriteContent = Field(
        RewriteContent.ASK,
        description=(
            "Ask: count how many stored values name the old host (status.rewrite) and change nothing; set "
            "Always to have them rewritten. Never: leave the content alone. Only for applications whose "
            "preset can do it, such as WordPress."
        ),
    )
