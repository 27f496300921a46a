"""The DatabaseServer: a server on which Sites get their databases."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from frankenpanel_crds import group
from frankenpanel_crds.base import CustomResource, Model
from frankenpanel_crds.cel import Rule, rules
from frankenpanel_crds.site_status import Conditions, ShortText
from frankenpanel_crds.values import DatabaseEngine, ObjectName


class AdminSecretRef(Model):
    """The Secret with the account that makes databases."""

    name: ObjectName = Field(
        description=(
            "Name of a Secret in the platform's namespace with the keys username and password. The account "
            "must be able to create databases and users and to grant."
        ),
    )


class DatabaseServerSpec(Model):
    """Where the server is and how to sign in."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                "self.engine == oldSelf.engine",
                "spec.engine cannot be changed, because Sites have data on the server; create another "
                "DatabaseServer",
            )
        )
    )

    engine: DatabaseEngine = Field(
        description="Kind of the server; Sites that ask for this engine are placed here.",
    )
    host: Annotated[
        str,
        Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9:]([A-Za-z0-9.:-]*[A-Za-z0-9:])?$"),
    ] = Field(
        description="Name or address at which the operator and the sites' pods reach it, without port.",
    )
    port: int = Field(3306, ge=1, le=65535, description="Port of the server.")
    admin_secret_ref: AdminSecretRef = Field(
        description="The account with which the operator makes databases and users.",
    )


class DatabaseServerStatus(Model):
    """What the operator found."""

    observed_generation: int = Field(
        -1,
        description=(
            "The metadata.generation that the rest of the status speaks about; -1 before the operator has "
            "seen the server."
        ),
    )
    version: ShortText | None = Field(None, description="Version that the server says it has.")
    conditions: Conditions = Field(
        (),
        description="What holds and what does not: Reachable, and Ready as the sum.",
    )


class DatabaseServer(CustomResource[DatabaseServerSpec, DatabaseServerStatus]):
    """A database server on which Sites get a database and an account each."""

    NAMES: ClassVar[group.KindNames] = group.DATABASE_SERVER

    status: DatabaseServerStatus = Field(default_factory=DatabaseServerStatus)
