"""Names of our API: group, version, and what each kind is called."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

API_GROUP = "frankenpanel.io"
VERSION = "v1alpha1"
API_VERSION = f"{API_GROUP}/{VERSION}"
CATEGORY = "frankenpanel"


class Scope(StrEnum):
    """Whether objects of a kind live in a namespace; the value is that of a CRD's `spec.scope`."""

    NAMESPACED = "Namespaced"
    CLUSTER = "Cluster"


@dataclass(frozen=True, slots=True)
class KindNames:
    """How one kind is called in manifests, URLs and on the command line."""

    kind: str
    plural: str
    short_name: str
    scope: Scope

    @property
    def singular(self) -> str:
        """Return the word `kubectl explain` takes."""
        return self.kind.lower()

    @property
    def crd_name(self) -> str:
        """Return the name of the CustomResourceDefinition."""
        return f"{self.plural}.{API_GROUP}"


SITE = KindNames("Site", "sites", "fpsite", Scope.NAMESPACED)
DOMAIN = KindNames("Domain", "domains", "fpdom", Scope.NAMESPACED)
DOMAIN_CLAIM = KindNames("DomainClaim", "domainclaims", "fpclaim", Scope.CLUSTER)
RUNTIME_CATALOG = KindNames("RuntimeCatalog", "runtimecatalogs", "fpruntime", Scope.CLUSTER)
SITE_PRESET = KindNames("SitePreset", "sitepresets", "fppreset", Scope.CLUSTER)
DATABASE_SERVER = KindNames("DatabaseServer", "databaseservers", "fpdbs", Scope.CLUSTER)

ALL_KINDS = (SITE, DOMAIN, DOMAIN_CLAIM, RUNTIME_CATALOG, SITE_PRESET, DATABASE_SERVER)
