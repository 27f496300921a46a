"""Sees to it that every Managed host has a certificate that is not about to end, on the replica that leads.

Level-triggered: a host is looked at when something about it is new, and all are once in a while. A look
orders what is missing or due, writes the Secret that all replicas serve, and brings the claim's status up to
date; whatever fails is done by a later look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import aiohttp
import structlog

from frankenpanel_gateway.api_client import ApiError
from frankenpanel_gateway.caddy_orders import RENEWED_AT_LEFT, OrderError
from frankenpanel_gateway.certificate_store import CertificateStore
from frankenpanel_gateway.certificates import managed_secret_name
from frankenpanel_gateway.claim_certificates import ClaimCertificates, Failure
from frankenpanel_gateway.pem_certificate import BadCertificateError, Certificate
from frankenpanel_gateway.tls_claims import MANAGED, TlsClaims

_log = structlog.stdlib.get_logger(__name__)

_WILDCARD_MESSAGE = "a certificate for a wildcard cannot be ordered by HTTP; use tls.mode Secret or Internal"


class Orderer(Protocol):
    """Gets one certificate; see `caddy_orders.CaddyOrders`."""

    def present(self, host: str) -> Certificate | None:
        """Return one that was got before and fetched by nobody."""

    def prepare(self, host: str, current: Certificate | None) -> None:
        """Show Caddy what it is to renew."""

    async def order(self, host: str) -> Certificate:
        """Get one, or raise OrderError."""


@dataclass(frozen=True, slots=True)
class OrderTiming:
    """How often, and how many at a time.

    An authority allows few failures per host and hour; Caddy makes two attempts per order.
    """

    check_seconds: float = 60.0
    backoff_first_seconds: float = 1200.0
    backoff_max_seconds: float = 43_200.0
    at_a_time: int = 8


class Orders:
    """Runs on every replica, and does something only on the one that leads."""

    def __init__(
        self,
        claims: TlsClaims,
        store: CertificateStore,
        orderer: Orderer,
        written: ClaimCertificates,
        timing: OrderTiming,
        now: Callable[[], datetime],
    ) -> None:
        self._claims = claims
        self._store = store
        self._orderer = orderer
        self._written = written
        self._timing = timing
        self._now = now
        self._ordering: set[str] = set()
        self._scheduled: set[str] = set()
        self._failures: dict[str, Failure] = {}
        self._news: set[str] = set()
        self._woken = asyncio.Event()
        self._places = asyncio.Semaphore(timing.at_a_time)
        self._tasks: set[asyncio.Task[None]] = set()

    def is_ordering(self, host: str) -> bool:
        """Say whether Caddy may order for the host: only what this asked for."""
        return host in self._ordering

    def notice(self, hosts: Iterable[str]) -> None:
        """Look at these hosts soon."""
        self._news.update(hosts)
        self._woken.set()

    def take_over(self, host: str) -> None:
        """Serve what Caddy got for a host of which a run that was killed has not fetched it."""
        tls, name = self._claims.exact(host), managed_secret_name(host)
        if tls is not None and tls.mode == MANAGED and self._store.life(name) is None:
            certificate = self._orderer.present(host)
            if certificate is not None:
                self._store.put(name, certificate)

    def note_obtained(self, host: str) -> None:
        """Fetch what Caddy got by a later attempt of its own."""
        if host not in self._scheduled:
            self._failures.pop(host, None)
            self.notice([host])

    async def run(self, is_leading: Callable[[], bool]) -> None:
        """Look at hosts for ever."""
        was_leading = False
        try:
            while True:
                try:
                    async with asyncio.timeout(self._timing.check_seconds if was_leading else 0.5):
                        await self._woken.wait()
                    is_round = False
                except TimeoutError:
                    is_round = True
                # What came in the moment of the round is news all the same: it may not be Managed any more.
                hosts, self._news = self._news, set()
                self._woken.clear()
                leads = is_leading() and self._claims.is_complete
                if leads and not was_leading:
                    self._failures = dict(self._written.reported_failures())
                    is_round = True
                if is_round:
                    hosts.update(host for host, _ in self._claims.managed())
                was_leading = leads
                if leads:
                    await self._look_at(hosts)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _look_at(self, hosts: Iterable[str]) -> None:
        for number, host in enumerate(hosts):
            tls = self._claims.exact(host)
            if host in self._scheduled:
                continue
            if tls is None or not self._is_managed(host):
                await self._withdraw(host)
                continue
            if host.startswith("*."):
                self._failures.setdefault(host, Failure(_WILDCARD_MESSAGE, None, 1))
            elif self._is_due(host) and (tls.may_order or self._orderer.present(host) is not None):
                failure = self._failures.get(host)
                if failure is None or failure.is_over(self._now()):
                    self._start(host)
                    continue
            await self._bring_up_to_date(host)
            if number % 100 == 0:
                await asyncio.sleep(0)

    def _start(self, host: str) -> None:
        self._scheduled.add(host)
        task = asyncio.create_task(self._order(host), name=f"order {host}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _order(self, host: str) -> None:
        name = managed_secret_name(host)
        try:
            async with self._places:
                self._orderer.prepare(host, self._current(name))
                # From here on Caddy is told to see to it itself, and let.
                self._ordering.add(host)
                certificate = await self._orderer.order(host)
        except OrderError as error:
            self._note_failure(host, str(error))
        except OSError as error:
            _log.warning("storage of Caddy cannot be used", error=str(error))
            self._note_failure(host, "the gateway cannot use its own storage")
        else:
            self._failures.pop(host, None)
            self._store.put(name, certificate)
            self._written.keep(host, certificate)
            _log.info("certificate issued", host=host, issuer=certificate.issuer)
        finally:
            self._ordering.discard(host)
            self._scheduled.discard(host)
        if self._is_managed(host):
            await self._bring_up_to_date(host)
        else:
            # The claim has changed meanwhile, when looks passed the host over.
            self.notice([host])

    def _note_failure(self, host: str, message: str) -> None:
        before = self._failures.get(host)
        count = 1 if before is None else before.count + 1
        seconds = self._timing.backoff_first_seconds * float(2 ** min(count - 1, 16))
        retry_after = self._now() + timedelta(seconds=min(seconds, self._timing.backoff_max_seconds))
        self._failures[host] = Failure(message, retry_after, count)
        _log.warning("no certificate", host=host, reason=message, retry_after=retry_after.isoformat())

    async def _bring_up_to_date(self, host: str) -> None:
        """Write Secret and status where they differ; what fails is tried at the next look."""
        try:
            certificate = self._current(managed_secret_name(host))
            await self._written.bring_up_to_date(host, certificate, self._failures.get(host))
        except (ApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
            _log.warning("certificate of a claim not written", host=host, error=repr(error))

    async def _withdraw(self, host: str) -> None:
        """Delete the key of a host that gets its certificate elsewhere now; with its claim it goes anyway."""
        self._failures.pop(host, None)
        if self._store.life(managed_secret_name(host)) is None:
            return
        try:
            await self._written.withdraw(host)
        except (ApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
            _log.warning("certificate that is not used any more stays", host=host, error=repr(error))

    def _is_managed(self, host: str) -> bool:
        tls = self._claims.exact(host)
        return tls is not None and tls.mode == MANAGED

    def _is_due(self, host: str) -> bool:
        life = self._store.life(managed_secret_name(host))
        if life is None:
            return True
        return life.not_after - self._now() <= (life.not_after - life.not_before) * RENEWED_AT_LEFT

    def _current(self, name: str) -> Certificate | None:
        try:
            return self._store.certificate(name)
        except BadCertificateError:
            return None
