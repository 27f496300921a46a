"""The parts that know certificates, wired: what Caddy is told, and where it comes from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from typing import Any

import aiohttp
import structlog
from aiohttp import web

from frankenpanel_gateway.api_client import ApiAccess, ApiClient, ApiError
from frankenpanel_gateway.caddy_answers import caddy_app
from frankenpanel_gateway.certificate_store import CertificateStore
from frankenpanel_gateway.certificates import Certificates
from frankenpanel_gateway.metrics import Metrics
from frankenpanel_gateway.own_secrets import AUTHORITY_SECRET, OwnSecrets
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
        self.claims = TlsClaims(root / "claims.json")
        self._store = CertificateStore(root / "hosts")
        self._certificates = Certificates(self.claims, self._store, self._may_order, now)
        self._own = OwnSecrets(root / "own", path, self._take_own, now)
        self._copies = SecretCopies(self._store, lambda _: None, self._own.take, metrics)
        self._watcher = Watcher(access, path, self._copies, timing, metrics)

    async def open(self) -> None:
        """Begin with what an earlier run left on disk."""
        kept = await asyncio.to_thread(self._store.open)
        self._own.open()
        await self.claims.open()
        _log.info("certificates opened", kept=kept)

    async def close(self) -> None:
        """Write what has not been written yet."""
        await self.claims.close()

    def app(self) -> web.Application:
        """Build the server that Caddy asks."""
        return caddy_app(self._certificates.pem, self._may_order, self._directory, self._metrics)

    def is_alive(self) -> bool:
        """Say whether the watch on Secrets moves."""
        return self._watcher.is_alive()

    def loops(self) -> list[Coroutine[Any, Any, None]]:
        """Return what runs for ever."""
        return [self._watcher.run(), self._make_own_secrets()]

    def _take_own(self, name: str, values: Mapping[str, bytes] | None) -> None:
        if name == AUTHORITY_SECRET:
            self._certificates.take_authority(values)

    def _may_order(self, _: str) -> bool:
        return False

    async def _directory(self) -> bytes | None:
        return None

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
