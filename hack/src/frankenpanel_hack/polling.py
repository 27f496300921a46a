"""Wait for something with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable

from frankenpanel_hack.images.commands import OnOutput


class DeadlineError(Exception):
    """What was waited for did not happen in time; the text has what was seen last."""


def wait_until(
    what: str,
    observe: Callable[[], str | None],
    timeout_seconds: float,
    on_output: OnOutput,
    interval_seconds: float = 0.5,
) -> None:
    """Call `observe` until it returns None; what it returns instead says what is missing.

    Raises:
        DeadlineError: when the time is over.
    """
    deadline = time.monotonic() + timeout_seconds
    said = ""
    while True:
        missing = observe()
        if missing is None:
            return
        if missing != said:
            on_output(f"waiting for {what}: {missing}")
            said = missing
        if time.monotonic() > deadline:
            raise DeadlineError(f"{what} not reached within {timeout_seconds:.0f} s: {missing}")
        time.sleep(interval_seconds)
