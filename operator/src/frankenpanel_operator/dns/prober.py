"""Asks a web server for one small file, at an address that was checked before."""

from __future__ import annotations

from collections.abc import Sequence

import aiohttp
import structlog
from yarl import URL

from frankenpanel_operator import metrics
from frankenpanel_operator.dns.public_addresses import Network, may_connect
from frankenpanel_operator.findings import HttpAnswer, HttpOutcome

log = structlog.stdlib.get_logger(__name__)

HTTP_PORT = 80
TOTAL_SECONDS = 5.0
MOST_BYTES = 1024
"""A proof is shorter by far; what comes after that is not read."""


class AiohttpProber:
    """Implements `ports.HttpProber`.

    It connects to the very address that it judged: a name that leads elsewhere a moment later gains nothing.

    Args:
        allowed: networks that may be asked although they are not public.
        port: where web servers listen; another one only in tests.
        total_seconds: how long a request may take.
    """

    def __init__(
        self,
        allowed: Sequence[Network] = (),
        *,
        port: int = HTTP_PORT,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._allowed = tuple(allowed)
        self._port = port
        self._timeout = aiohttp.ClientTimeout(total=total_seconds)

    async def body(self, host: str, path: str, addresses: Sequence[str]) -> HttpAnswer:
        """Return what `http://<host><path>` shows, by the first of the addresses that may be asked."""
        answer = await self._answer(host, path, addresses)
        metrics.HTTP_PROOFS.labels(answer.outcome).inc()
        return answer

    async def _answer(self, host: str, path: str, addresses: Sequence[str]) -> HttpAnswer:
        address = next((text for text in addresses if may_connect(text, self._allowed)), None)
        if address is None:
            return HttpAnswer(HttpOutcome.REFUSED)
        url = URL.build(scheme="http", host=address, port=self._port, path=path)
        try:
            async with self._session() as session:
                return await self._get(session, url, host)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            log.debug("no proof by http", host=host, reason=str(error) or type(error).__name__)
            return HttpAnswer(HttpOutcome.FAILED)

    def _session(self) -> aiohttp.ClientSession:
        """Return a session for one request: nothing of one tenant's server is there for the next one's."""
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=1, force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
            # What is packed into a thousand bytes may be a gigabyte.
            auto_decompress=False,
            trust_env=False,
        )

    @staticmethod
    async def _get(session: aiohttp.ClientSession, url: URL, host: str) -> HttpAnswer:
        headers = {"Host": host, "Accept-Encoding": "identity", "User-Agent": "frankenpanel-operator"}
        async with session.get(url, headers=headers, allow_redirects=False) as response:
            if 300 <= response.status < 400:
                return HttpAnswer(HttpOutcome.REDIRECTED)
            if response.status != 200:
                return HttpAnswer(HttpOutcome.NOT_FOUND)
            return HttpAnswer(HttpOutcome.FOUND, await _beginning(response))


async def _beginning(response: aiohttp.ClientResponse) -> str:
    """Read as much of the body as a proof may have, and one byte more, so that longer ones differ."""
    body = b""
    while len(body) <= MOST_BYTES:
        piece = await response.content.read(MOST_BYTES + 1 - len(body))
        if not piece:
            break
        body += piece
    return body.decode("utf-8", "replace")
