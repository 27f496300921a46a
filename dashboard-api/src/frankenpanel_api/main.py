"""Composition root: makes the application out of settings and routes."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI
from fastapi.routing import APIRoute

from frankenpanel_api.routes import health
from frankenpanel_api.settings import Settings

_TITLE = "FrankenPanel"


def create_app(settings: Settings | None = None) -> FastAPI:
    """Make the application; without settings, as uvicorn calls it, those of the environment are used."""
    app = FastAPI(
        title=_TITLE,
        version=api_version(),
        # The description is a file of the repository (see `openapi`), and the pages that show it would load
        # their scripts from a foreign host.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
    )
    app.state.settings = settings or Settings()
    app.include_router(health.router)
    return app


def api_version() -> str:
    """Return the installed version of the API."""
    try:
        return version("frankenpanel-api")
    except PackageNotFoundError:
        return "unknown"


def _operation_id(route: APIRoute) -> str:
    """Name an operation after its function alone, so that moving a path renames nothing in clients."""
    return route.name
