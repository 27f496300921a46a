"""Reads the SQL that the documentation tells administrators to run, so that tests run the same."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "databases.md"


def admin_statements(engine: str) -> list[str]:
    """Return the statements with which the page makes the admin account on an engine, in order."""
    block = re.search(rf"```sql\n-- {engine}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None, f"{PAGE.name} has no SQL block for {engine}"
    return [statement.strip() for statement in block[1].split(";") if statement.strip()]
