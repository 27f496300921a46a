"""Many Sites without a database, each with its Domains: cheap to make, and easy to judge as a whole."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from installation import CHILDREN, MERGE_PATCH, OURS

API_VERSION = "frankenpanel.io/v1alpha1"
OWNED_KINDS = frozenset({"ServiceAccount", "ConfigMap", "Service", "NetworkPolicy", "Deployment"})
PRESET_SPEC = {
    "title": "Plain PHP",
    "defaultVersion": "1.0",
    "versions": [{"version": "1.0", "image": "frankenpanel/plain:test"}],
    "documentRoot": ".",
    "configFormat": "EnvOnly",
    "healthPath": "/",
}
CATALOG_SPEC = {"default": "8.4", "runtimes": [{"php": "8.4", "image": "frankenpanel/frankenphp:test"}]}
_WRITERS = 8


@dataclass
class Crowd:
    """Everybody in one namespace; the preset is the crowd's own, the catalogue everybody's."""

    api: Any
    namespace: str
    domains_per_site: int = 1
    sites: list[str] = field(default_factory=list)

    def install(self) -> None:
        """Create what Sites refer to."""
        self._put("runtimecatalogs", "RuntimeCatalog", "default", CATALOG_SPEC)
        self._put("sitepresets", "SitePreset", self.namespace, PRESET_SPEC)

    def uninstall(self) -> None:
        """Remove whatever has a meaning beyond the namespace."""
        paths = [f"{OURS}/sitepresets/{self.namespace}", f"{OURS}/runtimecatalogs/default"]
        for plural in ("sites", "domains"):
            base = f"{OURS}/namespaces/{self.namespace}/{plural}"
            paths += [f"{base}/{name}" for name in self._listed(base)]
        paths += [f"{OURS}/domainclaims/{name}" for name in self.claims()]
        self._at_once(self._destroy, paths)

    def create(self, names: Iterable[str], **spec: Any) -> list[str]:
        """Create Sites with their Domains, several at a time; return the names."""
        made = list(names)
        self._at_once(lambda name: self.create_one(name, **spec), made)
        return made

    def create_one(self, name: str, **spec: Any) -> None:
        """Create a Site and its Domains."""
        spec = {"source": {"preset": {"name": self.namespace}}, "database": {"engine": "None"}, **spec}
        self._post("sites", "Site", name, spec)
        for number in range(self.domains_per_site):
            host = self.host(name, number)
            role = "Primary" if number == 0 else "Alias"
            self._post(
                "domains",
                "Domain",
                f"{name}-{number}",
                {"host": host, "siteRef": {"name": name}, "role": role},
            )
        self.sites.append(name)

    def edit(self, name: str, spec: Mapping[str, Any]) -> None:
        """Change the spec of a Site, as a person does."""
        path = f"{OURS}/namespaces/{self.namespace}/sites/{name}"
        answer = self.api.request("PATCH", path, {"spec": spec}, content_type=MERGE_PATCH)
        assert answer.status == 200, answer.message

    def delete(self, name: str) -> None:
        answer = self.api.request("DELETE", f"{OURS}/namespaces/{self.namespace}/sites/{name}")
        assert answer.status == 200, answer.message

    def owned_object(self, kind: str, name: str) -> dict[str, Any]:
        answer = self.api.request("GET", f"{CHILDREN[kind].format(self.namespace)}/{name}")
        assert answer.status == 200, answer.message
        body: dict[str, Any] = answer.body
        return body

    def delete_owned(self, kind: str, name: str) -> None:
        """Delete an object of a Site, as a foreign hand does."""
        answer = self.api.request("DELETE", f"{CHILDREN[kind].format(self.namespace)}/{name}")
        assert answer.status == 200, answer.message

    def edit_owned(self, kind: str, name: str, patch: Mapping[str, Any]) -> None:
        """Change an object of a Site, as a foreign hand does."""
        path = f"{CHILDREN[kind].format(self.namespace)}/{name}"
        answer = self.api.request("PATCH", path, patch, content_type=MERGE_PATCH)
        assert answer.status == 200, answer.message

    def host(self, site: str, number: int = 0) -> str:
        return f"{site}-{number}.{self.namespace}.example.com"

    def site(self, name: str) -> dict[str, Any]:
        path = f"{OURS}/namespaces/{self.namespace}/sites/{name}"
        body: dict[str, Any] = self.api.request("GET", path).body
        return body

    def conditions(self, name: str, plural: str = "sites") -> dict[str, str]:
        """Return "<status> <reason>" by the type of condition."""
        path = f"{OURS}/namespaces/{self.namespace}/{plural}/{name}"
        return _conditions(self.api.request("GET", path).body)

    def all_conditions(self) -> dict[str, dict[str, str]]:
        """Return the conditions of every Site by its name."""
        bodies = self._listed(f"{OURS}/namespaces/{self.namespace}/sites")
        return {name: _conditions(body) for name, body in bodies.items()}

    def unfinished(self, names: Iterable[str] | None = None) -> dict[str, str]:
        """Return what is wrong, by Site: each must own one of each kind and have a status of its generation.

        Also every Domain must hold its claim, and every claim carry a route.
        """
        owned = self.owned()
        wrong: dict[str, str] = {}
        bodies = self._listed(f"{OURS}/namespaces/{self.namespace}/sites")
        claims = self.claims()
        for name in self.sites if names is None else names:
            body = bodies.get(name)
            if body is None:
                wrong[name] = "does not exist"
            elif missing := [kind for kind in sorted(OWNED_KINDS) if owned[name][kind] != 1]:
                wrong[name] = f"wrong number of {missing}"
            elif body.get("status", {}).get("observedGeneration") != body["metadata"]["generation"]:
                wrong[name] = "status is of an older generation"
            elif unrouted := [host for host in self._hosts(name) if not _is_routed(claims.get(host))]:
                wrong[name] = f"no route for {unrouted}"
        return wrong

    def is_whole(self) -> bool:
        """Say whether nothing is wrong with any Site of the crowd."""
        return not self.unfinished()

    def owned(self) -> defaultdict[str, Counter[str]]:
        """Return how many objects of each kind carry a Site's label, by Site."""
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for kind, path in CHILDREN.items():
            for body in self._listed(path.format(self.namespace)).values():
                labels = body["metadata"].get("labels") or {}
                if site := labels.get("frankenpanel.io/site"):
                    counts[site][kind] += 1
        return counts

    def claims(self) -> dict[str, dict[str, Any]]:
        """Return the claims of this namespace's Domains by their host."""
        found = self._listed(f"{OURS}/domainclaims")
        return {
            name: body
            for name, body in found.items()
            if body["spec"]["domainRef"]["namespace"] == self.namespace
        }

    def leftovers(self) -> list[str]:
        """Return the owned objects and claims that belong to no Site or Domain that exists."""
        uids = {
            body["metadata"]["uid"]
            for plural in ("sites", "domains")
            for body in self._listed(f"{OURS}/namespaces/{self.namespace}/{plural}").values()
        }
        stray = [
            f"{kind} {name}"
            for kind, path in CHILDREN.items()
            for name, body in self._listed(path.format(self.namespace)).items()
            if (body["metadata"].get("labels") or {}).get("frankenpanel.io/site-uid", next(iter(uids)))
            not in uids
        ]
        claims = self.claims().items()
        return stray + [host for host, body in claims if body["spec"]["domainRef"]["uid"] not in uids]

    def uids(self) -> dict[tuple[str, str], str]:
        """Return the uid of each owned object by kind and name: what was made anew has another one."""
        return {
            (kind, name): body["metadata"]["uid"]
            for kind, path in CHILDREN.items()
            for name, body in self._listed(path.format(self.namespace)).items()
        }

    def _hosts(self, site: str) -> list[str]:
        return [self.host(site, number) for number in range(self.domains_per_site)]

    def _put(self, plural: str, kind: str, name: str, spec: Mapping[str, Any]) -> None:
        body = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}
        answer = self.api.apply(f"{OURS}/{plural}/{name}", body)
        assert answer.status < 300, answer.message

    def _post(self, plural: str, kind: str, name: str, spec: Mapping[str, Any]) -> None:
        body = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}
        answer = self.api.request("POST", f"{OURS}/namespaces/{self.namespace}/{plural}", body)
        assert answer.status == 201, answer.message

    def _listed(self, path: str) -> dict[str, dict[str, Any]]:
        answer = self.api.request("GET", path)
        assert answer.status == 200, answer.message
        return {item["metadata"]["name"]: item for item in answer.body["items"]}

    def _destroy(self, path: str) -> None:
        self.api.request("PATCH", path, {"metadata": {"finalizers": None}}, content_type=MERGE_PATCH)
        self.api.request("DELETE", path, {"gracePeriodSeconds": 0})

    @staticmethod
    def _at_once(act: Any, items: Iterable[str]) -> None:
        with ThreadPoolExecutor(_WRITERS) as pool:
            for _ in pool.map(act, items):
                pass


def _conditions(body: Mapping[str, Any]) -> dict[str, str]:
    found = body.get("status", {}).get("conditions", [])
    return {item["type"]: f"{item['status']} {item['reason']}" for item in found}


def _is_routed(claim: Mapping[str, Any] | None) -> bool:
    return claim is not None and bool(claim["spec"].get("route"))
