"""`python -m frankenpanel_api` serves the API; images call `main.create_app` through uvicorn instead."""

from __future__ import annotations

import uvicorn

from frankenpanel_api.main import create_app
from frankenpanel_api.settings import Settings


def main() -> None:
    """Serve until told to stop."""
    settings = Settings()
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_level=settings.log_level,
        server_header=False,
    )


if __name__ == "__main__":
    main()
