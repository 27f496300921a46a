"""One run at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from frankenpanel_hack.errors import UserError


@contextmanager
def exclusive(build_dir: Path) -> Iterator[None]:
    """Hold the build folder while it is being changed; the lock ends with the process, however that ends.

    Raises:
        UserError: when another run holds it.
    """
    build_dir.mkdir(parents=True, exist_ok=True)
    with (build_dir / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"Another `make up`, `down` or `reload` is at work in {build_dir}.") from None
        yield
