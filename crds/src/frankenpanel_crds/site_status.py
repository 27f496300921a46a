"""What the operator reports about a Site."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from frankenpanel_crds.base import Model, Timestamp
from frankenpanel_crds.cel import list_map
from frankenpanel_crds.conditions import Condition

ShortText = Annotated[str, Field(max_length=512)]

Conditions = Annotated[tuple[Condition, ...], Field(max_length=32, json_schema_extra=list_map("type"))]
"""The conditions of an object, told apart by type."""


class RuntimeStatus(Model):
    """The PHP that the site runs."""

    php: ShortText | None = Field(None, description="PHP version, as the RuntimeCatalog lists it.")
    image: ShortText | None = Field(None, description="Image that runs the site.")


class ApplicationStatus(Model):
    """The application that the site runs."""

    preset: ShortText | None = Field(None, description="Name of the SitePreset.")
    version: ShortText | None = Field(None, description="Version of the application.")
    image: ShortText | None = Field(None, description="Image that carries the application's code.")


class DatabaseStatus(Model):
    """The site's database."""

    server_name: ShortText | None = Field(None, description="Name of the DatabaseServer that holds it.")
    name: ShortText | None = Field(None, description="Name of the database, and of the account alike.")
    secret_name: ShortText | None = Field(
        None,
        description="Secret in the Site's namespace with host, port, name, username and password.",
    )


class StorageStatus(Model):
    """One volume of the site."""

    name: ShortText = Field(description="Name of the volume, as in spec.storage or in the preset.")
    claim_name: ShortText | None = Field(
        None,
        description="PersistentVolumeClaim that holds it, in the Site's namespace.",
    )
    capacity: ShortText | None = Field(
        None, description="Size that the volume really has; absent until bound."
    )


class PrimaryStatus(Model):
    """The host that the site uses in its own links."""

    host: ShortText = Field(description="The host; the last one, while no Domain is Primary.")
    since: Timestamp | None = Field(None, description="Since when.")
    former_hosts: Annotated[
        tuple[ShortText, ...], Field(max_length=8, json_schema_extra={"x-kubernetes-list-type": "atomic"})
    ] = Field(
        (),
        description=(
            "Hosts that were Primary before and that stored content may still name, the latest first; empty "
            "for the first host."
        ),
    )


class SiteDomainStatus(Model):
    """One Domain of the site."""

    host: ShortText = Field(description="Host name, as visitors write it.")
    role: ShortText | None = Field(None, description="Primary or Alias.")
    ready: bool | None = Field(None, description="Whether visitors of this host reach the site.")


class SiteStatus(Model):
    """What the operator found and did."""

    observed_generation: int = Field(
        -1,
        description=(
            "The metadata.generation that the rest of the status speaks about; -1 before the operator has "
            "seen the Site."
        ),
    )
    url: ShortText | None = Field(None, description="Address of the site, from its Primary Domain.")
    replicas: int | None = Field(None, description="Pods that exist.")
    ready_replicas: int | None = Field(None, description="Pods that take visitors.")
    selector: ShortText | None = Field(
        None,
        description="Label selector of the pods, for autoscalers and for kubectl get pods -l.",
    )
    runtime: RuntimeStatus | None = Field(None, description="The PHP that the site runs.")
    application: ApplicationStatus | None = Field(None, description="The application that the site runs.")
    database: DatabaseStatus | None = Field(
        None,
        description="The site's database; absent where it uses none, or has none yet.",
    )
    storage: Annotated[
        tuple[StorageStatus, ...], Field(max_length=32, json_schema_extra=list_map("name"))
    ] = Field((), description="The site's volumes.")
    admin_secret_name: ShortText | None = Field(
        None,
        description="Secret in the Site's namespace with username, password and email of the administrator.",
    )
    primary: PrimaryStatus | None = Field(
        None,
        description="The host that the site uses in its own links; absent until a Domain was Primary.",
    )
    domains: Annotated[
        tuple[SiteDomainStatus, ...], Field(max_length=500, json_schema_extra=list_map("host"))
    ] = Field((), description="The Domains that name this Site.")
    conditions: Conditions = Field(
        (),
        description=(
            "What holds and what does not. Ready sums up the others, and its reason is the first cause in "
            "this order: SourceReady, RuntimeReady, StorageReady, DatabaseReady, Installed, "
            "WorkloadAvailable, RouteReady. Reconciling, Stalled and Paused are there only while True."
        ),
    )
