"""What alive and ready mean here, and where kubelet and Prometheus can ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import kopf
from aiohttp import web

from frankenpanel_operator import metrics
from frankenpanel_operator.cluster.informer import Informer

# A watch hears a bookmark every minute and is replaced after 90 s of silence; its retries pause for 30 s at
# most. An informer that showed no sign for this long is stuck, and only a restart will help.
STUCK_AFTER_SECONDS = 240.0


@dataclass(frozen=True, slots=True)
class Health:
    """Judges the parts that must keep running; that the event loop runs is shown by answering at all.

    An unreachable API server makes nobody dead: informers show signs of life by trying. A restart would only
    throw away what is known.
    """

    informers: Sequence[Informer]
    tasks: Callable[[], Sequence[asyncio.Task[Any]]]
    is_settled: Callable[[], bool]
    deaf_kinds: Callable[[], Sequence[str]] = tuple

    def dead_parts(self) -> list[str]:
        """Name what should run and does not."""
        stuck = [
            f"watch of {informer.resource.kind} silent for {informer.silence_seconds():.0f} s"
            for informer in self.informers
            if informer.silence_seconds() > STUCK_AFTER_SECONDS
        ]
        ended = [f"task {task.get_name()} ended" for task in self.tasks() if task.done()]
        deaf = [f"watch of {kind} deaf" for kind in self.deaf_kinds()]
        return stuck + deaf + ended

    def missing_parts(self) -> list[str]:
        """Name what is not there yet, before this replica may lead; a standby with all it needs is ready."""
        waiting = [
            f"{informer.resource.kind} not listed yet"
            for informer in self.informers
            if not informer.synced.is_set()
        ]
        return waiting if waiting or self.is_settled() else ["neither leading nor standing by yet"]


def register(registry: kopf.OperatorRegistry) -> None:
    """Let kopf's liveness endpoint fail when one of our parts is dead."""

    @kopf.on.probe(id="dead_parts", registry=registry)
    async def check_dead_parts(memo: kopf.Memo, **_: Any) -> str:
        dead = memo.health.dead_parts()
        if dead:
            # Any other error would make kopf repeat the probe, instead of answering it.
            raise kopf.PermanentError("; ".join(dead))
        return "none"


async def serve(health: Health, port: int) -> web.AppRunner:
    """Serve /metrics, /livez and /readyz; the caller must clean the runner up."""

    async def get_metrics(_: web.Request) -> web.Response:
        for informer in health.informers:
            metrics.WATCH_AGE_SECONDS.labels(informer.resource.kind).set(informer.silence_seconds())
        return web.Response(body=metrics.render(), headers={"Content-Type": metrics.CONTENT_TYPE})

    async def get_livez(_: web.Request) -> web.Response:
        return _verdict(health.dead_parts())

    async def get_readyz(_: web.Request) -> web.Response:
        return _verdict(health.dead_parts() + health.missing_parts())

    app = web.Application()
    app.add_routes(
        [web.get("/metrics", get_metrics), web.get("/livez", get_livez), web.get("/readyz", get_readyz)]
    )
    runner = web.AppRunner(app, handle_signals=False, access_log=None)
    await runner.setup()
    # The pod's own address: kubelet and Prometheus come from outside of it.
    await web.TCPSite(runner, "0.0.0.0", port).start()  # noqa: S104
    return runner


def _verdict(problems: list[str]) -> web.Response:
    return web.Response(text="\n".join(problems) or "ok", status=503 if problems else 200)
