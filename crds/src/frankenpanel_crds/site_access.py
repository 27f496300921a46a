"""Who may see a Site: passwords, addresses, search engines."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import AfterValidator, Field

from frankenpanel_crds.base import Model
from frankenpanel_crds.cel import Rule, rules, text
from frankenpanel_crds.values import SecretRef

_HEX = "[0-9a-fA-F]{1,4}"
# RFC 4291, section 2.2, with "::" in each place it can have. CEL's own isCIDR needs Kubernetes 1.31.
_IPV6 = "|".join(
    [
        f"({_HEX}:){{7}}{_HEX}",
        f"({_HEX}:){{1,7}}:",
        *(f"({_HEX}:){{1,{7 - after}}}(:{_HEX}){{1,{after}}}" for after in range(1, 7)),
        f":(:{_HEX}){{1,7}}",
        "::",
    ]
)
_BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
NETWORK_PATTERN = (
    rf"^({_BYTE}(\.{_BYTE}){{3}}(/(3[0-2]|[12]?[0-9]))?|({_IPV6})(/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?)$"
)
REALM_PATTERN = "^[A-Za-z0-9]([A-Za-z0-9 .,_!?&()-]*[A-Za-z0-9.!?)])?$"


def _network(value: str) -> str:
    """Repeat the rule on the reading side, since the value ends up in the web server's configuration."""
    ipaddress.ip_network(value, strict=False)
    return value


Network = Annotated[
    str,
    Field(
        min_length=2,
        max_length=43,
        json_schema_extra=rules(
            Rule(
                f"self.matches({text(NETWORK_PATTERN)})",
                "access.allow and access.deny take IP addresses and networks, such as 203.0.113.7, "
                "203.0.113.0/24 or 2001:db8::/32; correct or remove this entry",
            )
        ),
    ),
    AfterValidator(_network),
]
"""An IP address, or a network in CIDR notation."""


class BasicAuth(Model):
    """User name and password, asked for by the browser."""

    secret_ref: SecretRef = Field(
        description=(
            "Secret in the same namespace whose key auth holds one line user:hash for each user, the hash by "
            "bcrypt, as `htpasswd -nB user` prints it. Without the Secret or a valid line, nobody gets in. A "
            "changed Secret is in force within two minutes; another name starts new pods."
        ),
    )
    realm: Annotated[
        str,
        Field(
            min_length=1,
            max_length=64,
            json_schema_extra=rules(
                Rule(
                    f"self.matches({text(REALM_PATTERN)})",
                    "access.basicAuth.realm may contain letters, digits, spaces between them and . , _ ! ? & "
                    "( ) - only; remove quotes, braces and other characters",
                )
            ),
        ),
    ] = Field(
        "restricted",
        description="Name of what is protected, which some browsers show where they ask for the password.",
    )


class Access(Model):
    """Who may see the site."""

    basic_auth: BasicAuth | None = Field(
        None,
        description="Ask every visitor for a user name and a password. Absent: nobody is asked.",
    )
    allow: Annotated[
        tuple[Network, ...], Field(max_length=200, json_schema_extra={"x-kubernetes-list-type": "set"})
    ] = Field(
        (),
        description=(
            "IP addresses and networks of visitors who are let in, for example 203.0.113.0/24; all others "
            "get a 403. Absent: all are let in."
        ),
    )
    deny: Annotated[
        tuple[Network, ...], Field(max_length=1000, json_schema_extra={"x-kubernetes-list-type": "set"})
    ] = Field(
        (),
        description=(
            "IP addresses and networks of visitors who get a 403. An address in both lists is not let in."
        ),
    )
    noindex: bool = Field(
        False,
        description=(
            "true: ask search engines not to list the site, by the header X-Robots-Tag on every answer. "
            "It keeps nobody out."
        ),
    )
