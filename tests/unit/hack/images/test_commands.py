from __future__ import annotations

import os

import pytest
from frankenpanel_hack.images.commands import KEPT_LINES, CommandFailedError, quiet, run_streamed


def test_every_line_is_handed_on() -> None:
    lines: list[str] = []
    run_streamed(["sh", "-c", "echo one; echo two >&2"], os.environ, lines.append)
    assert lines == ["one", "two"]


def test_a_failure_carries_the_code_and_the_last_lines() -> None:
    with pytest.raises(CommandFailedError, match="ended with 3") as caught:
        run_streamed(["sh", "-c", "seq 100; exit 3"], os.environ, lambda _line: None)
    assert caught.value.exit_code == 3
    assert caught.value.last_lines == [str(number) for number in range(101 - KEPT_LINES, 101)]


def test_a_missing_program_is_a_failure_like_others() -> None:
    with pytest.raises(CommandFailedError) as caught:
        run_streamed(["no-such-program"], os.environ, lambda _line: None)
    assert caught.value.exit_code == 127
    assert not quiet(["no-such-program"], os.environ)


def test_an_interrupted_build_does_not_go_on() -> None:
    pids: list[int] = []

    def interrupt(line: str) -> None:
        pids.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_streamed(["sh", "-c", "echo $$; sleep 600"], os.environ, interrupt)
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)
