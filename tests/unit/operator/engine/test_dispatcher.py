from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import structlog
from frankenpanel_operator import metrics
from frankenpanel_operator.engine.backoff import Backoff
from frankenpanel_operator.engine.circuits import Circuits
from frankenpanel_operator.engine.dispatcher import (
    Dispatcher,
    Inputs,
    Limits,
    Reconcile,
    Verdict,
    classify,
)
from frankenpanel_operator.engine.fingerprints import Fingerprints
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.outcome import Outcome
from frankenpanel_operator.engine.priority import CURRENT_PRIORITY, Priority
from frankenpanel_operator.engine.work_queue import WorkQueue
from frankenpanel_operator.errors import (
    ClusterRefusedError,
    ClusterUnavailableError,
    ConflictError,
    DatabaseUnavailableError,
    LeadershipLostError,
    ObjectNameTakenError,
    SpecError,
)

Run = Callable[[Any], Any]
SITE = Key("Site", "demo", "shop")


class Script:
    """A reconciler that raises or returns what it was told to, and notes when it ran."""

    def __init__(self, *steps: Exception | Outcome) -> None:
        self.steps = list(steps)
        self.times: list[float] = []

    async def reconcile(self, key: Key) -> Outcome:
        self.times.append(asyncio.get_running_loop().time())
        step = self.steps.pop(0) if self.steps else Outcome()
        if isinstance(step, Exception):
            raise step
        return step


def new_queue() -> WorkQueue:
    return WorkQueue(Backoff(random=lambda: 0.0, base_seconds=1, cap_seconds=300))


def new_dispatcher(
    queue: WorkQueue, reconcile: Reconcile, workers: int = 2, inputs: Inputs = lambda key: None
) -> Dispatcher:
    return Dispatcher(
        queue,
        {"Site": reconcile},
        Limits(workers=workers),
        circuits=Circuits(queue, Backoff(random=lambda: 0.0, base_seconds=1, cap_seconds=10)),
        fingerprints=Fingerprints(asyncio.get_running_loop().time, 3600),
        inputs=inputs,
    )


async def run_for(script: Script, seconds: float) -> WorkQueue:
    queue = new_queue()
    dispatcher = new_dispatcher(queue, script.reconcile)
    queue.add(SITE)
    task = asyncio.create_task(dispatcher.run())
    await asyncio.sleep(seconds)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return queue


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (ConflictError("x"), Verdict.CONFLICT),
        (ClusterUnavailableError("x"), Verdict.TRANSIENT),
        (DatabaseUnavailableError("x"), Verdict.TRANSIENT),
        (TimeoutError(), Verdict.TRANSIENT),
        (SpecError("x"), Verdict.REFUSED),
        (ObjectNameTakenError("Service", "web"), Verdict.REFUSED),
        (ClusterRefusedError("x", status=403), Verdict.REFUSED),
        (LeadershipLostError("x"), Verdict.FENCED),
        (KeyError("x"), Verdict.UNEXPECTED),
    ],
)
def test_each_error_has_one_meaning(error: Exception, verdict: Verdict) -> None:
    assert classify(error) is verdict


def test_success_is_not_repeated_unless_the_outcome_asks(run_virtually: Run) -> None:
    script = Script(Outcome(requeue_after_seconds=40), Outcome())
    run_virtually(run_for(script, 1000))
    assert script.times == [0, 40]


def test_transient_errors_back_off_and_success_ends_the_series(run_virtually: Run) -> None:
    down = DatabaseUnavailableError("down")
    script = Script(down, down, down, Outcome())
    queue = run_virtually(run_for(script, 100))
    assert script.times == [0, 1, 3, 7]
    assert queue.failures(SITE) == 0


def test_retry_after_is_a_lower_bound(run_virtually: Run) -> None:
    script = Script(ClusterUnavailableError("429", retry_after_seconds=17))
    run_virtually(run_for(script, 100))
    assert script.times == [0, 17]


def test_a_conflict_is_retried_at_once_but_a_storm_of_them_backs_off(run_virtually: Run) -> None:
    script = Script(*[ConflictError("x")] * 4)
    run_virtually(run_for(script, 100))
    assert script.times == [0, 0, 2, 6, 14]


def test_what_needs_a_person_is_looked_at_every_five_minutes(run_virtually: Run) -> None:
    script = Script(SpecError("a"), ClusterRefusedError("b", status=422), Outcome())
    run_virtually(run_for(script, 2000))
    assert script.times == [0, 300, 600]


def test_an_unexpected_error_is_logged_with_its_traceback_and_retried(run_virtually: Run) -> None:
    before = _count("unexpected")
    script = Script(ZeroDivisionError("oops"))
    with structlog.testing.capture_logs() as logs:
        run_virtually(run_for(script, 100))
    assert script.times == [0, 1]
    assert [(entry["log_level"], entry["key"]) for entry in logs] == [("error", "Site/demo/shop")]
    assert isinstance(logs[0]["exc_info"], ZeroDivisionError)
    assert _count("unexpected") == before + 1


def test_a_site_that_fails_for_ever_costs_one_try_in_five_minutes(run_virtually: Run) -> None:
    script = Script(*[DatabaseUnavailableError("down")] * 1000)
    run_virtually(run_for(script, 24 * 3600))
    late = [t for t in script.times if t > 3600]
    assert len(late) <= 23 * 12 + 1


def test_a_hung_reconcile_does_not_keep_its_worker(run_virtually: Run) -> None:
    class Hung(Script):
        async def reconcile(self, key: Key) -> Outcome:
            await super().reconcile(key)
            await asyncio.sleep(10_000 if len(self.times) == 1 else 0)
            return Outcome()

    script = Hung()
    run_virtually(run_for(script, 500))
    assert script.times == [0, 121]


def test_objects_are_worked_on_in_parallel(run_virtually: Run) -> None:
    async def scenario() -> float:
        queue = new_queue()
        finished: list[float] = []

        async def slow(key: Key) -> Outcome:
            await asyncio.sleep(10)
            finished.append(asyncio.get_running_loop().time())
            return Outcome()

        task = asyncio.create_task(new_dispatcher(queue, slow, workers=4).run())
        for number in range(8):
            queue.add(Key("Site", "demo", f"s{number}"))
        await asyncio.sleep(100)
        task.cancel()
        return max(finished)

    assert run_virtually(scenario()) == 20


def test_what_is_broken_off_for_another_leader_is_dropped_without_a_word(run_virtually: Run) -> None:
    script = Script(LeadershipLostError("lost"))
    with structlog.testing.capture_logs() as logs:
        queue = run_virtually(run_for(script, 3600))
    assert script.times == [0]
    assert queue.failures(SITE) == 0
    assert [entry["log_level"] for entry in logs] == ["debug"]


def test_a_pass_knows_as_what_it_was_waiting(run_virtually: Run) -> None:
    async def scenario() -> None:
        queue, seen = new_queue(), []

        async def note(key: Key) -> Outcome:
            await asyncio.sleep(1)
            seen.append((key.name, CURRENT_PRIORITY.get()))
            return Outcome()

        task = asyncio.create_task(new_dispatcher(queue, note).run())
        queue.add(Key("Site", "demo", "live"))
        queue.add(Key("Site", "demo", "resync"), Priority.RESYNC)
        await asyncio.sleep(5)
        task.cancel()
        assert seen == [("live", Priority.LIVE), ("resync", Priority.RESYNC)]

    run_virtually(scenario())


def _count(outcome: str) -> float:
    return (
        metrics.REGISTRY.get_sample_value(
            "frankenpanel_reconcile_duration_seconds_count", {"kind": "Site", "outcome": outcome}
        )
        or 0.0
    )
