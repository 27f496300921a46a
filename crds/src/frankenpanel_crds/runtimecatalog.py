"""The RuntimeCatalog: the PHP versions that Sites may use."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from frankenpanel_crds import group
from frankenpanel_crds.base import CustomResource, Model, NoStatus
from frankenpanel_crds.cel import Rule, list_map, rules
from frankenpanel_crds.values import ImageReference, VersionKey

DEFAULT_CATALOG_NAME = "default"


class CatalogRuntime(Model):
    """One PHP version."""

    php: VersionKey = Field(
        description='PHP version as Sites name it in spec.runtime.php, in quotes, for example "8.4".',
    )
    image: ImageReference = Field(
        description=(
            "Image that runs this PHP. A new image rolls out to every Site of the version without an edit of "
            "the Sites."
        ),
    )


class RuntimeCatalogSpec(Model):
    """The PHP versions on offer."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                "self.runtimes.exists(runtime, runtime.php == self.default)",
                "spec.default must be one of the versions in spec.runtimes; add the version or choose a "
                "listed one",
            )
        )
    )

    default: VersionKey = Field(
        description="PHP version of Sites that name none; one of those in runtimes.",
    )
    runtimes: Annotated[
        tuple[CatalogRuntime, ...],
        Field(min_length=1, max_length=32, json_schema_extra=list_map("php")),
    ] = Field(
        description=(
            "PHP versions on offer. Sites of a version that is taken off the list keep running as they are "
            "and say RuntimeNotFound."
        ),
    )

    def image_of(self, php: str | None) -> str | None:
        """Return the image of a version (None: the default one), or None where it is not listed."""
        wanted = php or self.default
        return next((runtime.image for runtime in self.runtimes if runtime.php == wanted), None)


class RuntimeCatalog(CustomResource[RuntimeCatalogSpec, NoStatus]):
    """The PHP versions that Sites may use, each with the image that runs it.

    There is one catalogue, named default.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                f"self.metadata.name == '{DEFAULT_CATALOG_NAME}'",
                "metadata.name must be default, the only catalogue that Sites use; add your versions to it",
            )
        )
    )

    NAMES: ClassVar[group.KindNames] = group.RUNTIME_CATALOG

    status: NoStatus = Field(default_factory=NoStatus)
