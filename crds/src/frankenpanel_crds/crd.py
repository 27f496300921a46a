"""CustomResourceDefinitions: schema, names, printer columns and subresources of each kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from frankenpanel_crds import group
from frankenpanel_crds.base import CustomResource
from frankenpanel_crds.databaseserver import DatabaseServer
from frankenpanel_crds.domain import Domain
from frankenpanel_crds.domainclaim import DomainClaim
from frankenpanel_crds.runtimecatalog import RuntimeCatalog
from frankenpanel_crds.schema import has_status, object_schema
from frankenpanel_crds.site import Site
from frankenpanel_crds.sitepreset import SitePreset

ALL_MODELS: tuple[type[CustomResource[Any, Any]], ...] = (
    Site,
    Domain,
    DomainClaim,
    RuntimeCatalog,
    SitePreset,
    DatabaseServer,
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `kubectl get`; a wide one shows with `-o wide` only."""

    name: str
    path: str
    description: str
    type: str = "string"
    is_wide: bool = False

    def to_manifest(self) -> dict[str, Any]:
        """Return the column as a CRD spells it."""
        column: dict[str, Any] = {
            "name": self.name,
            "type": self.type,
            "jsonPath": self.path,
            "description": self.description,
        }
        return {**column, "priority": 1} if self.is_wide else column


def _of_ready(field: str) -> str:
    return f'.status.conditions[?(@.type=="Ready")].{field}'


_READY = Column("Ready", _of_ready("status"), "Whether everything holds.")
_REASON = Column("Reason", _of_ready("reason"), "Why it is not ready: the first cause, as one word.")
_MESSAGE = Column("Message", _of_ready("message"), "Why it is not ready, as a sentence.", is_wide=True)
_AGE = Column("Age", ".metadata.creationTimestamp", "Time since it was created.", type="date")

COLUMNS: dict[str, tuple[Column, ...]] = {
    group.SITE.kind: (
        _READY,
        _REASON,
        Column("URL", ".status.url", "Address of the site."),
        Column("PHP", ".status.runtime.php", "PHP version that the site runs."),
        _AGE,
        Column("Database", ".status.database.name", "Name of the site's database.", is_wide=True),
        Column("Replicas", ".status.replicas", "Pods that exist.", type="integer", is_wide=True),
        _MESSAGE,
    ),
    group.DOMAIN.kind: (
        _READY,
        _REASON,
        Column("Host", ".spec.host", "Host that visitors type."),
        Column("Site", ".spec.siteRef.name", "Site that they reach."),
        _AGE,
        Column("Role", ".spec.role", "Primary or Alias.", is_wide=True),
        Column("URL", ".status.url", "Address that visitors can open.", is_wide=True),
        _MESSAGE,
    ),
    group.DOMAIN_CLAIM.kind: (
        Column("Namespace", ".spec.domainRef.namespace", "Namespace of the Domain that holds the host."),
        Column("Domain", ".spec.domainRef.name", "Domain that holds the host."),
        Column("Upstream", ".spec.route.upstream", "Where the gateway sends the host's visitors."),
        _AGE,
    ),
    group.RUNTIME_CATALOG.kind: (
        Column("Default", ".spec.default", "PHP version of Sites that name none."),
        _AGE,
    ),
    group.SITE_PRESET.kind: (
        Column("Title", ".spec.title", "Name of the application."),
        Column("Default", ".spec.defaultVersion", "Version of Sites that name none."),
        _AGE,
    ),
    group.DATABASE_SERVER.kind: (
        _READY,
        _REASON,
        Column("Engine", ".spec.engine", "Kind of the server."),
        Column("Version", ".status.version", "Version that the server says it has."),
        _AGE,
        Column("Host", ".spec.host", "Where the server is.", is_wide=True),
        _MESSAGE,
    ),
}

_SCALE = {
    "specReplicasPath": ".spec.scaling.replicas",
    "statusReplicasPath": ".status.replicas",
    "labelSelectorPath": ".status.selector",
}


def custom_resource_definition(kind: type[CustomResource[Any, Any]]) -> dict[str, Any]:
    """Return the CRD of one kind."""
    names = kind.NAMES
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": names.crd_name},
        "spec": {
            "group": group.API_GROUP,
            "scope": names.scope.value,
            "names": {
                "kind": names.kind,
                "listKind": f"{names.kind}List",
                "plural": names.plural,
                "singular": names.singular,
                "shortNames": [names.short_name],
                "categories": [group.CATEGORY],
            },
            "versions": [_version(kind)],
        },
    }


def _version(kind: type[CustomResource[Any, Any]]) -> dict[str, Any]:
    version: dict[str, Any] = {
        "name": group.VERSION,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [column.to_manifest() for column in COLUMNS[kind.NAMES.kind]],
        "schema": {"openAPIV3Schema": object_schema(kind)},
    }
    subresources: dict[str, Any] = {"status": {}} if has_status(kind) else {}
    if kind is Site:
        subresources["scale"] = _SCALE
    return {**version, "subresources": subresources} if subresources else version
