"""A small Kubernetes client: one HTTP session, raw dicts, domain errors. Never logs a body or a header."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp
import orjson
from frankenpanel_crds.labels import FIELD_MANAGER

from frankenpanel_operator import metrics
from frankenpanel_operator.cluster.api_errors import error_for
from frankenpanel_operator.cluster.connection import BearerToken, Connection
from frankenpanel_operator.cluster.resources import SECRET, Resource
from frankenpanel_operator.errors import KUBERNETES, ClusterUnavailableError
from frankenpanel_operator.observed import Manifest

# The server sends a bookmark about every minute; a watch that is silent for longer is dead, not quiet.
WATCH_SILENCE_SECONDS = 90


class PatchType(StrEnum):
    """How a patch body is meant; the value is its content type."""

    MERGE = "application/merge-patch+json"
    JSON = "application/json-patch+json"


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """How hard the API server may be pressed."""

    connections: int = 32
    request_timeout_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class _Call:
    """One request, ready to be sent."""

    method: str
    verb: str
    resource: Resource
    path: str
    params: Mapping[str, str]
    body: bytes | None = None
    content_type: str = "application/json"


class KubernetesClient:
    """Speaks to the API server; use as an asynchronous context manager.

    Every method may raise ClusterUnavailableError (network, 401, 429, 5xx), ClusterRefusedError (400, 403,
    422) and NotFoundError; nothing is retried here, since only the work queue knows what else is waiting.
    """

    def __init__(self, connection: Connection, limits: ClientLimits | None = None) -> None:
        limits = limits or ClientLimits()
        self._connection = connection
        self._token = BearerToken(connection)
        self._limits = limits
        self._timeout = aiohttp.ClientTimeout(total=limits.request_timeout_seconds)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the session; connections follow on demand."""
        self._session = aiohttp.ClientSession(
            base_url=self._connection.server,
            connector=aiohttp.TCPConnector(
                limit=self._limits.connections, ssl=self._connection.ssl, keepalive_timeout=60
            ),
            headers={
                **self._connection.headers,
                "User-Agent": f"{FIELD_MANAGER}/{metrics.operator_version()}",
                "Accept": "application/json",
            },
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the session and its connections."""
        if self._session is not None:
            await self._session.close()

    async def get(self, resource: Resource, namespace: str, name: str) -> Manifest:
        """Read one object."""
        return await self._send(_Call("GET", "get", resource, _path(resource, namespace, name), {}))

    async def list_page(self, resource: Resource, params: Mapping[str, str]) -> Manifest:
        """Read one page of a list over all namespaces.

        Raises:
            ExpiredError: the continue token is too old; begin again.
        """
        return await self._send(_Call("GET", "list", resource, resource.path(), params))

    async def create(self, resource: Resource, namespace: str, manifest: Mapping[str, Any]) -> Manifest:
        """Create an object; return it as stored.

        Raises:
            AlreadyExistsError: the name is taken.
        """
        path = _path(resource, namespace)
        params = {"fieldManager": FIELD_MANAGER}
        return await self._send(_Call("POST", "create", resource, path, params, orjson.dumps(manifest)))

    async def patch(
        self,
        resource: Resource,
        target: tuple[str, str],
        body: object,
        patch_type: PatchType,
        subresource: str = "",
    ) -> Manifest:
        """Patch the object (namespace, name); return it as stored.

        Raises:
            ConflictError: the patch named a resourceVersion, and the object is at another one.
            PatchTestFailedError: a `test` operation did not hold.
        """
        path = _path(resource, *target, subresource)
        params = {"fieldManager": FIELD_MANAGER}
        content = orjson.dumps(body)
        return await self._send(_Call("PATCH", "patch", resource, path, params, content, patch_type))

    async def delete(self, resource: Resource, target: tuple[str, str], options: Mapping[str, Any]) -> None:
        """Ask for the deletion of the object (namespace, name).

        Raises:
            ConflictError: a precondition did not hold.
        """
        path = _path(resource, *target)
        await self._send(_Call("DELETE", "delete", resource, path, {}, orjson.dumps(options)))

    async def watch(
        self, resource: Resource, params: Mapping[str, str]
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Yield watch events, one decoded line each, until the server ends the stream.

        Raises:
            ClusterUnavailableError: the connection broke, or was silent for too long.
            ExpiredError: the resourceVersion is too old.
        """
        call = _Call("GET", "watch", resource, resource.path(), {**params, "watch": "true"})
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=WATCH_SILENCE_SECONDS)
        try:
            async with self._request(call, timeout) as response:
                await self._judge(call, response)
                try:
                    async with aclosing(_lines(response.content)) as lines:
                        async for line in lines:
                            yield orjson.loads(line)
                finally:
                    _hang_up(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _network_error(call, error) from error

    async def _send(self, call: _Call) -> Manifest:
        try:
            async with self._request(call, self._timeout) as response:
                await self._judge(call, response)
                answer: Manifest = orjson.loads(await response.read())
                return answer
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _network_error(call, error) from error

    def _request(self, call: _Call, timeout: aiohttp.ClientTimeout) -> _ResponseContext:
        if self._session is None:
            raise RuntimeError("the client is used outside of its context")
        return self._session.request(
            call.method,
            call.path,
            params=call.params,
            data=call.body,
            headers={**self._token.header(), "Content-Type": call.content_type},
            timeout=timeout,
            allow_redirects=False,
        )

    async def _judge(self, call: _Call, response: aiohttp.ClientResponse) -> None:
        metrics.API_REQUESTS.labels(call.verb, call.resource.kind, response.status).inc()
        if response.status < 300:
            return
        if response.status == 401:
            self._token.distrust()
        raise error_for(
            response.status,
            _decode_status(await response.read()),
            subject=_subject(call),
            retry_after=response.headers.get("Retry-After"),
            private=call.resource is SECRET,
        )


_ResponseContext = aiohttp.client._RequestContextManager


def _path(resource: Resource, namespace: str = "", name: str = "", subresource: str = "") -> str:
    # Names come from objects that the API server accepted; quoting keeps even a surprise inside its segment.
    return resource.path(quote(namespace, safe=""), quote(name, safe=""), subresource)


def _subject(call: _Call) -> str:
    return f"{call.verb} {call.resource.kind} at {call.path}"


def _decode_status(content: bytes) -> dict[str, Any]:
    """Read the server's `Status`; a proxy in between may answer anything else."""
    try:
        decoded = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _hang_up(response: aiohttp.ClientResponse) -> None:
    """Drop the connection of a watch that is left before its end; a polite TLS goodbye would outlive us."""
    connection = response.connection
    if connection is not None and connection.protocol is not None:
        connection.protocol.abort()


def _network_error(call: _Call, error: Exception) -> ClusterUnavailableError:
    metrics.API_REQUESTS.labels(call.verb, call.resource.kind, "network").inc()
    return ClusterUnavailableError(f"{_subject(call)}: {type(error).__name__}", dependency=KUBERNETES)


async def _lines(content: aiohttp.StreamReader) -> AsyncGenerator[bytes, None]:
    """Split a stream at line ends; an object may be longer than any buffer limit of the HTTP library."""
    rest = bytearray()
    async for chunk in content.iter_any():
        *complete, last = chunk.split(b"\n")
        for part in complete:
            rest += part
            if rest:
                yield bytes(rest)
            rest.clear()
        rest += last
        # A burst fills chunk after chunk without ever waiting; others must get their turn in between.
        await asyncio.sleep(0)
    if rest:
        yield bytes(rest)
