import threading
from dataclasses import replace

import pytest
from frankenpanel_hack.images.commands import OnOutput
from frankenpanel_hack.steps import (
    Outcome,
    Step,
    StepFailedError,
    StepResult,
    check_plan,
    run_steps,
    startable,
)

DEADLINE_SECONDS = 5


class Recorder:
    def __init__(self) -> None:
        self.events: list[str] = []

    def started(self, step: Step) -> None:
        self.events.append(f"start {step.name}")

    def line(self, step: Step, text: str) -> None:
        self.events.append(f"{step.name}: {text}")

    def finished(self, result: StepResult) -> None:
        self.events.append(f"{result.outcome.value} {result.step.name}")


def step(name: str, *after: str, say: str | None = None) -> Step:
    return Step(name, name, lambda on_output: on_output(say or name), after)


def test_steps_run_after_what_they_need() -> None:
    recorder = Recorder()
    results = run_steps([step("roof", "walls"), step("walls", "ground"), step("ground")], recorder)
    assert [result.step.name for result in results] == ["ground", "walls", "roof"]
    assert recorder.events[:3] == ["start ground", "ground: ground", "done ground"]


def test_independent_steps_overlap() -> None:
    both = threading.Barrier(2)
    meet = [Step(name, name, lambda _: both.wait(DEADLINE_SECONDS) and None) for name in ("a", "b")]
    assert {result.outcome for result in run_steps(meet, Recorder())} == {Outcome.DONE}


def test_two_compilers_never_run_at_once() -> None:
    compiling = threading.Lock()

    def compile_alone(_: OnOutput) -> None:
        assert compiling.acquire(blocking=False), "another compiler is running"
        threading.Event().wait(0.02)
        compiling.release()

    plan = [Step(name, name, compile_alone, compiles=True) for name in "abcd"]
    assert len(run_steps(plan, Recorder())) == 4


def test_a_finished_step_is_left_out() -> None:
    def never(_: OnOutput) -> None:
        raise AssertionError("ran although nothing changed")

    recorder = Recorder()
    run_steps([Step("a", "a", never, is_done=lambda: True)], recorder)
    assert recorder.events == ["unchanged a"]


def test_a_failure_stops_what_depends_on_it_and_is_told() -> None:
    def fail(_: OnOutput) -> None:
        raise ValueError("no disk")

    recorder = Recorder()
    plan = [replace(step("a"), action=fail), step("b", "a")]
    with pytest.raises(StepFailedError, match="no disk") as caught:
        run_steps(plan, recorder)
    assert caught.value.result.step.name == "a"
    assert recorder.events == ["start a", "failed a"]


def test_a_step_that_runs_beside_a_failure_is_waited_for() -> None:
    failed = threading.Event()

    def fail(_: OnOutput) -> None:
        failed.set()
        raise ValueError

    def last(on_output: OnOutput) -> None:
        assert failed.wait(DEADLINE_SECONDS)
        on_output("late")

    recorder = Recorder()
    with pytest.raises(StepFailedError):
        run_steps([Step("bad", "bad", fail), Step("good", "good", last)], recorder)
    assert "done good" in recorder.events


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ([step("a"), step("a")], "one name"),
        ([step("a", "z")], "not in the plan"),
        ([step("a", "b"), step("b", "a")], "each other"),
    ],
    ids=["twice", "missing", "circle"],
)
def test_a_plan_that_cannot_end_is_refused(plan: list[Step], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_plan(plan)


def test_the_order_of_the_plan_decides_among_those_that_may_start() -> None:
    plan = [step("b"), step("c", "b"), step("a")]
    assert [one.name for one in startable(plan, set(), set())] == ["b", "a"]
    assert [one.name for one in startable(plan, {"a", "b"}, {"b"})] == ["c"]
