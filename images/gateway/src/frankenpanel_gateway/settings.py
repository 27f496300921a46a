"""What the agent is told by its environment; read once in `main`, values are passed on."""

from __future__ import annotations

import socket
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

SERVICE_ACCOUNT_FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class Settings(BaseSettings):
    """Settings of the agent; the environment names carry the prefix `FRANKENPANEL_GATEWAY_`."""

    model_config = SettingsConfigDict(env_prefix="FRANKENPANEL_GATEWAY_", frozen=True, populate_by_name=True)

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    routes_root: Path = Path("/srv/routes")
    blocked_networks_file: Path = Path("/etc/frankenpanel/blocked-addresses/networks")
    """One network a line; where there is no such file, nobody is blocked."""

    permission_host: str = "127.0.0.1"
    permission_port: int = Field(19191, ge=0, le=65535)
    probes_host: str | None = None
    """None listens on all addresses: the kubelet probes from outside of the pod."""
    probes_port: int = Field(19192, ge=0, le=65535)

    api_server: str | None = None
    """URL of the API server; None means the one of the cluster in which the pod runs."""
    kubernetes_service_host: str | None = Field(None, validation_alias="KUBERNETES_SERVICE_HOST")
    kubernetes_service_port: int = Field(443, validation_alias="KUBERNETES_SERVICE_PORT")
    api_token_file: Path | None = SERVICE_ACCOUNT_FOLDER / "token"
    api_token: SecretStr | None = None
    """For use outside of a cluster; the token file is left aside where this is set."""
    api_ca_file: Path | None = SERVICE_ACCOUNT_FOLDER / "ca.crt"
    api_tls_server_name: str | None = None
    """The name in the API server's certificate, where it is not that of the URL (a tunnel)."""

    list_page_size: int = Field(500, ge=1, le=10_000)
    watch_seconds: int = Field(120, ge=1, le=3600)
    """How long one watch request lasts; half as much again by chance, so that replicas spread out."""
    backoff_max_seconds: float = Field(30.0, gt=0)

    certificates_namespace: str = "frankenpanel-certificates"
    certificates_root: Path = Path("/srv/certificates")
    """Certificates and keys, for this program alone."""
    own_secrets_check_seconds: float = Field(60.0, gt=0)

    acme_directory: str | None = None
    """Of the authority that signs for Managed hosts; None: nobody does."""
    acme_email: str = ""
    acme_ca_file: Path | None = None
    """Certificates that the directory's https is trusted by, besides those that every system knows."""
    caddy_storage: Path = Path("/data/caddy")
    caddy_log_socket: Path = Path("/run/gateway/certificates.sock")
    caddy_https_host: str = "127.0.0.1"
    caddy_https_port: int = Field(8443, ge=1, le=65535)
    identity: str = Field(default_factory=socket.gethostname)
    """Of this replica; the pod's name in a cluster."""
    lease_seconds: float = Field(15.0, gt=0)
    order_check_seconds: float = Field(60.0, gt=0)
    order_backoff_first_seconds: float = Field(1200.0, gt=0)
    order_backoff_max_seconds: float = Field(43_200.0, gt=0)

    upstream_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = ()
    """Where upstreams may be; empty: anywhere but on addresses that no Service can have."""

    @field_validator("acme_directory", "acme_ca_file", mode="before")
    @classmethod
    def _take_empty_for_none(cls, value: object) -> object:
        return value or None

    @field_validator("upstream_networks", mode="before")
    @classmethod
    def _split_networks(cls, value: object) -> object:
        """Read `10.96.0.0/12,fd00:10:96::/112`, as a chart value is easily joined."""
        if not isinstance(value, str):
            return value
        return [part.strip() for part in value.split(",") if part.strip()]

    @model_validator(mode="after")
    def _require_api_server(self) -> Self:
        if self.api_server is None and self.kubernetes_service_host is None:
            raise ValueError("not in a cluster: set FRANKENPANEL_GATEWAY_API_SERVER and _API_TOKEN_FILE")
        return self

    @property
    def api_url(self) -> str:
        """Return the URL of the API server, without a slash at the end."""
        if self.api_server is not None:
            return self.api_server.rstrip("/")
        host = self.kubernetes_service_host or ""
        return f"https://{f'[{host}]' if ':' in host else host}:{self.kubernetes_service_port}"
