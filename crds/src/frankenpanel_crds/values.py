"""Constrained values that several kinds share: names, paths, quantities, images."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field

from frankenpanel_crds.base import Model
from frankenpanel_crds.cel import Rule, rules

DNS_LABEL_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
QUANTITY_PATTERN = r"^[0-9]+([.][0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$"

# Braces would be placeholders of the web server; the rest cannot be part of a path that people type.
_UNSAFE_IN_PATH = r"[{}\\\\\\p{C}\\p{Z}\\x22\\x27`$*?]"


def _quantity_text(value: object) -> object:
    """Let a quantity be written as a whole number, as Kubernetes does."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


Quantity = Annotated[
    str,
    Field(
        max_length=32,
        json_schema_extra={
            "x-kubernetes-int-or-string": True,
            **rules(
                Rule(
                    f"string(self).matches('{QUANTITY_PATTERN}') && "
                    "quantity(string(self)).isGreaterThan(quantity('0'))",
                    'this is not an amount above zero; write a number with a unit, such as "512Mi", "2Gi" '
                    'or, for processor time, "500m"',
                )
            ),
        },
    ),
    BeforeValidator(_quantity_text),
]
"""An amount of memory, storage or processor time, such as 512Mi or 100m."""

DnsLabel = Annotated[str, Field(min_length=1, max_length=63, pattern=DNS_LABEL_PATTERN)]
"""A name of at most 63 lower-case letters, digits and hyphens."""

ObjectName = Annotated[
    str,
    Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"),
]
"""The name of a Kubernetes object."""

VersionKey = Annotated[
    str,
    Field(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$"),
]
"""A version as people say it, such as 8.4 or 6.8.1; quoted in YAML, or it becomes a number."""

ImageReference = Annotated[
    str,
    Field(min_length=1, max_length=512, pattern=r"^[a-z0-9][a-zA-Z0-9._/:@-]*$"),
]
"""A container image: repository with tag or digest."""


def relative_path(field: str) -> Rule:
    """Return the rule of a string field that holds a path below the application's folder."""
    return Rule(
        "self == '.' || (!self.split('/').exists(part, part in ['', '.', '..']) && "
        f"!self.matches('{_UNSAFE_IN_PATH}'))",
        f'{field} must be a path inside the application, such as public or wp-content/uploads: no "/" at '
        'either end, no "..", no spaces, quotes, braces, wildcards or control characters',
    )


def request_path(field: str) -> Rule:
    """Return the rule of a string field that holds the path of an HTTP request."""
    return Rule(
        r"self.startsWith('/') && !self.matches('[{}\\p{C}\\p{Z}]')",
        f'{field} must start with "/" and must not contain spaces, braces or control characters',
    )


def without_control_characters(field: str) -> Rule:
    """Return the rule of a string field that is shown to people or handed to a program as it is."""
    return Rule(
        r"!self.matches('[\\p{Cc}\\p{Zl}\\p{Zp}]')",
        f"{field} must not contain line breaks or other control characters; remove them",
    )


DocumentRoot = Annotated[
    str,
    Field(min_length=1, max_length=255, json_schema_extra=rules(relative_path("documentRoot"))),
]
MountPath = Annotated[
    str,
    Field(
        min_length=1,
        max_length=255,
        json_schema_extra=rules(
            relative_path("mountPath"),
            Rule(
                "self != '.'",
                "mountPath must name a folder inside the application, because the application's own code "
                'cannot be a volume; write for example uploads instead of "."',
            ),
        ),
    ),
]


class AccessMode(StrEnum):
    """Who may mount a volume at the same time."""

    READ_WRITE_ONCE = "ReadWriteOnce"
    READ_WRITE_MANY = "ReadWriteMany"


class DatabaseEngine(StrEnum):
    """The kinds of database server that a DatabaseServer can be."""

    MARIADB = "MariaDB"
    MYSQL = "MySQL"


class NameRef(Model):
    """A reference to another object by its name."""

    name: ObjectName = Field(description="Name of the object.")


class SecretRef(Model):
    """A reference to a Secret by its name."""

    name: ObjectName = Field(description="Name of the Secret.")
