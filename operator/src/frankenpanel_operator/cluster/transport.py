"""Carries requests to the API server and answers back: connections, sign-in, the fence, errors.

Each kind of traffic has connections of its own. A burst of writes can then delay neither a watch nor the
renewal of the Lease, and together they stay below what the API server grants one client.
Never logs a body or a header.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any

import aiohttp
import orjson
from aiohttp.abc import AbstractStreamWriter
from frankenpanel_crds.labels import FIELD_MANAGER

from frankenpanel_operator import metrics
from frankenpanel_operator.cluster.api_errors import error_for
from frankenpanel_operator.cluster.connection import BearerToken, Connection
from frankenpanel_operator.cluster.resources import SECRET, Resource
from frankenpanel_operator.errors import KUBERNETES, ClusterUnavailableError, LeadershipLostError
from frankenpanel_operator.observed import Manifest

_CONNECT_SECONDS = 10.0
_READING_METHODS = frozenset({"GET", "HEAD"})

Fence = Callable[[], None]
"""Raises LeadershipLostError where nothing may be written any more."""


class Lane(Enum):
    """Which connections a request takes."""

    WATCH = "watch"
    REQUEST = "request"
    LEASE = "lease"


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """How hard the API server may be pressed: connections of each lane, and how long an answer may take.

    Attributes:
        watch_silence_seconds: the server sends a bookmark about every minute; a watch that is silent for
            longer is dead, not quiet.
    """

    watch_connections: int = 14
    request_connections: int = 16
    lease_connections: int = 2
    request_timeout_seconds: float = 30.0
    lease_timeout_seconds: float = 1.0
    watch_silence_seconds: float = 90.0


@dataclass(frozen=True, slots=True)
class Call:
    """One request, ready to be sent."""

    method: str
    verb: str
    resource: Resource
    path: str
    params: Mapping[str, str]
    body: bytes | None = None
    content_type: str = "application/json"
    lane: Lane = Lane.REQUEST

    @property
    def subject(self) -> str:
        """Name the request in the words of an error."""
        return f"{self.verb} {self.resource.kind} at {self.path}"


class Transport:
    """HTTP sessions to one API server.

    Args:
        connection: where it is and how to sign in.
        limits: see there.
        fence: asked in the moment in which the bytes of a write go out; the Lease's own requests are exempt.
    """

    def __init__(self, connection: Connection, limits: ClientLimits, fence: Fence) -> None:
        self._connection = connection
        self._token = BearerToken(connection)
        self._limits = limits
        self._fence = fence
        self._sessions: dict[Lane, aiohttp.ClientSession] = {}
        self._resources = AsyncExitStack()

    async def open(self) -> None:
        """Open the sessions; connections follow on demand."""
        limits = self._limits
        sessions = {
            Lane.WATCH: (limits.watch_connections, _until_silent(limits.watch_silence_seconds)),
            Lane.REQUEST: (limits.request_connections, _in_total(limits.request_timeout_seconds)),
            Lane.LEASE: (limits.lease_connections, _in_total(limits.lease_timeout_seconds)),
        }
        for lane, (connections, timeout) in sessions.items():
            request_class = aiohttp.ClientRequest if lane is Lane.LEASE else fenced_by(self._fence)
            session = self._new_session(connections, timeout, request_class)
            self._sessions[lane] = await self._resources.enter_async_context(session)

    async def close(self) -> None:
        """Close the sessions and their connections."""
        self._sessions.clear()
        await self._resources.aclose()

    async def send(self, call: Call) -> Manifest:
        """Send a request and return the decoded answer.

        Raises:
            LeadershipLostError: it is a write, and the term that it belongs to is over; nothing was sent.
            FrankenPanelError: what the answer means, see `api_errors`.
        """
        async with self.stream(call) as response:
            content = await response.read()
        try:
            answer: Manifest = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            # Not the API server's words: something in between answered for it.
            raise _network_error(call, error) from error
        return answer

    @asynccontextmanager
    async def stream(self, call: Call) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request and yield the response, whose body is yet to be read.

        Raises:
            FrankenPanelError: as `send`, and for a connection that breaks while the body is read.
        """
        try:
            async with self._request(call) as response:
                await self._judge(call, response)
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _network_error(call, error) from error

    def _new_session(
        self, connections: int, timeout: aiohttp.ClientTimeout, request_class: type[aiohttp.ClientRequest]
    ) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            base_url=self._connection.server,
            connector=aiohttp.TCPConnector(limit=connections, ssl=self._connection.ssl, keepalive_timeout=60),
            headers={
                **self._connection.headers,
                "User-Agent": f"{FIELD_MANAGER}/{metrics.operator_version()}",
                "Accept": "application/json",
            },
            timeout=timeout,
            request_class=request_class,
        )

    def _request(self, call: Call) -> aiohttp.client._RequestContextManager:
        session = self._sessions.get(call.lane)
        if session is None:
            raise RuntimeError("the client is used outside of its context")
        return session.request(
            call.method,
            call.path,
            params=call.params,
            data=call.body,
            headers={**self._token.header(), "Content-Type": call.content_type},
            allow_redirects=False,
        )

    async def _judge(self, call: Call, response: aiohttp.ClientResponse) -> None:
        metrics.API_REQUESTS.labels(call.verb, call.resource.kind, response.status).inc()
        if response.status < 300:
            return
        if response.status == 401:
            self._token.distrust()
        raise error_for(
            response.status,
            _decode_status(await response.read()),
            subject=call.subject,
            retry_after=response.headers.get("Retry-After"),
            private=call.resource is SECRET,
        )


def fenced_by(fence: Fence) -> type[aiohttp.ClientRequest]:
    """Make a class of requests which ask the fence when their bytes go out, and not when they were queued.

    A request may wait long for a connection. At the point where this class asks, headers and body are still
    in memory and follow each other into the socket without a pause.
    """

    class FencedRequest(aiohttp.ClientRequest):
        async def write_bytes(
            self,
            writer: AbstractStreamWriter,
            conn: aiohttp.connector.Connection,
            content_length: int | None = None,
        ) -> None:
            if self.method not in _READING_METHODS:
                try:
                    fence()
                except LeadershipLostError as error:
                    metrics.FENCED_WRITES.inc()
                    _break_off(conn, error)
                    return
            await super().write_bytes(writer, conn, content_length)

    return FencedRequest


def _break_off(conn: aiohttp.connector.Connection, error: LeadershipLostError) -> None:
    """Let whoever waits for the answer have the error instead; this connection is not used again."""
    if conn.protocol is not None:
        conn.protocol.set_exception(error)
    conn.close()


def _until_silent(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=seconds)


def _in_total(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds)


def _decode_status(content: bytes) -> dict[str, Any]:
    """Read the server's `Status`; a proxy in between may answer anything else."""
    try:
        decoded = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _network_error(call: Call, error: Exception) -> ClusterUnavailableError:
    metrics.API_REQUESTS.labels(call.verb, call.resource.kind, "network").inc()
    return ClusterUnavailableError(f"{call.subject}: {type(error).__name__}", dependency=KUBERNETES)
