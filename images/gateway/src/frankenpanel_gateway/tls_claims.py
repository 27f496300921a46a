"""Where the certificate of each claimed host comes from, in memory and, for outages, in one file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import structlog

from frankenpanel_gateway import tree
from frankenpanel_gateway.certificate_store import write_private
from frankenpanel_gateway.claims import HostTls, claimed_host, is_object_name
from frankenpanel_gateway.object_event import ObjectEvent

_log = structlog.stdlib.get_logger(__name__)

MANAGED, SECRET, INTERNAL = "Managed", "Secret", "Internal"
# Changes come in bursts; the whole is written once for all that come within this time.
SNAPSHOT_DELAY_SECONDS = 1.0


class Reported(NamedTuple):
    """What the status of a claim says about a Managed certificate, as the API server has it."""

    claim: str
    uid: str
    certificate: Mapping[str, Any]


class Listing:
    """Collects what a complete listing of claims says, page by page."""

    def __init__(self) -> None:
        self.hosts: dict[str, HostTls] = {}
        self.reported: dict[str, Reported] = {}

    def add(self, page: Sequence[Mapping[str, Any]]) -> None:
        """Note the claims of a page."""
        for body in page:
            _note(body, self.hosts, self.reported)


class TlsClaims:
    """Takes the DomainClaims, and answers by host.

    Args:
        snapshot: the file that the next run begins with.
        changed: is told the hosts about which something is new.
    """

    def __init__(self, snapshot: Path, changed: Callable[[Sequence[str]], None] = lambda _: None) -> None:
        self._snapshot = snapshot
        self._changed = changed
        self._hosts: dict[str, HostTls] = {}
        self._reported: dict[str, Reported] = {}
        self._writing: asyncio.Task[None] | None = None
        self._is_stale = False
        self.is_complete = False
        """Whether the API server told all since the start; until then the snapshot is the truth."""

    async def open(self) -> None:
        """Begin with what the run before knew."""
        try:
            content = orjson.loads(await asyncio.to_thread(self._snapshot.read_bytes))
            self._hosts = {host: HostTls(*values) for host, values in content.items()}
        except FileNotFoundError:
            pass
        except (orjson.JSONDecodeError, TypeError, AttributeError) as error:
            _log.warning("snapshot of the claims is damaged and not used", error=repr(error))

    async def close(self) -> None:
        """Write what has not been written yet."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
            await self._write()

    def tls_of(self, host: str) -> tuple[str, HostTls] | None:
        """Return the claim that a host falls under, by its host or wildcard, and its settings."""
        if (tls := self._hosts.get(host)) is not None:
            return host, tls
        wildcard = tree.wildcard_above(host)
        if (tls := self._hosts.get(wildcard)) is not None:
            return wildcard, tls
        return None

    def managed(self) -> Iterator[tuple[str, HostTls]]:
        """Yield the hosts whose certificates are ordered."""
        return ((host, tls) for host, tls in self._hosts.items() if tls.mode == MANAGED)

    def exact(self, host: str) -> HostTls | None:
        """Return the settings of the claim on this host itself."""
        return self._hosts.get(host)

    def reported(self, host: str) -> Reported | None:
        """Return what the status says; None without a claim."""
        return self._reported.get(host)

    def new_listing(self) -> Listing:
        """Begin a complete listing, for `take`."""
        return Listing()

    def take(self, listing: Listing) -> None:
        """Take a complete listing."""
        hosts = listing.hosts
        news = {host for host, tls in hosts.items() if self._hosts.get(host) != tls}
        news |= self._hosts.keys() - hosts.keys()
        self._hosts, self._reported = hosts, listing.reported
        self.is_complete = True
        self._tell(news)

    def apply(self, events: Sequence[ObjectEvent]) -> None:
        """Take changes of single claims."""
        news = set()
        for event in events:
            host = claimed_host(event.body)
            before = self._hosts.get(host)
            if event.is_deleted:
                self._hosts.pop(host, None)
                self._reported.pop(host, None)
            else:
                _note(event.body, self._hosts, self._reported)
            if self._hosts.get(host) != before:
                news.add(host)
        self._tell(news)

    def _tell(self, news: set[str]) -> None:
        if not news:
            return
        self._is_stale = True
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_soon(), name="claims-snapshot")
        self._changed(sorted(news))

    async def _write_soon(self) -> None:
        while self._is_stale:
            await asyncio.sleep(SNAPSHOT_DELAY_SECONDS)
            await self._write()

    async def _write(self) -> None:
        self._is_stale = False
        content = orjson.dumps(self._hosts, default=list)
        try:
            await asyncio.to_thread(write_private, self._snapshot, content)
        except OSError as error:
            # What is in memory is right; only a restart during an outage would miss it.
            _log.warning("snapshot of the claims not written", error=str(error))


def _note(body: Mapping[str, Any], hosts: dict[str, HostTls], reported: dict[str, Reported]) -> None:
    host, tls = claimed_host(body), read_tls(body)
    if tls is None:
        hosts.pop(host, None)
        reported.pop(host, None)
        return
    hosts[host] = tls
    certificate = (body.get("status") or {}).get("certificate") or {}
    if tls.mode == MANAGED or certificate:
        metadata = body["metadata"]
        reported[host] = Reported(metadata["name"], metadata.get("uid", ""), certificate)
    else:
        reported.pop(host, None)


def read_tls(body: Mapping[str, Any]) -> HostTls | None:
    """Return what a claim says about its certificate; None where it gets none."""
    spec = body.get("spec") or {}
    if spec.get("releasedAt") is not None or spec.get("host") != claimed_host(body):
        # The name is the lock that gives a host one owner; a claim on another host would go around it.
        return None
    tls = spec.get("tls") or {}
    mode, secret_name = tls.get("mode"), tls.get("secretName")
    if mode not in (MANAGED, SECRET, INTERNAL):
        return None
    if secret_name is not None and not is_object_name(secret_name):
        return None
    value = HostTls(mode, tls.get("mayOrder") is True, secret_name)
    return _EQUAL.setdefault(value, value) if secret_name is None else value


# Most hosts have the same settings: one object for all of them.
_EQUAL: dict[HostTls, HostTls] = {}
