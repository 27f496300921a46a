"""Where the API server keeps each kind; the only list of kinds this operator talks about."""

from __future__ import annotations

from dataclasses import dataclass

from frankenpanel_crds import group
from frankenpanel_crds.group import KindNames, Scope


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind's address: `api_version` as in manifests, `plural` as in URLs."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Return the URL path of one object, or of all objects (of one namespace) where no name is given."""
        root = "/api/" if "/" not in self.api_version else "/apis/"
        parts = [root + self.api_version]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, subresource) if part]
        return "/".join(parts)


def _ours(names: KindNames) -> Resource:
    return Resource(group.API_VERSION, names.kind, names.plural, names.scope is Scope.NAMESPACED)


OUR_RESOURCES = tuple(_ours(names) for names in group.ALL_KINDS)
"""The kinds of our own API."""

WATCHED_RESOURCES = (
    Resource("v1", "ServiceAccount", "serviceaccounts"),
    Resource("v1", "ConfigMap", "configmaps"),
    Resource("v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    Resource("v1", "Service", "services"),
    Resource("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
    Resource("batch/v1", "Job", "jobs"),
    Resource("apps/v1", "Deployment", "deployments"),
    Resource("v1", "Pod", "pods"),
)
"""What a Site owns or runs, watched by label. Never Secrets: see docs/adr/0005."""

SECRET = Resource("v1", "Secret", "secrets")
EVENT = Resource("v1", "Event", "events")
LEASE = Resource("coordination.k8s.io/v1", "Lease", "leases")

_BY_KIND = {resource.kind: resource for resource in (*OUR_RESOURCES, *WATCHED_RESOURCES, SECRET, EVENT)}


def resource_of(kind: str) -> Resource:
    """Return the address of a kind by its manifest name."""
    return _BY_KIND[kind]
