"""The two requests that the agent makes: list DomainClaims in pages, and watch them."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from frankenpanel_crds.group import API_GROUP, DOMAIN_CLAIM, VERSION

_PATH = f"/apis/{API_GROUP}/{VERSION}/{DOMAIN_CLAIM.plural}"
_CONNECT_SECONDS = 5.0
_LIST_PAGE_SECONDS = 60.0
_WATCH_GRACE_SECONDS = 15.0
_GONE = 410


class ApiError(Exception):
    """The API server answered, but not with what was asked for."""


class ExpiredError(ApiError):
    """The API server has forgotten the version to go on from: list again."""


@dataclass(frozen=True, slots=True)
class ApiAccess:
    """Where the API server is and how it knows us."""

    url: str
    ca_file: Path | None = None
    token_file: Path | None = None
    token: str | None = None
    tls_server_name: str | None = None

    def headers(self) -> dict[str, str]:
        """Return the headers of one request; the token file is read each time, as the kubelet renews it."""
        token = self.token
        if token is None and self.token_file is not None:
            token = self.token_file.read_text(encoding="ascii").strip()
        return {"Accept": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a listing."""

    claims: list[dict[str, Any]]
    resource_version: str
    continue_token: str


class ApiClient:
    """Requests on one session; a new session reads the CA file anew."""

    def __init__(self, access: ApiAccess, session: aiohttp.ClientSession) -> None:
        self._access = access
        self._session = session

    @classmethod
    @asynccontextmanager
    async def connect(cls, access: ApiAccess) -> AsyncIterator[ApiClient]:
        """Open a session for a run of requests."""
        tls = _tls_context(access.ca_file) if access.url.startswith("https:") else True
        connector = aiohttp.TCPConnector(ssl=tls, limit=2, socket_factory=_watchful_socket)
        async with aiohttp.ClientSession(connector=connector) as session:
            yield cls(access, session)

    async def list_page(self, limit: int, continue_token: str = "") -> Page:
        """Return one page of all claims, the first without a token.

        Raises:
            ExpiredError: the listing took longer than the API server remembers; begin again.
            ApiError: any other refusal.
        """
        query = {"limit": str(limit), **({"continue": continue_token} if continue_token else {})}
        limits = aiohttp.ClientTimeout(total=_LIST_PAGE_SECONDS, sock_connect=_CONNECT_SECONDS)
        async with self._get(query, limits) as response:
            document = _decode(await response.read())
        metadata = document.get("metadata") or {}
        return Page(
            document.get("items") or [], metadata.get("resourceVersion", ""), metadata.get("continue", "")
        )

    async def watch(self, resource_version: str, seconds: int) -> AsyncIterator[list[dict[str, Any]]]:
        """Yield watch events in batches, as they arrive together, until the API server ends the watch.

        Raises:
            ExpiredError: the version is too old.
            ApiError: any other refusal.
        """
        query = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(seconds),
        }
        limits = aiohttp.ClientTimeout(
            total=None, sock_connect=_CONNECT_SECONDS, sock_read=seconds + _WATCH_GRACE_SECONDS
        )
        rest = b""
        async with self._get(query, limits) as response:
            async for chunk in response.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                if batch := [_decode(line) for line in lines if line]:
                    yield batch

    @asynccontextmanager
    async def _get(
        self, query: dict[str, str], limits: aiohttp.ClientTimeout
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        async with self._session.get(
            self._access.url + _PATH,
            params=query,
            headers=self._access.headers(),
            timeout=limits,
            allow_redirects=False,
            server_hostname=self._access.tls_server_name,
        ) as response:
            if response.status == _GONE:
                raise ExpiredError("the API server has forgotten this version")
            if response.status != 200:
                raise ApiError(f"the API server answered {response.status}")
            yield response


def _decode(line: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ApiError("the API server sent what is not JSON") from error
    if not isinstance(document, dict):
        raise ApiError("the API server sent what is not an object")
    return document


def _tls_context(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    # The authorities of some managed clusters lack an extension on which Python 3.13 insists.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _watchful_socket(info: Any) -> socket.socket:
    """Make a socket that notices within half a minute that the other side is gone without a word."""
    family, kind, protocol, *_ = info
    connection = socket.socket(family, kind, protocol)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return connection
