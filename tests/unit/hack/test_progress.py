import io
from pathlib import Path

from frankenpanel_hack.progress import ProgressReporter, heartbeat_line, times_table
from frankenpanel_hack.steps import Outcome, Step, StepResult
from rich.console import Console

STEP = Step("build", "Build it", lambda _: None)


def test_every_line_is_in_the_log_and_the_ends_are_printed(tmp_path: Path) -> None:
    printed = io.StringIO()
    with ProgressReporter(Console(file=printed, width=100), tmp_path / "logs") as reporter:
        reporter.started(STEP)
        reporter.line(STEP, "first")
        reporter.line(STEP, "[bold]second[/bold]")
        reporter.finished(StepResult(STEP, Outcome.DONE, 1.25))
    assert reporter.tail(STEP) == "first\n[bold]second[/bold]\n"
    assert "✓ Build it 1.2 s" in printed.getvalue()


def test_a_step_that_was_left_out_has_no_log(tmp_path: Path) -> None:
    printed = io.StringIO()
    with ProgressReporter(Console(file=printed, width=100), tmp_path) as reporter:
        reporter.finished(StepResult(STEP, Outcome.UNCHANGED, 0.1))
    assert reporter.tail(STEP) == ""
    assert "= Build it unchanged" in printed.getvalue()


def test_a_heartbeat_has_the_time_and_the_last_line() -> None:
    assert heartbeat_line("Build it", 65.2, "k8s.io/api") == "  … Build it: 65 s | k8s.io/api"
    assert heartbeat_line("Build it", 20, "") == "  … Build it: 20 s"


def test_the_table_has_a_row_for_each_step_and_the_sum() -> None:
    printed = io.StringIO()
    Console(file=printed, width=80).print(times_table([StepResult(STEP, Outcome.DONE, 12.34)], 15))
    assert "12.3" in printed.getvalue()
    assert "15.0" in printed.getvalue()


def test_colours_of_other_programs_do_not_reach_the_display(tmp_path: Path) -> None:
    printed = io.StringIO()
    console = Console(file=printed, width=100, force_terminal=True)
    with ProgressReporter(console, tmp_path) as reporter:
        reporter.started(STEP)
        reporter.line(STEP, "\x1b[2Kred \x1b[31malert\x1b[0m")
    assert "red alert" in printed.getvalue()
