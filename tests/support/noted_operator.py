"""An operator in this process whose writes are noted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from frankenpanel_operator.handlers.runtime import Runtime


@dataclass(frozen=True)
class Write:
    """One writing request that was answered."""

    verb: str
    kind: str
    subresource: str
    succeeded: bool

    def __str__(self) -> str:
        refused = "" if self.succeeded else " (refused)"
        return f"{self.verb} {self.kind}{'/' * bool(self.subresource)}{self.subresource}{refused}"


class NotedOperator:
    """A running operator; its writes to one namespace are noted."""

    def __init__(self, runtime: Runtime, namespace: str) -> None:
        self.runtime, self.writes = runtime, list[Write]()
        self._namespace = namespace
        client = runtime.client
        for verb in ("create", "patch", "delete"):
            setattr(client, verb, self._noted(verb, getattr(client, verb)))

    def _noted(self, verb: str, send: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def call(resource: Any, target: Any, *arguments: Any, **options: Any) -> Any:
            succeeded = False
            try:
                answer = await send(resource, target, *arguments, **options)
                succeeded = True
                return answer
            finally:
                # Events are news and no state: nothing is ever decided by one.
                if resource.kind != "Event" and self._concerns_us(target, *arguments):
                    subresource = options.get("subresource", "")
                    self.writes.append(Write(verb, resource.kind, subresource, succeeded))

        return call

    def _concerns_us(self, target: Any, body: Any, *_: Any) -> bool:
        """Say whether a request is about the namespace, or about the claim of a host of it."""
        if isinstance(target, str):
            target = target, body["metadata"].get("name", "")
        return target[0] == self._namespace or self._namespace in target[1]

    def is_idle(self) -> bool:
        """Say whether nothing is being done or about to be; plans for later do not count."""
        return self.runtime.queue.is_idle()

    def counts(self) -> Counter[str]:
        return Counter(map(str, self.writes))
