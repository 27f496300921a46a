from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import structlog
from frankenpanel_operator import metrics
from frankenpanel_operator.engine.backoff import Backoff
from frankenpanel_operator.engine.circuits import Circuits
from frankenpanel_operator.engine.dispatcher import Dispatcher, Limits
from frankenpanel_operator.engine.fingerprints import Fingerprints
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.outcome import Outcome
from frankenpanel_operator.engine.priority import Priority
from frankenpanel_operator.engine.work_queue import WorkQueue
from frankenpanel_operator.errors import (
    KUBERNETES,
    ClusterUnavailableError,
    DatabaseUnavailableError,
    SpecError,
    database_dependency,
)

Run = Callable[[Any], Any]
DATABASE = database_dependency("main")
SITES = [Key("Site", "demo", f"site-{number}") for number in range(20)]


class World:
    """Dependencies that are up or down, and Sites that need them; notes who was tried when."""

    def __init__(self, needs: Callable[[Key], str | None]) -> None:
        self.needs = needs
        self.down: set[str] = set()
        self.retry_after: float | None = None
        self.tries: list[tuple[float, Key]] = []
        self.queue = WorkQueue(Backoff(random=lambda: 0.0, base_seconds=0.5, cap_seconds=300))
        self.circuits = Circuits(self.queue, Backoff(random=lambda: 0.0, base_seconds=1, cap_seconds=10))
        loop = asyncio.get_running_loop()
        dispatcher = Dispatcher(
            self.queue,
            {"Site": self.reconcile},
            Limits(workers=4),
            circuits=self.circuits,
            fingerprints=Fingerprints(loop.time, 3600),
            inputs=lambda key: None,
        )
        self.task = loop.create_task(dispatcher.run())

    async def reconcile(self, key: Key) -> Outcome:
        now = asyncio.get_running_loop().time()
        self.tries.append((now, key))
        dependency = self.needs(key)
        if dependency is None:
            return Outcome()
        if dependency in self.down:
            error = ClusterUnavailableError if dependency == KUBERNETES else DatabaseUnavailableError
            raise error("down", dependency=dependency, retry_after_seconds=self.retry_after)
        if dependency == KUBERNETES:
            self.circuits.healthy(KUBERNETES)
            return Outcome()
        return Outcome(healthy=(dependency,))

    def add_all(self, priority: Priority = Priority.LIVE) -> None:
        for site in SITES:
            self.queue.add(site, priority)

    def tried_since(self, moment: float) -> list[tuple[float, Key]]:
        return [(when, key) for when, key in self.tries if when >= moment]

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        self.circuits.clear()


def gauge(name: str, dependency: str) -> float | None:
    return metrics.REGISTRY.get_sample_value(f"frankenpanel_circuit_{name}", {"dependency": dependency})


def test_one_key_at_a_time_asks_while_a_database_is_down(run_virtually: Run) -> None:
    async def scenario() -> None:
        world = World(lambda key: DATABASE)
        world.down.add(DATABASE)
        world.add_all()
        await asyncio.sleep(60)
        # Two had failed before the circuit opened: they have a backoff of their own, and are parked by it.
        late = world.tried_since(5)
        assert len(late) == len({when for when, _ in late})
        assert all(after - before >= 8 for (before, _), (after, _) in pairwise(late))
        assert len({key for _, key in late}) == len(late), "everybody in turn"
        assert world.queue.planned() == 0
        assert (gauge("open", DATABASE), gauge("parked_keys", DATABASE)) == (1, len(SITES))
        await world.stop()

    run_virtually(scenario())


def test_the_first_answer_sets_everybody_free_for_one_pass(run_virtually: Run) -> None:
    async def scenario() -> None:
        world = World(lambda key: DATABASE)
        world.down.add(DATABASE)
        world.add_all()
        await asyncio.sleep(60)
        world.down.clear()
        await asyncio.sleep(11)
        assert sorted(key for _, key in world.tried_since(60)) == sorted(SITES)
        assert not world.circuits.is_open(DATABASE)
        assert all(world.queue.failures(key) == 0 for key in SITES)
        assert (gauge("open", DATABASE), gauge("parked_keys", DATABASE)) == (0, 0)
        await asyncio.sleep(1000)
        assert len(world.tried_since(60)) == len(SITES)
        await world.stop()

    run_virtually(scenario())


def test_a_dead_database_is_nobody_else_s_trouble(run_virtually: Run) -> None:
    async def scenario() -> None:
        other = database_dependency("other")
        world = World(lambda key: DATABASE if key in SITES[:10] else other)
        world.down.add(DATABASE)
        world.add_all()
        await asyncio.sleep(1)
        assert {key for _, key in world.tries if key in SITES[10:]} == set(SITES[10:])
        assert (world.circuits.is_open(DATABASE), world.circuits.is_open(other)) == (True, False)
        await world.stop()

    run_virtually(scenario())


def test_a_change_of_a_parked_key_gets_one_pass_and_is_parked_again(run_virtually: Run) -> None:
    async def scenario() -> None:
        world = World(lambda key: DATABASE)
        world.down.add(DATABASE)
        world.add_all()
        await asyncio.sleep(60.5)
        world.queue.add(SITES[7])
        await asyncio.sleep(0.1)
        assert [key for _, key in world.tried_since(60.5)] == [SITES[7]]
        assert gauge("parked_keys", DATABASE) == len(SITES)
        await world.stop()

    run_virtually(scenario())


def test_a_parked_key_that_needs_the_database_no_more_leaves_the_park(run_virtually: Run) -> None:
    async def scenario() -> None:
        needs: dict[Key, str | None] = dict.fromkeys(SITES, DATABASE)
        world = World(needs.__getitem__)
        world.down.add(DATABASE)
        world.add_all()
        await asyncio.sleep(60.5)
        needs[SITES[7]] = None
        world.queue.add(SITES[7])
        await asyncio.sleep(0.1)
        assert gauge("parked_keys", DATABASE) == len(SITES) - 1
        await world.stop()

    run_virtually(scenario())


def test_a_probe_that_tells_nothing_is_followed_by_the_next_at_once(run_virtually: Run) -> None:
    async def scenario() -> None:
        needs: dict[Key, str | None] = dict.fromkeys(SITES, DATABASE)
        world = World(needs.__getitem__)
        world.down.add(DATABASE)
        world.add_all()
        await asyncio.sleep(60)
        needs.update(dict.fromkeys(SITES[:19]))
        needs[SITES[19]] = DATABASE
        world.down.clear()
        await asyncio.sleep(11)
        assert not world.circuits.is_open(DATABASE)
        assert sorted(key for _, key in world.tried_since(60)) == sorted(SITES)
        await world.stop()

    run_virtually(scenario())


def test_a_server_reported_down_opens_at_once_and_its_report_of_health_closes(run_virtually: Run) -> None:
    async def scenario() -> None:
        world = World(lambda key: DATABASE)
        world.down.add(DATABASE)
        with structlog.testing.capture_logs() as logs:
            world.circuits.down(DATABASE)
            world.circuits.down(DATABASE)
            world.queue.add(SITES[0])
            await asyncio.sleep(0.5)
            assert gauge("parked_keys", DATABASE) == 1
            world.down.clear()
            world.circuits.healthy(DATABASE)
            await asyncio.sleep(0.1)
        assert [key for _, key in world.tries] == [SITES[0]] * 2
        assert [entry["event"] for entry in logs if entry.get("dependency") and "key" not in entry] == [
            "dependency is down, what needs it waits",
            "dependency answers again",
        ]
        await world.stop()

    run_virtually(scenario())


def test_a_row_of_failures_ends_with_an_answer(run_virtually: Run) -> None:
    async def scenario() -> None:
        world = World(lambda key: None)
        for _ in range(5):
            assert not world.circuits.failed(DATABASE, SITES[0])
            assert not world.circuits.failed(DATABASE, SITES[1])
            world.circuits.healthy(DATABASE)
        await world.stop()

    run_virtually(scenario())


def test_nobody_is_tried_before_the_time_that_the_other_side_named(run_virtually: Run) -> None:
    async def scenario() -> None:
        world = World(lambda key: KUBERNETES)
        world.down.add(KUBERNETES)
        world.retry_after = 30
        world.add_all()
        await asyncio.sleep(1)
        tried = [key for _, key in world.tries]
        assert 3 <= len(tried) <= 4
        # The server recovers at once, and somebody else's write shows it.
        world.down.clear()
        world.circuits.healthy(KUBERNETES)
        await asyncio.sleep(100)
        again = {key: when for when, key in world.tried_since(1)}
        assert set(again) == set(SITES)
        assert all(again[key] >= 30 for key in tried)
        assert all(again[key] == 1 for key in SITES if key not in tried)
        await world.stop()

    run_virtually(scenario())


def test_without_the_api_server_the_whole_queue_waits_and_one_key_at_a_time_tries(run_virtually: Run) -> None:
    async def scenario() -> None:
        world = World(lambda key: KUBERNETES)
        world.down.add(KUBERNETES)
        world.add_all()
        await asyncio.sleep(60)
        assert world.queue.depth(Priority.LIVE) > 0
        late = world.tried_since(5)
        assert all(after - before >= 8 for (before, _), (after, _) in pairwise(late))
        world.down.clear()
        await asyncio.sleep(11)
        assert {key for _, key in world.tried_since(60)} == set(SITES)
        assert world.queue.is_idle()
        await world.stop()

    run_virtually(scenario())


def test_objects_that_the_api_server_cannot_digest_do_not_stop_a_fresh_change(run_virtually: Run) -> None:
    async def scenario() -> None:
        poison = set(SITES[:3])
        world = World(lambda key: KUBERNETES if key in poison else None)
        world.down.add(KUBERNETES)
        world.add_all()
        await asyncio.sleep(300)
        # Nothing else was ready any more when the change came.
        fresh = Key("Site", "demo", "fresh")
        world.queue.add(fresh)
        await asyncio.sleep(11)
        assert fresh in {key for _, key in world.tried_since(300)}
        assert {key for _, key in world.tries} == {*SITES, fresh}
        await world.stop()

    run_virtually(scenario())


def test_an_outage_with_nothing_to_try_ends_with_the_next_change(run_virtually: Run) -> None:
    async def scenario() -> None:
        world = World(lambda key: KUBERNETES)
        world.circuits.down(KUBERNETES)
        await asyncio.sleep(60)
        world.queue.add(SITES[0])
        await asyncio.sleep(0.1)
        assert [key for _, key in world.tries] == [SITES[0]]
        assert not world.circuits.is_open(KUBERNETES)
        await world.stop()

    run_virtually(scenario())


def test_a_key_that_an_edit_must_heal_is_not_parked(run_virtually: Run) -> None:
    async def scenario() -> None:
        world = World(lambda key: DATABASE)
        world.circuits.down(DATABASE)

        async def refuse(key: Key) -> Outcome:
            raise SpecError("no")

        world.task.cancel()
        dispatcher = Dispatcher(
            world.queue,
            {"Site": refuse},
            Limits(),
            circuits=world.circuits,
            fingerprints=Fingerprints(asyncio.get_running_loop().time, 3600),
            inputs=lambda key: None,
        )
        world.task = asyncio.create_task(dispatcher.run())
        world.queue.add(SITES[0])
        await asyncio.sleep(1)
        assert gauge("parked_keys", DATABASE) == 0
        assert world.queue.is_planned(SITES[0])
        await world.stop()

    run_virtually(scenario())


def test_the_end_of_a_term_forgets_every_circuit_and_lets_the_queue_go(run_virtually: Run) -> None:
    async def scenario() -> None:
        world = World(lambda key: KUBERNETES)
        world.down.add(KUBERNETES)
        world.add_all()
        await asyncio.sleep(30)
        world.circuits.clear()
        world.queue.clear()
        world.down.clear()
        before = len(world.tries)
        await asyncio.sleep(1000)
        assert len(world.tries) == before
        assert gauge("open", KUBERNETES) == 0
        world.queue.add(SITES[3])
        await asyncio.sleep(1)
        assert world.tries[before:][0][1] == SITES[3]
        await world.stop()

    run_virtually(scenario())
