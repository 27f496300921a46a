"""The directory of the certificate authority, handed on to Caddy under an address that never changes."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import structlog

_log = structlog.stdlib.get_logger(__name__)

KEPT_SECONDS = 600.0
_REQUEST_SECONDS = 10.0


class AcmeDirectory:
    """Asks the authority, and remembers for a while.

    Args:
        url: of the directory; None: there is no authority.
        ca_file: certificates that its https is trusted by, besides those that every system knows.
        monotonic: seconds that only grow.
    """

    def __init__(
        self, url: str | None, ca_file: Path | None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._ca_file = ca_file
        self._monotonic = monotonic
        self._kept: tuple[float, bytes] | None = None

    async def read(self) -> bytes | None:
        """Return the directory; None where there is no authority, or it does not answer."""
        if self._url is None:
            return None
        if self._kept is not None and self._monotonic() < self._kept[0] + KEPT_SECONDS:
            return self._kept[1]
        context = ssl.create_default_context()
        # Private authorities often lack an extension on which Python 3.13 insists.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        limits = aiohttp.ClientTimeout(total=_REQUEST_SECONDS)
        try:
            if self._ca_file is not None:
                context.load_verify_locations(self._ca_file)
            async with (
                aiohttp.ClientSession(timeout=limits) as session,
                session.get(self._url, ssl=context) as response,
            ):
                response.raise_for_status()
                content = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            _log.warning("certificate authority does not answer", error=repr(error))
            return None
        self._kept = (self._monotonic(), content)
        return content
