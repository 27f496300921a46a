"""Makes Caddy get a certificate: a handshake for the host asks it to, its storage tells the end."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from datetime import datetime

from frankenpanel_gateway.caddy_storage import CaddyStorage
from frankenpanel_gateway.metrics import Metrics
from frankenpanel_gateway.pem_certificate import Certificate

_LOOK_SECONDS = 0.2
# Caddy gives an order up after this time, with one more attempt in between.
ORDER_SECONDS = 185.0
# A handshake that ends without a certificate, and nothing in the log: Caddy did not take the order.
_SILENCE_SECONDS = 10.0
RENEWED_AT_LEFT = 0.32
"""A little less than the third at which Caddy agrees that it is time."""


class OrderError(Exception):
    """There is no certificate; the message is for the owner of the host."""


class CaddyOrders:
    """Orders one certificate at a time per host.

    Args:
        storage: Caddy's.
        address: where Caddy listens for https, as host and port.
        now: the time of day.
        metrics: counts orders.
    """

    def __init__(
        self, storage: CaddyStorage, address: tuple[str, int], now: Callable[[], datetime], metrics: Metrics
    ) -> None:
        self._metrics = metrics
        self._storage = storage
        self._address = address
        self._now = now
        self._refusals: dict[str, asyncio.Future[str]] = {}

    def note_refusal(self, host: str, reason: str) -> None:
        """Take from the log why there is no certificate."""
        refusal = self._refusals.get(host)
        if refusal is not None and not refusal.done():
            refusal.set_result(reason)

    def present(self, host: str) -> Certificate | None:
        """Return what Caddy got earlier, if nobody has fetched it and it is fresh."""
        certificate = self._storage.read(host)
        if certificate is None or certificate.is_due(self._now(), RENEWED_AT_LEFT):
            return None
        return certificate

    def prepare(self, host: str, current: Certificate | None) -> None:
        """Put what is to be renewed where Caddy looks for it, unless something fresh is there."""
        if current is not None and self.present(host) is None:
            self._storage.write(host, current)

    async def order(self, host: str) -> Certificate:
        """Return a fresh certificate for a host; the permission endpoint has to say yes meanwhile.

        Raises:
            OrderError: there is none.
        """
        if (certificate := self.present(host)) is not None:
            return certificate
        refusal = self._refusals[host] = asyncio.get_running_loop().create_future()
        shaking = asyncio.create_task(self._shake_hands(host))
        try:
            certificate = await self._wait(host, refusal, shaking)
        except OrderError:
            self._metrics.orders.labels("failed").inc()
            raise
        else:
            self._metrics.orders.labels("issued").inc()
            return certificate
        finally:
            del self._refusals[host]
            shaking.cancel()
            await asyncio.gather(shaking, return_exceptions=True)

    async def _wait(
        self, host: str, refusal: asyncio.Future[str], shaking: asyncio.Task[bool]
    ) -> Certificate:
        loop = asyncio.get_running_loop()
        give_up = loop.time() + ORDER_SECONDS
        while (now := loop.time()) < give_up:
            if (certificate := self.present(host)) is not None:
                return certificate
            if refusal.done():
                raise OrderError(refusal.result())
            if shaking.done() and not shaking.result():
                give_up = min(give_up, now + _SILENCE_SECONDS)
            await asyncio.wait({refusal}, timeout=_LOOK_SECONDS)
        raise OrderError("the gateway got no answer in time")

    async def _shake_hands(self, host: str) -> bool:
        """Come as a visitor of the host; say whether there was a certificate, whosever."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        address, port = self._address
        try:
            _, writer = await asyncio.open_connection(
                address, port, ssl=context, server_hostname=host, ssl_handshake_timeout=ORDER_SECONDS
            )
        except (ssl.SSLError, OSError):
            return False
        writer.close()
        with contextlib.suppress(ssl.SSLError, OSError):
            await writer.wait_closed()
        return True
