"""The SitePreset: an application as data."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from frankenpanel_crds import group
from frankenpanel_crds.base import CustomResource, Model, NoStatus
from frankenpanel_crds.cel import Rule, list_map, rules
from frankenpanel_crds.site_storage import STORAGE_RULES
from frankenpanel_crds.values import (
    DnsLabel,
    DocumentRoot,
    ImageReference,
    MountPath,
    Quantity,
    VersionKey,
    request_path,
    without_control_characters,
)


class PresetVersion(Model):
    """One version of the application."""

    version: VersionKey = Field(
        description='Version as Sites name it in spec.source.preset.version, in quotes, for example "6.8".',
    )
    image: ImageReference = Field(
        description=(
            "Image that carries the application's code in /code and nothing that runs by itself. A new image "
            "rolls out to every Site of the version."
        ),
    )


class PersistentPathSpec(Model):
    """One folder of the application whose content is kept."""

    name: DnsLabel = Field(
        description="Name of the volume; an entry of the same name in a Site's spec.storage changes it.",
    )
    mount_path: MountPath = Field(
        description=(
            "Folder, relative to the application, whose content is kept. A new volume starts with what the "
            "image has there."
        ),
    )
    size: Quantity = Field(
        "1Gi",
        description="Size of the volume where the Site names none. Absent: 1Gi.",
    )


class ConfigFormat(StrEnum):
    """How an application is told about its database and its secret keys."""

    WP_CONFIG = "WpConfig"
    ENV_ONLY = "EnvOnly"


class InstallHook(Model):
    """How the application is set up without a click."""

    command: Annotated[
        tuple[
            Annotated[
                str,
                Field(
                    min_length=1,
                    max_length=1024,
                    json_schema_extra=rules(without_control_characters("install.command")),
                ),
            ],
            ...,
        ],
        Field(min_length=1, max_length=32, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
    ] = Field(
        description=(
            "Program and arguments, run once in the runtime image beside the code. It is told what to do by "
            "SITE_TITLE, SITE_URL, SITE_LOCALE, ADMIN_USER, ADMIN_EMAIL and ADMIN_PASSWORD, and must succeed "
            "without a change where the application is set up already."
        ),
    )


class RewriteHook(Model):
    """How stored addresses are rewritten when a Site gets another Primary host."""

    command: Annotated[
        tuple[
            Annotated[
                str,
                Field(
                    min_length=1,
                    max_length=1024,
                    json_schema_extra=rules(without_control_characters("rewrite.command")),
                ),
            ],
            ...,
        ],
        Field(min_length=1, max_length=32, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
    ] = Field(
        description=(
            "Program and arguments, run in the runtime image beside the code, without the Site's volumes. "
            "It is told what to do by FROM_HOSTS (separated by blanks), TO_HOST and REWRITE_ID, and with "
            "--dry-run as its last argument only counts. It may be run again after it was interrupted, and "
            'says what it did by {"values": number, "skipped": number} in /dev/termination-log.'
        ),
    )


class SitePresetSpec(Model):
    """What the application is and needs."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                "self.versions.exists(item, item.version == self.defaultVersion)",
                "spec.defaultVersion must be one of the versions in spec.versions; add the version or choose "
                "a listed one",
            )
        )
    )

    title: Annotated[
        str,
        Field(
            min_length=1, max_length=100, json_schema_extra=rules(without_control_characters("spec.title"))
        ),
    ] = Field(
        description="Name of the application for people, for example WordPress.",
    )
    default_version: VersionKey = Field(
        description="Version of Sites that name none; one of those in versions.",
    )
    versions: Annotated[
        tuple[PresetVersion, ...],
        Field(min_length=1, max_length=64, json_schema_extra=list_map("version")),
    ] = Field(
        description=(
            "Versions on offer. Sites of a version that is taken off the list keep running as they are and "
            "say PresetVersionNotFound."
        ),
    )
    document_root: DocumentRoot = Field(
        ".",
        description='Folder, relative to the application, that files are served from; "." is all of it.',
    )
    persistent_paths: Annotated[
        tuple[PersistentPathSpec, ...],
        Field(max_length=16, json_schema_extra={**list_map("name"), **rules(*STORAGE_RULES)}),
    ] = Field(
        (),
        description="Folders whose content must outlive pods and updates, such as uploads; one volume each.",
    )
    config_format: ConfigFormat = Field(
        description=(
            "How the application learns about its database and secret keys. WpConfig: a wp-config.php. "
            "EnvOnly: the variables DATABASE_HOST, DATABASE_PORT, DATABASE_NAME, DATABASE_USER and "
            "DATABASE_PASSWORD."
        ),
    )
    install: InstallHook | None = Field(
        None,
        description="How the application is set up without a click; absent where it cannot be.",
    )
    rewrite: RewriteHook | None = Field(
        None,
        description=(
            "How stored addresses are rewritten when a Site gets another Primary host; absent where the "
            "application stores none, or cannot do it."
        ),
    )
    health_path: Annotated[
        str, Field(min_length=1, max_length=255, json_schema_extra=rules(request_path("spec.healthPath")))
    ] = Field(
        "/",
        description="Path that answers below 400 when the application works; a Site's spec.health.path wins.",
    )

    def image_of(self, version: str | None) -> str | None:
        """Return the code image of a version (None: the default one), or None where it is not listed."""
        wanted = version or self.default_version
        return next((item.image for item in self.versions if item.version == wanted), None)


class SitePreset(CustomResource[SitePresetSpec, NoStatus]):
    """An application that Sites can run: its code per version, and what it needs."""

    NAMES: ClassVar[group.KindNames] = group.SITE_PRESET

    status: NoStatus = Field(default_factory=NoStatus)
