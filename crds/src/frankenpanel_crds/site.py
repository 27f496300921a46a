"""The Site: one PHP application with its runtime, storage, database and settings."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from frankenpanel_crds import group
from frankenpanel_crds.base import CustomResource, Model
from frankenpanel_crds.cel import Rule, immutable, list_map, rules
from frankenpanel_crds.site_access import Access
from frankenpanel_crds.site_http import HttpRules
from frankenpanel_crds.site_runtime import EnvSource, EnvVar, Health, Resources, RuntimeSpec
from frankenpanel_crds.site_status import SiteStatus
from frankenpanel_crds.site_storage import (
    STORAGE_RULES,
    BootstrapFrom,
    DatabaseSpec,
    Deletion,
    StorageEntry,
)
from frankenpanel_crds.values import DNS_LABEL_PATTERN, ObjectName, VersionKey, without_control_characters


class InstallSpec(Model):
    """What the application is told when it is set up."""

    title: Annotated[
        str | None,
        Field(
            min_length=1, max_length=200, json_schema_extra=rules(without_control_characters("install.title"))
        ),
    ] = Field(
        None,
        description="Title of the new site, as its visitors see it. Absent: the name of the Site.",
    )
    admin_user: Annotated[
        str,
        Field(
            min_length=1,
            max_length=60,
            json_schema_extra=rules(
                Rule(
                    "self.matches('^[A-Za-z0-9._@-]+$')",
                    "install.adminUser may contain letters, digits and . _ @ - only; remove other characters",
                )
            ),
        ),
    ] = Field(
        "admin",
        description=(
            "Name of the first administrator. The password is generated and kept in the Secret that "
            "status.adminSecretName names."
        ),
    )
    admin_email: Annotated[
        str | None,
        Field(
            min_length=3,
            max_length=254,
            json_schema_extra=rules(
                Rule(
                    r"self.matches('^[^@\\p{C}\\p{Z}\"<>(),;]+@[^@\\p{C}\\p{Z}\"<>(),;]+$')",
                    "install.adminEmail must be one e-mail address and nothing else, such as me@example.com",
                )
            ),
        ),
    ] = Field(
        None,
        description=(
            "E-mail address of the first administrator. Absent: an address that cannot exist, so that no "
            "password can be asked for by mail."
        ),
    )
    locale: Annotated[
        str,
        Field(
            min_length=2,
            max_length=32,
            json_schema_extra=rules(
                Rule(
                    "self.matches('^[A-Za-z]{2,3}([_-][A-Za-z0-9]+)*$')",
                    "install.locale must be a language, such as en_US or de_DE",
                )
            ),
        ),
    ] = Field(
        "en_US",
        description="Language of the new site, for example en_US or de_DE.",
    )


class PresetSource(Model):
    """An application from the administrator's list."""

    name: ObjectName = Field(
        description="Name of a SitePreset (kubectl get fppreset), for example wordpress.",
    )
    version: VersionKey | None = Field(
        None,
        description=(
            "Version of the application, as listed in the SitePreset, in quotes. Absent: the preset's "
            "default version, which your administrator may move to a newer one."
        ),
    )
    install: InstallSpec | None = Field(
        None,
        description=(
            "How the application is set up before its first visitor comes: title, first administrator, "
            "language. It is used once; an application that is set up already is left alone."
        ),
    )


class SourceSpec(Model):
    """Where the site's code comes from."""

    preset: PresetSource = Field(
        description="An application that your administrator offers, such as WordPress.",
    )


class Scaling(Model):
    """How many pods serve the site."""

    replicas: int = Field(
        1,
        ge=1,
        le=50,
        description=(
            "Number of pods that serve the site; kubectl scale sets it too. More than one needs volumes with "
            "access: ReadWriteMany, or none."
        ),
    )


class SiteSpec(Model):
    """What the site should be."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            immutable(
                "bootstrapFrom",
                "spec.bootstrapFrom is read once, when the Site is created, and cannot be changed, added or "
                "removed later; restore the old value, or create another Site",
            )
        )
    )

    paused: bool = Field(
        False,
        description=(
            "true: leave everything as it is. The site is served, but the operator changes nothing until "
            "this is false again. Meant for repairs by hand."
        ),
    )
    runtime: RuntimeSpec | None = Field(
        None,
        description="The PHP that runs the site, and its settings.",
    )
    source: SourceSpec = Field(
        description="Where the site's code comes from. Code is read-only and replaced as a whole.",
    )
    storage: Annotated[
        tuple[StorageEntry, ...],
        Field(max_length=16, json_schema_extra={**list_map("name"), **rules(*STORAGE_RULES)}),
    ] = Field(
        (),
        description=(
            "Volumes, for folders whose content must outlive pods and updates. The preset brings those its "
            "application needs; list here what to change about them and what to add."
        ),
    )
    database: DatabaseSpec = Field(
        DatabaseSpec(),
        description="The site's database. Name, account and password are made by the operator.",
    )
    env: Annotated[tuple[EnvVar, ...], Field(max_length=64, json_schema_extra=list_map("name"))] = Field(
        (),
        description=(
            "Environment variables of the application. Where the platform sets a variable of the same name, "
            "such as DATABASE_HOST, the platform's stands."
        ),
    )
    env_from: Annotated[
        tuple[EnvSource, ...], Field(max_length=8, json_schema_extra={"x-kubernetes-list-type": "atomic"})
    ] = Field(
        (),
        description=(
            "Secrets whose keys become environment variables of the application. A later one wins over an "
            "earlier one, env wins over all, and the platform's own variables win over env."
        ),
    )
    resources: Resources | None = Field(
        None,
        description="What each pod is given of processor and memory. Absent: the platform's defaults.",
    )
    scaling: Scaling = Field(
        Scaling(),
        description="How many pods serve the site.",
    )
    health: Health = Field(
        Health(),
        description="How to find out whether the site answers.",
    )
    access: Access | None = Field(
        None,
        description="Who may see the site. Absent: everybody. Changes need no new pods.",
    )
    http: HttpRules | None = Field(
        None,
        description=(
            "How the web server answers: headers, limits, caching, compression. Changes need no new pods."
        ),
    )
    bootstrap_from: BootstrapFrom | None = Field(
        None,
        description=(
            "Where a new Site takes its first data from. Absent: it starts empty. Read once, when the Site "
            "is created; cannot be changed, added or removed later."
        ),
    )
    deletion: Deletion = Field(
        Deletion(),
        description="What happens to the data when the Site is deleted.",
    )


class Site(CustomResource[SiteSpec, SiteStatus]):
    """One PHP application: its code, PHP, storage, database and settings.

    Visitors reach it through Domains that name it.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                f"size(self.metadata.name) <= 63 && self.metadata.name.matches('{DNS_LABEL_PATTERN}')",
                "metadata.name must be a DNS label, because volumes and services are named after it: at most "
                "63 lower-case letters, digits and hyphens, with a letter or digit at both ends",
            )
        )
    )

    NAMES: ClassVar[group.KindNames] = group.SITE

    status: SiteStatus = Field(default_factory=SiteStatus)
