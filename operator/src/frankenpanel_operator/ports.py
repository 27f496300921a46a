"""What reconcilers need from the world, as Protocols; adapters implement them, `main` wires them.

Every method is asynchronous unless it only reads memory. Errors are those of `errors`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from pydantic import SecretStr

from frankenpanel_operator.findings import DnsAnswer, HttpAnswer
from frankenpanel_operator.observed import Manifest, ObjectRef


class Change(StrEnum):
    """What an apply did."""

    CREATED = "created"
    PATCHED = "patched"
    UNCHANGED = "unchanged"


class ObjectCache(Protocol):
    """The last known state of watched objects; memory only, filled by watches."""

    def get(self, ref: ObjectRef) -> Manifest | None:
        """Return one object, or None where none is known."""

    def list(self, kind: str, namespace: str | None = None) -> Iterable[Manifest]:
        """Return the objects of a kind, in one namespace or everywhere."""

    def owned_by(self, site_uid: str) -> Iterable[Manifest]:
        """Return owned objects and pods that carry the Site's uid label."""

    def domains_of(self, namespace: str, site_name: str) -> Iterable[Manifest]:
        """Return the Domains whose `siteRef` names the Site."""

    def domains_with_host(self, host: str) -> Iterable[Manifest]:
        """Return the Domains that have or want a (normalised) host."""


class ObjectApplier(Protocol):
    """Writes objects; every write carries our field manager and what it was computed from."""

    async def apply(self, manifest: Manifest, live: Manifest | None) -> Change:
        """Create the (sealed) object, or patch what differs from `live`; equal means no call.

        Raises:
            ConflictError: the object is another one than `live` by now.
            ObjectNameTakenError: it exists and is not ours (create answered 409).
            ClusterRefusedError: forbidden or invalid.
            ClusterUnavailableError: try again later.
        """

    async def apply_blind(self, manifest: Manifest) -> None:
        """Create or overwrite a (sealed) object that may never be read back: a Secret.

        Raises:
            ObjectNameTakenError: it exists and does not carry our managed-by label.
        """

    async def delete(self, ref: ObjectRef, *, uid: str | None = None) -> None:
        """Delete in the background; an object that is gone already, or has another uid, is fine."""

    async def change_metadata(self, live: Manifest, changes: Mapping[str, Any]) -> None:
        """Merge changes into the metadata of the object that was read as `live`; a missing one is fine.

        For finalizers of our kinds (a list is replaced as a whole) and labels of retained volumes.

        Raises:
            ConflictError: the object changed meanwhile.
        """

    async def write_status(self, live: Manifest, status: Mapping[str, Any]) -> None:
        """Replace the whole status of the object that was read as `live`.

        An object that is gone is fine, and so is another one of its name: that one has a pass of its own.
        """


class EventRecorder(Protocol):
    """Tells people what happened, on the object it happened to."""

    def note(self, subject: Manifest, *, type_: str, reason: str, message: str) -> None:
        """Post one Event ("Normal" or "Warning") soon, without anybody waiting; too many are dropped."""

    async def record(self, subject: Manifest, *, type_: str, reason: str, message: str) -> None:
        """Post one Event before going on; for an object whose end would take the news with it.

        A failure is logged, never raised, and the wait for an answer is short.
        """


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """A database server as a connection needs it; `admin_secret` names a Secret of the platform namespace."""

    server_name: str
    host: str
    port: int
    admin_secret: str


@dataclass(frozen=True, slots=True)
class DatabaseAccount:
    """One Site's database: `name` is both the database and its user; `site_uid` owns it.

    `adopt_uid` is the former owner's uid when retained data is taken up again (spec.bootstrapFrom.retained).
    """

    name: str
    site_uid: str
    site_namespace: str
    site_name: str
    charset: str
    max_connections: int
    adopt_uid: str | None = None


class DatabaseProvisioner(Protocol):
    """Brings one Site's database and its account to the desired state on a server."""

    async def probe(self, server: DatabaseAddress) -> str:
        """Return the server's version text.

        Raises:
            DatabaseUnavailableError: no answer, or the admin account was refused.
        """

    async def ensure(self, server: DatabaseAddress, account: DatabaseAccount, password: SecretStr) -> bool:
        """Create what is missing and reset what differs; safe to repeat.

        Return whether the server was asked at all: what was in order a while ago is taken to be so still.

        Raises:
            DatabaseUnavailableError: try again later.
            DatabaseNameTakenError: the database exists and the ownership row is missing or another Site's.
        """

    async def retain(self, server: DatabaseAddress, account: DatabaseAccount) -> None:
        """Lock the account and mark its ownership row as retained; the data stays."""

    async def drop(self, server: DatabaseAddress, account: DatabaseAccount) -> None:
        """Drop database, account and ownership row, if the row is this Site's; repeatable."""


@dataclass(frozen=True, slots=True)
class TlsSecret:
    """A tenant's own certificate as its Secret has it; what the Secret lacks is empty.

    `version` is another one whenever anything of the Secret is. The key must never be kept, logged or told.
    """

    version: str
    chain: bytes = field(repr=False)
    key: bytes = field(repr=False)


class TenantSecrets(Protocol):
    """Reads single Secrets of tenants, where their namespaces allow it."""

    async def read_tls(self, namespace: str, name: str) -> TlsSecret:
        """Read one Secret, every time anew.

        Raises:
            SecretNotFoundError: there is none.
            SecretForbiddenError: the namespace has not allowed it.
        """


class DomainResolver(Protocol):
    """Asks name servers; what they say, and that they say nothing, is a finding and never an error."""

    async def addresses(self, name: str) -> DnsAnswer:
        """Return the IPv4 and IPv6 addresses of a name, with the aliases that lead to them."""

    async def texts(self, name: str) -> DnsAnswer:
        """Return the values of the TXT records of a name."""

    async def alias(self, name: str) -> DnsAnswer:
        """Return the name of which this one is an alias, whether or not that one exists."""


class HttpProber(Protocol):
    """Asks web servers that anybody may name, so it must not be led to where only we may go."""

    async def body(self, host: str, path: str, addresses: Sequence[str]) -> HttpAnswer:
        """Return what `http://<host><path>` shows, by the first of the addresses that may be asked.

        The host is not resolved again, and redirects are not followed.
        """


class Clock(Protocol):
    """The time of day, injected so that decisions can be tested."""

    def now(self) -> datetime:
        """Return the time in UTC."""
