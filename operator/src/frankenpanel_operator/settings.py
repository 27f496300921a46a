"""The operator's settings: environment variables FRANKENPANEL_..., read once, in `main`."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated, Literal

from frankenpanel_crds.domain_settings import TlsMode
from pydantic import Field, IPvAnyNetwork, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Names = Annotated[tuple[str, ...], NoDecode]
"""A list in one variable, joined by commas."""


class Settings(BaseSettings):
    """Every knob of the operator; the chart sets those that an installation may want to turn."""

    model_config = SettingsConfigDict(env_prefix="FRANKENPANEL_", frozen=True)

    platform_namespace: str = Field(
        "frankenpanel-system",
        min_length=1,
        description="The namespace in which the platform itself runs; the only one whose Secrets are read.",
    )
    public_http_port: int = Field(
        80, ge=1, le=65535, description="The port on which visitors reach the gateway by http."
    )
    public_https_port: int = Field(
        443, ge=1, le=65535, description="The port on which visitors reach the gateway by https."
    )
    gateway_addresses: Names = Field(
        (),
        description=(
            "Where hosts should lead: the gateway's public addresses, or one name of which they are aliases; "
            "none: where a host leads is not checked."
        ),
    )
    dns_resolvers: Names = Field(
        (),
        description="Name servers to ask, as address or address:port; none: those of the machine.",
    )
    http_proof_networks: Annotated[tuple[IPvAnyNetwork, ...], NoDecode] = Field(
        (),
        description=(
            "Networks that are asked for the file which proves a host although they are not public, as "
            "10.0.0.0/8; for installations whose sites live in a private network."
        ),
    )
    trusted_namespaces: Names = Field(
        ("*",),
        description=(
            'Namespaces whose Domains need not be proven; "*" for all. The chart trusts none unless told to.'
        ),
    )
    reserved_hosts: Names = Field(
        (),
        description="Hosts that no Domain may have; *.example.com for all names below example.com.",
    )
    managed_certificates: Literal[TlsMode.MANAGED, TlsMode.INTERNAL] = Field(
        TlsMode.INTERNAL,
        description=(
            "What tls.mode: Managed means here: Managed, by the gateway's ACME account, or Internal, by the "
            "platform's own authority, where there is none."
        ),
    )
    certificates_namespace: str = Field(
        "frankenpanel-certificates",
        min_length=1,
        description="The namespace into which tenants' own certificates are copied for the gateway.",
    )
    dns_recheck_seconds: float = Field(
        21_600, gt=0, description="How often it is looked whether a host still leads here."
    )
    unproven_claim_seconds: float = Field(
        604_800, gt=0, description="How long a host is kept for a namespace that has not shown it is theirs."
    )
    released_claim_seconds: float = Field(
        604_800,
        gt=0,
        description="How long a host whose Domain went is kept from others, if DNS still leads here.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="The least severe log lines to write."
    )
    workers: int = Field(16, ge=1, le=256, description="How many objects are reconciled at the same time.")
    resync_seconds: float = Field(
        600,
        ge=1,
        description="How often every object is looked at without a cause; finds what no event reported.",
    )
    reconcile_timeout_seconds: float = Field(
        120, gt=0, description="After this a reconcile is abandoned and tried again later."
    )
    refused_retry_seconds: float = Field(
        300, gt=0, description="How long to wait before retrying what only a person's edit should heal."
    )
    backoff_base_seconds: float = Field(
        0.5, gt=0, description="The delay after an object's first failure; it doubles with each further one."
    )
    backoff_cap_seconds: float = Field(
        300, gt=0, description="The longest delay between two tries of an object that keeps failing."
    )
    api_connections: int = Field(
        32, ge=20, description="The most connections to the API server; each watched kind keeps one."
    )
    api_timeout_seconds: float = Field(
        30, gt=0, description="The longest time that one request to the API server may take."
    )
    secret_rewrite_seconds: float = Field(
        3600,
        gt=0,
        description="How long a written Secret is trusted to be still there, since it is never read back.",
    )
    leader_election: bool = Field(
        True,
        description="Reconcile only while holding the Lease; off only where nobody else runs one.",
    )
    identity: str = Field(
        "",
        description="This replica's name in the Lease: the pod's name; host and a random part where empty.",
    )
    lease_seconds: float = Field(
        4.0, ge=1, description="How long a leader that is silent still counts as leading."
    )
    lease_renew_seconds: float = Field(1.0, gt=0, description="How often the leader renews its Lease.")
    lease_retry_seconds: float = Field(0.25, gt=0, description="How often a standby looks at the Lease.")
    deletion_patience_seconds: float = Field(
        600,
        gt=0,
        description="How long a deletion waits for a database server that is gone, before it goes on.",
    )
    canary_seconds: float = Field(
        30,
        gt=0,
        description="How often the operator proves by a write of its own that its watches still hear.",
    )
    metrics_port: int = Field(
        9090, ge=0, le=65535, description="The port of /metrics, /readyz and /livez; 0 takes a free one."
    )
    embedded_mariadb: bool = Field(
        True, description="Generate the root account of the embedded MariaDB where it does not exist."
    )
    allow_new_platform_key: bool = Field(
        False,
        description="Generate a new platform key although Sites exist; every Site gets new credentials.",
    )

    @field_validator(
        "gateway_addresses",
        "dns_resolvers",
        "http_proof_networks",
        "trusted_namespaces",
        "reserved_hosts",
        mode="before",
    )
    @classmethod
    def _split_names(cls, value: object) -> object:
        """Read `10.0.0.1,10.0.0.2`, as a chart value is easily joined."""
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("dns_resolvers")
    @classmethod
    def _check_name_servers(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse at the start what would fail for every host later."""
        for value in values:
            read_name_server(value)
        return values


def read_name_server(text: str) -> tuple[str, int]:
    """Return address and port of `address`, `address:port`, `[address]` or `[address]:port`.

    Raises:
        ValueError: it is none of them.
    """
    if text.startswith("["):
        address, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    elif text.count(":") == 1:
        address, _, port = text.partition(":")
    else:
        address, port = text, ""
    return str(ip_address(address)), int(port or 53)
