"""How a Site's web server answers: headers, limits, caching, compression."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from frankenpanel_crds.base import Model
from frankenpanel_crds.cel import Rule, list_map, rules, text, texts
from frankenpanel_crds.values import Quantity

REFUSED_HEADERS = (
    "accept-ranges",
    "age",
    "alt-svc",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "date",
    "keep-alive",
    "location",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "retry-after",
    "server",
    "set-cookie",
    "status",
    "strict-transport-security",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "vary",
    "via",
    "www-authenticate",
    "x-accel-redirect",
    "x-sendfile",
)
"""Headers of one connection (RFC 9110, section 7.6.1), of one answer, or that a server acts on itself."""

HEADER_NAME_PATTERN = "^[A-Za-z][A-Za-z0-9-]*$"
# Printable ASCII without what the web server's configuration gives a meaning to.
HEADER_VALUE_PATTERN = "^[!-Z\\[\\]^_a-z|~]([ -Z\\[\\]^_a-z|~]*[!-Z\\[\\]^_a-z|~])?$"


class ResponseHeader(Model):
    """One header of every answer."""

    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=64,
            json_schema_extra=rules(
                Rule(
                    f"self.matches({text(HEADER_NAME_PATTERN)})",
                    "http.headers: a name starts with a letter and has letters, digits and hyphens only; "
                    "remove other characters",
                ),
                Rule(
                    f"!(self.lowerAscii() in {texts(REFUSED_HEADERS)})",
                    "http.headers: this header belongs to the web server, the gateway or a single answer; "
                    "remove it (for Strict-Transport-Security, use hsts of the Domain)",
                ),
            ),
        ),
    ] = Field(
        description="Name of the header, for example X-Frame-Options.",
    )
    value: Annotated[
        str,
        Field(
            min_length=1,
            max_length=2048,
            json_schema_extra=rules(
                Rule(
                    f"self.matches({text(HEADER_VALUE_PATTERN)})",
                    "http.headers: a value consists of printable ASCII characters without { } \\ and `, and "
                    "has no space at either end; remove line breaks, braces and the like",
                )
            ),
        ),
    ] = Field(
        description="Value of the header. It replaces what the application may have set.",
    )


class RateLimit(Model):
    """How many requests one visitor may make."""

    requests: int = Field(
        ge=1,
        le=1000,
        description=(
            "How many requests from one IP address a pod answers within the window; what comes on top gets "
            "a 429 with Retry-After. Each pod counts for itself."
        ),
    )
    window_seconds: int = Field(
        60,
        ge=1,
        le=3600,
        description="Length of the window in seconds; it slides. Absent: 60.",
    )


class HttpRules(Model):
    """How the web server answers."""

    headers: Annotated[
        tuple[ResponseHeader, ...],
        Field(
            max_length=32,
            json_schema_extra={
                **list_map("name"),
                **rules(
                    Rule(
                        "self.all(a, self.exists_one(b, b.name.lowerAscii() == a.name.lowerAscii()))",
                        "http.headers: a header is listed twice, because upper and lower case make no "
                        "difference in names of headers; remove one of the two",
                    )
                ),
            },
        ),
    ] = Field(
        (),
        description="Headers that every answer of the site has, for example X-Frame-Options: DENY.",
    )
    rate_limit: RateLimit | None = Field(
        None,
        description="Limit the requests of each visitor. Absent: no limit.",
    )
    max_body_size: Quantity | None = Field(
        None,
        description=(
            "Largest body of a request, such as an upload, for example 64Mi; a larger one gets a 413, one of "
            "unknown length a 411. PHP's post_max_size and the platform's own limit hold besides. Absent: "
            "only those."
        ),
    )
    static_cache_seconds: int | None = Field(
        None,
        ge=0,
        le=31_536_000,
        description=(
            "How long browsers may keep style sheets, scripts, pictures, fonts and the like that are served "
            "from files; what PHP answers is never touched. 0: they ask each time. Absent: nothing is said."
        ),
    )
    compression: bool = Field(
        True,
        description="true: compress answers for browsers that can read it. false: send them as they are.",
    )
