"""Brings the Secrets of the certificates namespace to disk: what the gateway serves, and signs with."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import structlog

from frankenpanel_gateway.certificate_store import CertificateStore
from frankenpanel_gateway.metrics import Metrics
from frankenpanel_gateway.object_event import ObjectEvent
from frankenpanel_gateway.pem_certificate import BadCertificateError, read_certificate

_log = structlog.stdlib.get_logger(__name__)

CHAIN, KEY = "tls.crt", "tls.key"
OWN_PREFIX = "frankenpanel-"
"""Of names of Secrets that are not certificates of hosts."""


class SecretCopies:
    """Takes the Secrets; each is read and checked once per version.

    Args:
        store: holds the certificates of hosts.
        changed: is told the names of Secrets about which something is new.
        own: takes the Secrets of the gateway itself, by name; None where one is gone.
        metrics: counts certificates that cannot be used.
    """

    def __init__(
        self,
        store: CertificateStore,
        changed: Callable[[Sequence[str]], None],
        own: Callable[[str, Mapping[str, bytes] | None], None],
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._changed = changed
        self._own = own
        self._metrics = metrics
        self._own_names: set[str] = set()
        self._refused: set[str] = set()
        self.is_complete = False
        """Whether the API server told all since the start."""

    async def replace(self, pages: AsyncIterator[Sequence[Mapping[str, Any]]]) -> None:
        """Take a complete listing; what it does not have is removed from disk."""
        seen: set[str] = set()
        news: list[str] = []
        async for page in pages:
            for body in page:
                name = body["metadata"]["name"]
                seen.add(name)
                if self._take(name, body):
                    news.append(name)
        for name in (set(self._store.names()) | self._own_names | self._refused) - seen:
            self._drop(name)
            news.append(name)
        self.is_complete = True
        self._tell(news)

    async def apply(self, events: Sequence[ObjectEvent]) -> None:
        """Take changes of single Secrets."""
        news = []
        for event in events:
            name = event.body["metadata"]["name"]
            if event.is_deleted:
                self._drop(name)
                news.append(name)
            elif self._take(name, event.body):
                news.append(name)
        self._tell(news)

    def _take(self, name: str, body: Mapping[str, Any]) -> bool:
        try:
            values = _values(body)
            if name.startswith(OWN_PREFIX):
                self._own_names.add(name)
                self._own(name, values)
                return False
            certificate = read_certificate(values.get(CHAIN, b""), values.get(KEY, b""))
        except BadCertificateError as error:
            if name not in self._refused:
                _log.warning("certificate refused", secret=name, reason=str(error))
            self._refused.add(name)
            return False
        self._refused.discard(name)
        return self._store.put(name, certificate)

    def _drop(self, name: str) -> None:
        self._refused.discard(name)
        if name in self._own_names:
            self._own_names.discard(name)
            self._own(name, None)
        else:
            self._store.remove(name)

    def _tell(self, news: Sequence[str]) -> None:
        self._metrics.certificates.set(len(self._store.names()))
        self._metrics.refused_certificates.set(len(self._refused))
        if news:
            self._changed(news)


def _values(body: Mapping[str, Any]) -> dict[str, bytes]:
    try:
        return {
            field: base64.b64decode(text, validate=True) for field, text in (body.get("data") or {}).items()
        }
    except (binascii.Error, ValueError) as error:
        raise BadCertificateError("a value is not base64") from error
