"""Sites and their surroundings as values, small by default and changed where a test says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest
from frankenpanel_crds.databaseserver import DatabaseServer
from frankenpanel_crds.domain import Domain
from frankenpanel_crds.runtimecatalog import RuntimeCatalog
from frankenpanel_crds.site import Site
from frankenpanel_crds.sitepreset import SitePreset
from frankenpanel_operator.credentials import derive_site_credentials
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.desired.resolution import References, Resolution, resolve, site_data_id

PLATFORM_KEY = bytes(range(32))
UID = "0b0f6d0e-7d0a-4b0a-8f0e-0123456789ab"

Change = Mapping[str, Any]
UNCHANGED: Change = MappingProxyType({})


def merged(base: Change, change: Change) -> dict[str, Any]:
    """Return base with the change put in, maps within maps merged."""
    result = dict(base)
    for key, value in change.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, Mapping) else value
    return result


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 8, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def make_site() -> Callable[..., Site]:
    """Return a function that builds the Site "shop", with spec, metadata or status changed."""

    def build(spec: Change = UNCHANGED, metadata: Change = UNCHANGED, status: Change = UNCHANGED) -> Site:
        body = {
            "metadata": {"name": "shop", "namespace": "demo", "uid": UID, "generation": 3},
            "spec": {
                "source": {
                    "preset": {
                        "name": "wordpress",
                        "install": {"title": "My shop", "adminEmail": "owner@example.com"},
                    }
                }
            },
            "status": {},
        }
        return Site.parse(merged(body, {"spec": spec, "metadata": metadata, "status": status}))

    return build


@pytest.fixture
def make_preset() -> Callable[..., SitePreset]:
    """Return a function that builds the preset "wordpress", with its spec changed."""

    def build(spec: Change = UNCHANGED) -> SitePreset:
        base = {
            "title": "WordPress",
            "defaultVersion": "6.8",
            "versions": [
                {"version": "6.7", "image": "frankenpanel/wordpress:6.7"},
                {"version": "6.8", "image": "frankenpanel/wordpress:6.8"},
            ],
            "persistentPaths": [{"name": "content", "mountPath": "wp-content", "size": "1Gi"}],
            "configFormat": "WpConfig",
            "install": {"command": ["frankenpanel-php", "php-cli", "/app/install.php"]},
            "healthPath": "/wp-login.php",
        }
        return SitePreset.parse({"metadata": {"name": "wordpress"}, "spec": merged(base, spec)})

    return build


@pytest.fixture
def make_server() -> Callable[..., DatabaseServer]:
    """Return a function that builds a DatabaseServer that is ready or not."""

    def build(name: str = "embedded", *, ready: bool = True, spec: Change = UNCHANGED) -> DatabaseServer:
        base = {
            "engine": "MariaDB",
            "host": "frankenpanel-mariadb.frankenpanel-system.svc",
            "adminSecretRef": {"name": "frankenpanel-mariadb"},
        }
        condition = {"type": "Ready", "status": str(ready), "reason": "Ready" if ready else "Unreachable"}
        return DatabaseServer.parse(
            {"metadata": {"name": name}, "spec": merged(base, spec), "status": {"conditions": [condition]}}
        )

    return build


@pytest.fixture
def make_domain() -> Callable[..., Domain]:
    """Return a function that builds a Domain of the Site "shop", claimed and routed unless told otherwise."""

    def build(
        host: str = "shop.localhost",
        *,
        role: str = "Primary",
        claimed: bool = True,
        metadata: Change = UNCHANGED,
        spec: Change = UNCHANGED,
    ) -> Domain:
        body = {
            "metadata": {
                "name": host.replace(".", "-"),
                "namespace": "demo",
                "uid": f"uid-of-{host}",
                "generation": 1,
                "creationTimestamp": "2026-07-01T00:00:00Z",
            },
            "spec": {"host": host, "siteRef": {"name": "shop"}, "role": role},
            "status": {"host": host, "conditions": _domain_conditions(claimed=claimed)},
        }
        return Domain.parse(merged(body, {"metadata": metadata, "spec": spec}))

    return build


def _domain_conditions(*, claimed: bool) -> list[dict[str, str]]:
    reasons = ("Claimed", "SiteFound", "Routed", "Ready") if claimed else ("HostTaken",) * 4
    types = ("Claimed", "SiteFound", "RouteProgrammed", "Ready")
    return [
        {"type": type_, "status": str(claimed), "reason": reason}
        for type_, reason in zip(types, reasons, strict=True)
    ]


@pytest.fixture
def make_catalog() -> Callable[..., RuntimeCatalog]:
    """Return a function that builds the catalogue with PHP 8.3 and 8.4."""

    def build(spec: Change = UNCHANGED) -> RuntimeCatalog:
        base = {
            "default": "8.4",
            "runtimes": [
                {"php": "8.3", "image": "frankenpanel/frankenphp:8.3"},
                {"php": "8.4", "image": "frankenpanel/frankenphp:8.4"},
            ],
        }
        return RuntimeCatalog.parse({"metadata": {"name": "default"}, "spec": merged(base, spec)})

    return build


@pytest.fixture
def resolved(
    make_catalog: Callable[..., RuntimeCatalog],
    make_preset: Callable[..., SitePreset],
    make_server: Callable[..., DatabaseServer],
) -> Callable[..., Resolution]:
    """Return a function that resolves a Site in a complete installation, with references changed."""

    def build(site: Site, **changes: Any) -> Resolution:
        namespace = site.metadata.namespace or ""
        references: dict[str, Any] = {
            "platform": Platform(namespace="frankenpanel-system"),
            "credentials": derive_site_credentials(PLATFORM_KEY, namespace, site_data_id(site)),
            "catalog": make_catalog(),
            "preset": make_preset(),
            "servers": (make_server(),),
        }
        return resolve(site, References(**{**references, **changes}))

    return build
