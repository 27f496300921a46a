"""Requests to the API server: list a kind in pages, watch it, and change single objects."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson

MERGE_PATCH = "application/merge-patch+json"

_CONNECT_SECONDS = 5.0
_CHANGE_SECONDS = 10.0
_LIST_PAGE_SECONDS = 60.0
_WATCH_GRACE_SECONDS = 15.0
_NOT_FOUND, _CONFLICT, _GONE = 404, 409, 410


class ApiError(Exception):
    """The API server answered, but not with what was asked for."""


class ExpiredError(ApiError):
    """The API server has forgotten the version to go on from: list again."""


class NotFoundError(ApiError):
    """There is no such object."""


class ConflictError(ApiError):
    """The object exists already, or is not the version that was to be changed."""


_ERRORS: Mapping[int, type[ApiError]] = {
    _NOT_FOUND: NotFoundError,
    _CONFLICT: ConflictError,
    _GONE: ExpiredError,
}


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

    objects: list[dict[str, Any]]
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

    async def list_page(self, path: str, limit: int, continue_token: str = "") -> Page:
        """Return one page of all objects of a kind, the first without a token.

        Raises:
            ExpiredError: the listing took longer than the API server remembers; begin again.
            ApiError: any other refusal.
        """
        query = {"limit": str(limit), **({"continue": continue_token} if continue_token else {})}
        limits = aiohttp.ClientTimeout(total=_LIST_PAGE_SECONDS, sock_connect=_CONNECT_SECONDS)
        async with self._ask("GET", path, limits, query) as response:
            document = _decode(await response.read())
        metadata = document.get("metadata") or {}
        return Page(
            document.get("items") or [], metadata.get("resourceVersion", ""), metadata.get("continue", "")
        )

    async def watch(
        self, path: str, resource_version: str, seconds: int
    ) -> AsyncIterator[list[dict[str, Any]]]:
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
        async with self._ask("GET", path, limits, query) as response:
            async for chunk in response.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                if batch := [_decode(line) for line in lines if line]:
                    yield batch

    async def read(self, path: str) -> dict[str, Any]:
        """Return one object.

        Raises:
            NotFoundError: there is none.
            ApiError: any other refusal.
        """
        return await self._change("GET", path, None, "")

    async def create(self, path: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Create an object; the path is that of its kind.

        Raises:
            ConflictError: there is one of that name.
            ApiError: any other refusal.
        """
        return await self._change("POST", path, manifest, "application/json")

    async def replace(self, path: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Replace an object by a later version of itself.

        Raises:
            ConflictError: it is not the version that the manifest names.
            ApiError: any other refusal.
        """
        return await self._change("PUT", path, manifest, "application/json")

    async def patch(self, path: str, change: Mapping[str, Any]) -> dict[str, Any]:
        """Merge a change into an object.

        Raises:
            NotFoundError: there is none.
            ApiError: any other refusal.
        """
        return await self._change("PATCH", path, change, MERGE_PATCH)

    async def delete(self, path: str) -> None:
        """Delete an object.

        Raises:
            NotFoundError: there is none.
            ApiError: any other refusal.
        """
        await self._change("DELETE", path, None, "")

    async def _change(
        self, method: str, path: str, body: Mapping[str, Any] | None, content_type: str
    ) -> dict[str, Any]:
        limits = aiohttp.ClientTimeout(total=_CHANGE_SECONDS, sock_connect=_CONNECT_SECONDS)
        content = None if body is None else (orjson.dumps(body), content_type)
        async with self._ask(method, path, limits, content=content) as response:
            return _decode(await response.read())

    @asynccontextmanager
    async def _ask(
        self,
        method: str,
        path: str,
        limits: aiohttp.ClientTimeout,
        query: Mapping[str, str] | None = None,
        content: tuple[bytes, str] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        data, content_type = content or (None, "")
        async with self._session.request(
            method,
            self._access.url + path,
            params=query,
            data=data,
            headers={**self._access.headers(), **({"Content-Type": content_type} if content_type else {})},
            timeout=limits,
            allow_redirects=False,
            server_hostname=self._access.tls_server_name,
        ) as response:
            if response.status not in (200, 201):
                error = _ERRORS.get(response.status, ApiError)
                raise error(f"the API server answered {response.status}")
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
