"""What a Site keeps: volumes, database, and data taken over from a deleted Site."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from frankenpanel_crds.base import Model
from frankenpanel_crds.cel import Rule, rules
from frankenpanel_crds.values import AccessMode, DnsLabel, MountPath, ObjectName, Quantity

STORAGE_RULES = (
    Rule(
        "self.all(a, self.all(b, a.name == b.name || !has(a.mountPath) || !has(b.mountPath) || "
        "(a.mountPath != b.mountPath && !a.mountPath.startsWith(b.mountPath + '/'))))",
        "storage: two volumes have the same mountPath, or one lies inside the other; give each volume a "
        "folder of its own",
    ),
)


def _volume_rules() -> tuple[Rule, ...]:
    return (
        Rule(
            "has(self.class) == has(oldSelf.class) && (!has(self.class) || self.class == oldSelf.class)",
            "storage[].class cannot be changed, added or removed later, because a volume cannot move to "
            "another class; restore the old value, or add a volume with a new name",
        ),
        Rule(
            "has(self.access) == has(oldSelf.access) && (!has(self.access) || self.access == oldSelf.access)",
            "storage[].access cannot be changed, added or removed later, because a volume keeps its access "
            "mode for life; restore the old value, or add a volume with a new name",
        ),
        Rule(
            "!has(self.size) || !has(oldSelf.size) || "
            "quantity(string(self.size)).compareTo(quantity(string(oldSelf.size))) >= 0",
            "storage[].size cannot be made smaller, because a volume can only grow; restore the old size",
        ),
    )


class StorageEntry(Model):
    """One volume of the site, or a change to a volume of the preset."""

    model_config = ConfigDict(json_schema_extra=rules(*_volume_rules()))

    name: DnsLabel = Field(
        description=(
            "Name of the volume, unique in the Site. The name of one of the preset's persistent paths "
            "changes size, class or access of that volume; any other name adds a volume."
        ),
    )
    mount_path: MountPath | None = Field(
        None,
        description=(
            "Folder, relative to the application, whose content is kept. Required for a volume that the "
            "preset does not have; for one that it has, absent or equal to the preset's."
        ),
    )
    size: Quantity | None = Field(
        None,
        description=(
            "Size of the volume, for example 2Gi. It can grow later, if the storage class allows it, and "
            "never shrink. Absent: the preset's size, or 1Gi."
        ),
    )
    storage_class: ObjectName | None = Field(
        None,
        alias="class",
        description=(
            "Storage class of the volume (kubectl get storageclass). Absent: the cluster's default. Cannot "
            "be changed later."
        ),
    )
    access: AccessMode | None = Field(
        None,
        description=(
            "ReadWriteOnce: pods of one node can use the volume, so the Site has one replica. ReadWriteMany: "
            "pods of all nodes can, if the storage class supports it. Absent: ReadWriteOnce. Cannot be "
            "changed later."
        ),
    )


class SiteDatabaseEngine(StrEnum):
    """The databases a Site can ask for."""

    MARIADB = "MariaDB"
    MYSQL = "MySQL"
    NONE = "None"


class Charset(StrEnum):
    """Character sets of a database."""

    UTF8MB4 = "utf8mb4"
    UTF8MB3 = "utf8mb3"
    LATIN1 = "latin1"


class DatabaseSpec(Model):
    """The site's database."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                "self.engine == oldSelf.engine",
                "spec.database.engine cannot be changed, because data does not move between engines; restore "
                "the old value, or create another Site",
            )
        )
    )

    engine: SiteDatabaseEngine = Field(
        SiteDatabaseEngine.MARIADB,
        description=(
            "Kind of database server. The operator makes a database and an account on a DatabaseServer of "
            "this engine and hands them to the application. None: the application uses no database. Cannot "
            "be changed later."
        ),
    )
    charset: Charset = Field(
        Charset.UTF8MB4,
        description="Character set of the database, and of new tables that name none of their own.",
    )
    max_connections: int = Field(
        20,
        ge=1,
        le=1000,
        description=(
            "How many connections the site may have open at the same time; at least the number of threads "
            "of all its pods."
        ),
    )


class RetainedData(Model):
    """Data that was kept when a Site was deleted."""

    uid: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-zA-Z0-9-]+$")] = Field(
        description=(
            "The metadata.uid of the deleted Site, from the event of its deletion or from the label "
            "frankenpanel.io/site-uid of its kept volumes. That Site must have lived in this namespace."
        ),
    )


class BootstrapFrom(Model):
    """Where a new Site takes its first data from."""

    retained: RetainedData = Field(
        description="Take up volumes and database of a Site that was deleted with deletion.data: Retain.",
    )


class DeletionData(StrEnum):
    """What becomes of a Site's data when the Site is deleted."""

    RETAIN = "Retain"
    DELETE = "Delete"


class Deletion(Model):
    """What happens when the Site is deleted."""

    data: DeletionData = Field(
        DeletionData.RETAIN,
        description=(
            "Retain: volumes, database and its Secret are kept and can be taken up by a new Site with "
            "bootstrapFrom. Delete: they are removed for good together with the Site."
        ),
    )
