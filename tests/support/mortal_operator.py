"""An operator in this process whose writes are noted, and which is dead after some of them."""

from __future__ import annotations

import asyncio
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


class MortalOperator:
    """A running operator; its writes to one namespace are noted, and after some of them it is dead."""

    def __init__(self, runtime: Runtime, namespace: str, die_after: int | None) -> None:
        self.runtime, self.writes, self.is_dead = runtime, list[Write](), asyncio.Event()
        self._namespace, self._die_after = namespace, die_after
        client = runtime.client
        for verb in ("create", "patch", "delete"):
            setattr(client, verb, self._noted(verb, getattr(client, verb)))

    def _noted(self, verb: str, send: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def call(resource: Any, target: Any, *arguments: Any, **options: Any) -> Any:
            await self._stop_if_dead()
            succeeded = False
            try:
                answer = await send(resource, target, *arguments, **options)
                succeeded = True
                return answer
            finally:
                if self._concerns_us(target, *arguments):
                    subresource = options.get("subresource", "")
                    self.writes.append(Write(verb, resource.kind, subresource, succeeded))
                if self._die_after is not None and len(self.writes) >= self._die_after:
                    self.is_dead.set()
                await self._stop_if_dead()

        return call

    async def _stop_if_dead(self) -> None:
        """A dead process does not even take note of the answer."""
        if self.is_dead.is_set():
            await asyncio.Future()

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
