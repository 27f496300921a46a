"""Everything a builder may know besides the Site itself, already looked up and decided."""

from __future__ import annotations

from dataclasses import dataclass

from frankenpanel_crds.domain_settings import TlsMode

from frankenpanel_operator.credentials import SiteCredentials


@dataclass(frozen=True, slots=True)
class Runtime:
    """One RuntimeCatalog entry: the PHP version as tenants name it, and its image."""

    php: str
    image: str


@dataclass(frozen=True, slots=True)
class PersistentPath:
    """One volume: `name` unique in the Site, `mount_path` relative to the code, `size` a quantity.

    `claim_name` is decided by the resolution: retained volumes keep the name that their first Site gave them.
    """

    name: str
    mount_path: str
    size: str
    storage_class: str | None
    access: str
    claim_name: str


@dataclass(frozen=True, slots=True)
class Application:
    """One version of a SitePreset: an image that carries code only, and how to run it.

    `install_command` and `rewrite_command` are empty where the preset has no such hook.
    """

    preset: str
    version: str
    image: str
    document_root: str
    config_format: str
    install_command: tuple[str, ...]
    health_path: str
    rewrite_command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Database:
    """Where the Site's database lives; `name` is database and user alike.

    `admin_secret` names a Secret of the platform namespace.
    """

    server_name: str
    engine: str
    host: str
    port: int
    name: str
    admin_secret: str


@dataclass(frozen=True, slots=True)
class Platform:
    """Facts of this installation: where the platform runs and how visitors reach its gateway.

    `gateway_addresses` are IP addresses or one DNS name; empty where nobody said. `managed_certificates` is
    what a Domain's tls.mode Managed means here. `trusted_namespaces` may be ("*",), for all.
    """

    namespace: str
    http_port: int = 80
    https_port: int = 443
    gateway_addresses: tuple[str, ...] = ()
    trusted_namespaces: tuple[str, ...] = ("*",)
    reserved_hosts: tuple[str, ...] = ()
    managed_certificates: TlsMode = TlsMode.INTERNAL
    certificates_namespace: str = "frankenpanel-certificates"


@dataclass(frozen=True, slots=True)
class SiteInputs:
    """What one Site's objects are computed from, besides its spec.

    `runtime`, `application`, `storage` or `database` is None where the reference could not be resolved (or,
    for the database, none is wanted): what depends on it is then withheld, neither changed nor pruned.
    """

    platform: Platform
    data_id: str
    credentials: SiteCredentials
    storage: tuple[PersistentPath, ...] | None
    runtime: Runtime | None
    application: Application | None
    database: Database | None
    primary_host: str | None


@dataclass(frozen=True, slots=True)
class Workload:
    """What the pods of a Site are made of, once all of it is resolved."""

    runtime: Runtime
    application: Application
    storage: tuple[PersistentPath, ...]
    database: Database | None
