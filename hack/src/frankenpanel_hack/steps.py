"""Run steps that depend on each other, two and more at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from frankenpanel_hack.images.commands import OnOutput, end_running_programs

Action = Callable[[OnOutput], None]


class Outcome(Enum):
    """How a step ended."""

    DONE = "done"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True)
class Step:
    """One thing to do.

    Attributes:
        name: names the step in `after` and names its log.
        title: for people.
        action: does it; is given a function for each line of output.
        after: names of steps that must be finished.
        is_done: asked first; True leaves the action out.
        compiles: takes all cores, so only one such step runs at a time.
    """

    name: str
    title: str
    action: Action
    after: tuple[str, ...] = ()
    is_done: Callable[[], bool] = field(default=lambda: False)
    compiles: bool = False


@dataclass(frozen=True)
class StepResult:
    """A finished step."""

    step: Step
    outcome: Outcome
    seconds: float
    error: BaseException | None = None


class Reporter(Protocol):
    """Is told how the steps go; called from several threads."""

    def started(self, step: Step) -> None:
        """A step begins."""
        ...

    def line(self, step: Step, text: str) -> None:
        """A step printed a line."""
        ...

    def finished(self, result: StepResult) -> None:
        """A step ended."""
        ...


class StepFailedError(Exception):
    """A step failed; those that depend on it were not started."""

    def __init__(self, result: StepResult) -> None:
        super().__init__(f"{result.step.title}: {result.error}")
        self.result = result


def startable(steps: Sequence[Step], begun: set[str], finished: set[str]) -> list[Step]:
    """Return the steps whose turn it is, in the order of the plan."""
    return [step for step in steps if step.name not in begun and finished.issuperset(step.after)]


def check_plan(steps: Sequence[Step]) -> None:
    """Refuse a plan that could not be finished.

    Raises:
        ValueError: for a name that is missing or used twice, or a circle.
    """
    names = [step.name for step in steps]
    if len(set(names)) != len(names):
        raise ValueError("two steps have one name")
    unknown = {needed for step in steps for needed in step.after} - set(names)
    if unknown:
        raise ValueError(f"steps wait for what is not in the plan: {sorted(unknown)}")
    finished: set[str] = set()
    while ready := startable(steps, finished, finished):
        finished |= {step.name for step in ready}
    if finished != set(names):
        raise ValueError(f"steps wait for each other: {sorted(set(names) - finished)}")


def run_steps(steps: Sequence[Step], reporter: Reporter) -> list[StepResult]:
    """Run all steps and return how they ended, in the order in which they did.

    Raises:
        StepFailedError: when one failed; steps that were running by then have been waited for.
    """
    check_plan(steps)
    compile_lock = threading.Lock()
    results: list[StepResult] = []
    begun: set[str] = set()
    with ThreadPoolExecutor(max_workers=len(steps)) as pool:
        running: set[Future[StepResult]] = set()
        try:
            while True:
                if not _failure(results):
                    finished = {result.step.name for result in results}
                    for step in startable(steps, begun, finished):
                        begun.add(step.name)
                        running.add(pool.submit(_run_step, step, reporter, compile_lock))
                if not running:
                    break
                ended, running = wait(running, return_when=FIRST_COMPLETED)
                results += [future.result() for future in ended]
        except KeyboardInterrupt:
            end_running_programs()
            raise
    failed = _failure(results)
    if failed:
        raise StepFailedError(failed)
    return results


def _failure(results: Sequence[StepResult]) -> StepResult | None:
    return next((result for result in results if result.outcome is Outcome.FAILED), None)


def _run_step(step: Step, reporter: Reporter, compile_lock: threading.Lock) -> StepResult:
    started_at = time.monotonic()
    try:
        if step.is_done():
            result = StepResult(step, Outcome.UNCHANGED, time.monotonic() - started_at)
        else:
            with compile_lock if step.compiles else nullcontext():
                # Waiting for the other compiler is not this step's time.
                started_at = time.monotonic()
                reporter.started(step)
                step.action(lambda text: reporter.line(step, text))
            result = StepResult(step, Outcome.DONE, time.monotonic() - started_at)
    except BaseException as error:  # noqa: BLE001 - the root of a thread: whatever it was becomes the result
        result = StepResult(step, Outcome.FAILED, time.monotonic() - started_at, error)
    reporter.finished(result)
    return result
