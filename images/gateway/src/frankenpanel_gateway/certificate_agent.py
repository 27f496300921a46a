"""The parts that know certificates, wired: what Caddy is told, and where it comes from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any

import aiohttp
import structlog
from aiohttp import web

from frankenpanel_gateway.acme_directory import AcmeDirectory
from frankenpanel_gateway.api_client import ApiAccess, ApiClient, ApiError
from frankenpanel_gateway.caddy_answers import caddy_app
from frankenpanel_gateway.caddy_log import CaddyLog
from frankenpanel_gateway.caddy_orders import CaddyOrders
from frankenpanel_gateway.caddy_storage import CaddyStorage
from frankenpanel_gateway.certificate_store import CertificateStore
from frankenpanel_gateway.certificates import Certificates
from frankenpanel_gateway.claim_certificates import ClaimCertificates
from frankenpanel_gateway.lease import CertificateLease
from frankenpanel_gateway.metrics import Metrics
from frankenpanel_gateway.orders import Orders, OrderTiming
from frankenpanel_gateway.own_secrets import ACCOUNT_SECRET, AUTHORITY_SECRET, OwnSecrets
from frankenpanel_gateway.secret_copies import SecretCopies
from frankenpanel_gateway.settings import Settings
from frankenpanel_gateway.tls_claims import TlsClaims
from frankenpanel_gateway.watcher import Watcher, WatchTiming

_log = structlog.stdlib.get_logger(__name__)


class CertificateAgent:
    """Answers Caddy from memory and disk, and keeps both equal to claims and Secrets."""

    def __init__(
        self,
        settings: Settings,
        access: ApiAccess,
        timing: WatchTiming,
        metrics: Metrics,
        now: Callable[[], datetime],
    ) -> None:
        root = settings.certificates_root
        path = f"/api/v1/namespaces/{settings.certificates_namespace}/secrets"
        self._settings = settings
        self._access = access
        self._metrics = metrics
        self._storage = CaddyStorage(
            settings.caddy_storage, f"127.0.0.1-{settings.permission_port}-acme-directory"
        )
        self._directory = AcmeDirectory(settings.acme_directory, settings.acme_ca_file)
        self._lease = CertificateLease(
            access, settings.certificates_namespace, settings.identity, settings.lease_seconds, now, metrics
        )
        self.claims = TlsClaims(root / "claims.json", self._notice)
        self._store = CertificateStore(root / "hosts")
        address = (settings.caddy_https_host, settings.caddy_https_port)
        orderer = CaddyOrders(self._storage, address, now, metrics)
        self._orders = Orders(
            self.claims,
            self._store,
            orderer,
            ClaimCertificates(access, path, self.claims),
            _timing(settings),
            now,
        )
        self._log = CaddyLog(settings.caddy_log_socket, orderer.note_refusal, self._orders.note_obtained)
        self._certificates = Certificates(self.claims, self._store, self._orders.is_ordering, now)
        self._own = OwnSecrets(root / "own", path, self._take_own, now)
        self._copies = SecretCopies(self._store, lambda _: None, self._own.take, metrics)
        self._watcher = Watcher(access, path, self._copies, timing, metrics)

    async def open(self) -> None:
        """Begin with what an earlier run left on disk."""
        kept = await asyncio.to_thread(self._store.open)
        self._own.open()
        await self.claims.open()
        for host in self._storage.hosts():
            self._orders.take_over(host)
        _log.info("certificates opened", kept=kept)

    async def close(self) -> None:
        """Write what has not been written yet."""
        await self.claims.close()

    def app(self) -> web.Application:
        """Build the server that Caddy asks."""
        return caddy_app(
            self._certificates.pem, self._orders.is_ordering, self._directory.read, self._metrics
        )

    def is_alive(self) -> bool:
        """Say whether the watch on Secrets moves."""
        return self._watcher.is_alive()

    def loops(self) -> list[Coroutine[Any, Any, None]]:
        """Return what runs for ever."""
        always = [self._watcher.run(), self._make_own_secrets()]
        if self._settings.acme_directory is None:
            return always
        return [*always, self._lease.run(), self._order()]

    async def _order(self) -> None:
        async with self._log.listen():
            await self._orders.run(self._lease.is_leading)

    def _notice(self, hosts: Sequence[str]) -> None:
        self._orders.notice(hosts)

    def _take_own(self, name: str, values: Mapping[str, bytes] | None) -> None:
        if name == AUTHORITY_SECRET:
            self._certificates.take_authority(values)
        elif name == ACCOUNT_SECRET and values is not None and self._settings.acme_directory is not None:
            self._storage.write_account(values.get("key", b""), self._settings.acme_email)

    async def _make_own_secrets(self) -> None:
        """Make what is missing once the Secrets are known, and again should somebody delete it."""
        while True:
            if self._copies.is_complete:
                try:
                    async with ApiClient.connect(self._access) as client:
                        await self._own.make_missing(client)
                except (ApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
                    _log.warning("the gateway's own Secrets are missing", error=repr(error))
                await asyncio.sleep(self._settings.own_secrets_check_seconds)
            else:
                await asyncio.sleep(_POLL_SECONDS)


_POLL_SECONDS = 0.2


def _timing(settings: Settings) -> OrderTiming:
    return OrderTiming(
        settings.order_check_seconds,
        settings.order_backoff_first_seconds,
        settings.order_backoff_max_seconds,
    )
