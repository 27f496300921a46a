"""A small Kubernetes client: raw dicts in and out, domain errors, and a gate that every write passes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from enum import StrEnum
from functools import partial
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp
import orjson
from frankenpanel_crds.labels import FIELD_MANAGER

from frankenpanel_operator.cluster.connection import Connection
from frankenpanel_operator.cluster.resources import Resource
from frankenpanel_operator.cluster.transport import Call, ClientLimits, Fence, Lane, Transport
from frankenpanel_operator.cluster.watch_lines import read_lines
from frankenpanel_operator.cluster.write_gate import WriteGate
from frankenpanel_operator.observed import Manifest


class PatchType(StrEnum):
    """How a patch body is meant; the value is its content type."""

    MERGE = "application/merge-patch+json"
    JSON = "application/json-patch+json"


def _let_pass() -> None:
    """Fence nothing."""


class KubernetesClient:
    """Speaks to the API server; use as an asynchronous context manager.

    Every method may raise ClusterUnavailableError (network, 401, 429, 5xx), ClusterRefusedError (400, 403,
    422) and NotFoundError; nothing is retried here, since only the work queue knows what else is waiting.
    Writes may raise LeadershipLostError as well: then nothing was sent.

    Args:
        connection: where the API server is and how to sign in.
        limits: connections and timeouts.
        fence: see `transport.Transport`; nothing is fenced unless given.
        gate: where writes wait for their turn; they are sent at once unless given.

    Attributes:
        transport: for requests that are none of the methods here.
    """

    def __init__(
        self,
        connection: Connection,
        limits: ClientLimits | None = None,
        *,
        fence: Fence = _let_pass,
        gate: WriteGate | None = None,
    ) -> None:
        self._gate = gate
        self.transport = Transport(connection, limits or ClientLimits(), fence)

    async def __aenter__(self) -> Self:
        """Open the sessions; connections follow on demand."""
        await self.transport.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the sessions and their connections."""
        await self.transport.close()

    async def get(self, resource: Resource, namespace: str, name: str) -> Manifest:
        """Read one object."""
        path = _path(resource, namespace, name)
        return await self.transport.send(Call("GET", "get", resource, path, {}))

    async def list_page(self, resource: Resource, params: Mapping[str, str]) -> Manifest:
        """Read one page of a list over all namespaces.

        Raises:
            ExpiredError: the continue token is too old; begin again.
        """
        return await self.transport.send(Call("GET", "list", resource, resource.path(), params))

    async def create(self, resource: Resource, namespace: str, manifest: Mapping[str, Any]) -> Manifest:
        """Create an object; return it as stored.

        Raises:
            AlreadyExistsError: the name is taken.
        """
        path = _path(resource, namespace)
        return await self._write(Call("POST", "create", resource, path, _OURS, orjson.dumps(manifest)))

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
        return await self._write(
            Call("PATCH", "patch", resource, path, _OURS, orjson.dumps(body), patch_type)
        )

    async def delete(self, resource: Resource, target: tuple[str, str], options: Mapping[str, Any]) -> None:
        """Ask for the deletion of the object (namespace, name).

        Raises:
            ConflictError: a precondition did not hold.
        """
        path = _path(resource, *target)
        await self._write(Call("DELETE", "delete", resource, path, {}, orjson.dumps(options)))

    async def watch(
        self, resource: Resource, params: Mapping[str, str]
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Yield watch events, one decoded line each, until the server ends the stream.

        Raises:
            ClusterUnavailableError: the connection broke, or was silent for too long.
            ExpiredError: the resourceVersion is too old.
        """
        question = {**params, "watch": "true"}
        call = Call("GET", "watch", resource, resource.path(), question, lane=Lane.WATCH)
        async with self.transport.stream(call) as response:
            try:
                async with aclosing(read_lines(response.content)) as lines:
                    async for line in lines:
                        yield orjson.loads(line)
            finally:
                _hang_up(response)

    async def _write(self, call: Call) -> Manifest:
        if self._gate is None:
            return await self.transport.send(call)
        return await self._gate.run(partial(self.transport.send, call))


_OURS = {"fieldManager": FIELD_MANAGER}


def _path(resource: Resource, namespace: str = "", name: str = "", subresource: str = "") -> str:
    # Names come from objects that the API server accepted; quoting keeps even a surprise inside its segment.
    return resource.path(quote(namespace, safe=""), quote(name, safe=""), subresource)


def _hang_up(response: aiohttp.ClientResponse) -> None:
    """Drop the connection of a watch that is left before its end; a polite TLS goodbye would outlive us."""
    connection = response.connection
    if connection is not None and connection.protocol is not None:
        connection.protocol.abort()
