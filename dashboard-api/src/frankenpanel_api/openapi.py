"""Command: write `dashboard-api/openapi.json`, or with `--check` fail where it is stale and change nothing.

The file is what clients are generated from, so its order and its operation ids are stable.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from frankenpanel_api.main import create_app
from frankenpanel_api.settings import Settings

OPENAPI_FILE = Path("dashboard-api/openapi.json")


def render_openapi(app: FastAPI) -> str:
    """Return the description of an application as text that changes only when the API does."""
    document = get_openapi(title=app.title, version=app.version, routes=app.routes)
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m frankenpanel_api.openapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail where the file is stale")
    parser.add_argument("--file", type=Path, default=OPENAPI_FILE, help="default: %(default)s")
    options = parser.parse_args(arguments)

    text = render_openapi(create_app(Settings()))
    if not options.check:
        options.file.write_text(text, encoding="utf-8")
        return 0
    if options.file.is_file() and options.file.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{options.file} is stale; run `make generate`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
