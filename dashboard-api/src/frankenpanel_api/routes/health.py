"""What probes ask."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

router = APIRouter(tags=["health"])


class HealthRead(BaseModel):
    """The answer to a probe."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["ok"] = Field(description="Always the same; anything but a 200 is the bad news.")


@router.get("/livez")
async def get_liveness(response: Response) -> HealthRead:
    """Say that the process answers. It looks at nothing else: a restart heals no dependency."""
    return _healthy(response)


@router.get("/readyz")
async def get_readiness(response: Response) -> HealthRead:
    """Say that requests can be served. Nothing that the API serves today depends on another service."""
    return _healthy(response)


def _healthy(response: Response) -> HealthRead:
    # A proxy that remembers the answer would hide the moment in which it changes.
    response.headers["Cache-Control"] = "no-store"
    return HealthRead(status="ok")
