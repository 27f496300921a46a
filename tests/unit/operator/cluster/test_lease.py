"""The elector against a scripted Lease, on clocks that the test turns."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from frankenpanel_operator.cluster.lease import Clocks, LeaseElector, LeaseTimes, SoleLeader
from frankenpanel_operator.cluster.lease_store import LeaseRecord, StoredLease
from frankenpanel_operator.engine.leadership import Leadership
from frankenpanel_operator.errors import ClusterUnavailableError

TIMES = LeaseTimes(lease_seconds=4.0, renew_seconds=1.0, retry_seconds=0.5)


class World:
    """Real time, and the one Lease that everybody sees."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.lease: StoredLease | None = None
        self.version = 0

    def store(self, record: LeaseRecord) -> StoredLease:
        self.version += 1
        self.lease = StoredLease(record, str(self.version))
        return self.lease


class Replica:
    """One process: its own store, which may fail, and its own clocks, which may be wrong."""

    def __init__(self, world: World, name: str, *, skew: timedelta = timedelta()) -> None:
        self.world, self.name, self.skew = world, name, skew
        self.leadership = Leadership(self.monotonic)
        self.is_cut_off = False
        self.loses_answers = False
        self.on_sleep: Callable[[], None] = lambda: None
        self.slept: list[float] = []
        self.elector = LeaseElector(
            self, self.leadership, name, TIMES, Clocks(self, self.monotonic, self.sleep)
        )

    def monotonic(self) -> float:
        return self.world.seconds + 5000 * self.skew.total_seconds()

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.world.seconds) + self.skew

    async def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.slept.append(seconds)
        self.world.seconds += max(seconds, 0.001)
        self.on_sleep()
        await asyncio.sleep(0)

    async def read(self) -> StoredLease | None:
        self._ask()
        return self.world.lease

    async def create(self, record: LeaseRecord) -> StoredLease | None:
        self._ask()
        return self._answer(None if self.world.lease else self.world.store(record))

    async def replace(self, record: LeaseRecord, resource_version: str) -> StoredLease | None:
        self._ask()
        lease = self.world.lease
        is_current = lease is not None and lease.resource_version == resource_version
        return self._answer(self.world.store(record) if is_current else None)

    def _ask(self) -> None:
        if self.is_cut_off:
            raise ClusterUnavailableError("cut off")

    def _answer(self, answer: StoredLease | None) -> StoredLease | None:
        if self.loses_answers:
            raise ClusterUnavailableError("the answer was lost")
        return answer

    def keep_for(self, seconds: float) -> None:
        """Let the leader's Lease slip out of its hands after a while, so that `keep` returns."""
        end = self.world.seconds + seconds

        def check() -> None:
            self.is_cut_off = self.is_cut_off or self.world.seconds >= end

        self.on_sleep = check


@pytest.fixture
def world() -> World:
    return World()


def foreign(**changes: object) -> LeaseRecord:
    record = LeaseRecord("other", 3, 4, acquired="2026-01-01T00:00:00.000000Z", renewed="r1")
    return dataclasses.replace(record, **changes)  # type: ignore[arg-type]


def holder(world: World) -> str:
    assert world.lease is not None
    return world.lease.record.holder


async def test_a_missing_lease_is_created_and_begins_the_first_term(world: World) -> None:
    replica = Replica(world, "a")
    assert await replica.elector.acquire() == 1
    assert world.lease is not None
    assert world.lease.record == LeaseRecord(
        "a", 1, 4, "2026-01-01T00:16:40.000000Z", "2026-01-01T00:16:40.000000Z"
    )
    assert replica.leadership.is_leading


async def test_a_released_lease_is_taken_at_once(world: World) -> None:
    world.store(foreign(holder="", duration_seconds=1))
    replica = Replica(world, "a")
    assert await replica.elector.acquire() == 4
    assert replica.slept == []


@pytest.mark.parametrize("hours", [-1, 0, 1])
async def test_a_silent_leader_is_replaced_after_its_time_by_our_own_clock(world: World, hours: int) -> None:
    world.store(
        foreign(renewed="2031-01-01T00:00:00.000000Z" if hours < 0 else "2001-01-01T00:00:00.000000Z")
    )
    replica = Replica(world, "a", skew=timedelta(hours=hours))
    started = world.seconds
    assert await replica.elector.acquire() == 4
    assert 4.0 <= world.seconds - started < 4.0 + TIMES.retry_seconds
    assert replica.elector.standing_by.is_set()


async def test_a_leader_that_renews_is_left_in_peace(world: World) -> None:
    world.store(foreign())
    replica = Replica(world, "a")
    renewals = 0

    def renew() -> None:
        nonlocal renewals
        if renewals < 50:
            renewals += 1
            world.store(foreign(renewed=f"r{world.seconds}"))

    replica.on_sleep = renew
    last_renewal = world.seconds + 50 * TIMES.retry_seconds
    await replica.elector.acquire()
    assert renewals == 50
    assert world.seconds >= last_renewal + 4.0


async def test_a_hand_that_touches_the_lease_does_not_count_as_a_sign_of_life(world: World) -> None:
    world.store(foreign())
    replica = Replica(world, "a")
    replica.on_sleep = lambda: world.store(foreign()) and None
    started = world.seconds
    await replica.elector.acquire()
    assert world.seconds - started < 4.0 + TIMES.retry_seconds


async def test_of_two_who_find_it_free_one_gets_it(world: World) -> None:
    world.store(foreign(holder=""))
    first, second = Replica(world, "a"), Replica(world, "b")
    found = await second.read()
    assert await first.elector.acquire() == 4
    assert found is not None
    assert await second.replace(foreign(holder="b"), found.resource_version) is None
    assert holder(world) == "a"


async def test_a_deleted_lease_frees_nothing_before_its_time(world: World) -> None:
    world.store(foreign())
    replica = Replica(world, "a")
    replica.on_sleep = lambda: setattr(world, "lease", None)
    started = world.seconds
    assert await replica.elector.acquire() == 4
    assert world.seconds - started >= 4.0


async def test_no_answer_is_no_reason_to_lead(world: World) -> None:
    replica = Replica(world, "a")
    replica.is_cut_off = True
    began = world.seconds

    def heal() -> None:
        replica.is_cut_off = world.seconds < began + 60

    replica.on_sleep = heal
    await replica.elector.acquire()
    assert world.seconds >= began + 60


async def test_a_leader_renews_until_it_is_cut_off_and_stops_before_its_lease_ends(world: World) -> None:
    replica = Replica(world, "a")
    await replica.elector.acquire()
    replica.keep_for(30)
    last_success = world.seconds
    original = replica.replace

    async def replace(record: LeaseRecord, resource_version: str) -> StoredLease | None:
        nonlocal last_success
        asked_at = world.seconds
        stored = await original(record, resource_version)
        last_success = asked_at
        return stored

    replica.replace = replace  # type: ignore[method-assign]
    await replica.elector.keep()
    assert last_success >= 1029
    assert not replica.leadership.is_leading
    # Others may begin when the Lease has been unchanged for its whole length.
    assert world.seconds <= last_success + TIMES.valid_seconds + 0.01 < last_success + 4.0


async def test_the_old_leader_has_stopped_before_the_new_one_begins(world: World) -> None:
    old, new = Replica(world, "old"), Replica(world, "new")
    await old.elector.acquire()
    stopped_at = began_at = 0.0

    async def lead() -> None:
        nonlocal stopped_at
        old.keep_for(10)
        await old.elector.keep()
        stopped_at = world.seconds

    async def follow() -> None:
        nonlocal began_at
        await new.elector.acquire()
        began_at = world.seconds

    await asyncio.gather(lead(), follow())
    assert stopped_at < began_at
    assert holder(world) == "new"


async def test_a_lease_that_somebody_else_took_ends_the_term(world: World) -> None:
    replica = Replica(world, "a")
    await replica.elector.acquire()
    replica.on_sleep = lambda: world.store(foreign()) and None
    await replica.elector.keep()
    assert not replica.leadership.is_leading
    assert holder(world) == "other"


async def test_a_deleted_lease_ends_the_term(world: World) -> None:
    replica = Replica(world, "a")
    await replica.elector.acquire()
    replica.on_sleep = lambda: setattr(world, "lease", None)
    await replica.elector.keep()
    assert not replica.leadership.is_leading


async def test_a_renewal_whose_answer_was_lost_is_no_loss(world: World) -> None:
    replica = Replica(world, "a")
    await replica.elector.acquire()
    replica.keep_for(20)
    check = replica.on_sleep

    def lose_one() -> None:
        check()
        replica.loses_answers = 1003 <= world.seconds < 1004.2

    replica.on_sleep = lose_one
    await replica.elector.keep()
    assert world.seconds >= 1020


async def test_an_acquisition_whose_answer_was_lost_is_found_to_be_ours(world: World) -> None:
    world.store(foreign(holder=""))
    replica = Replica(world, "a")
    replica.loses_answers = True

    def heal() -> None:
        replica.loses_answers = False

    replica.on_sleep = heal
    started = world.seconds
    assert await replica.elector.acquire() == 5
    assert world.seconds - started <= TIMES.retry_seconds


async def test_another_process_of_the_same_name_is_somebody_else(world: World) -> None:
    world.store(foreign(holder="a"))
    replica = Replica(world, "a")
    started = world.seconds
    await replica.elector.acquire()
    assert world.seconds - started >= 4.0


async def test_a_release_lets_the_next_one_begin_at_once(world: World) -> None:
    old, new = Replica(world, "old"), Replica(world, "new")
    await old.elector.acquire()
    await old.elector.release()
    assert holder(world) == ""
    assert not old.leadership.is_leading
    assert await new.elector.acquire() == 2
    assert new.slept == []


async def test_a_release_takes_nothing_from_a_new_leader(world: World) -> None:
    replica = Replica(world, "a")
    await replica.elector.acquire()
    world.store(foreign())
    await replica.elector.release()
    assert holder(world) == "other"


async def test_a_release_without_an_answer_ends_the_term_all_the_same(world: World) -> None:
    replica = Replica(world, "a")
    await replica.elector.acquire()
    replica.is_cut_off = True
    await replica.elector.release()
    assert not replica.leadership.is_leading


async def test_terms_grow_from_leader_to_leader(world: World) -> None:
    terms = []
    for name in ("a", "b", "a"):
        replica = Replica(world, name)
        terms.append(await replica.elector.acquire())
        await replica.elector.release()
    assert terms == [1, 2, 3]


async def test_who_is_alone_leads_at_once_and_for_ever() -> None:
    leadership = Leadership(lambda: 1e12)
    elector = SoleLeader(leadership)
    assert await elector.acquire() == 1
    assert leadership.is_leading
    keeping = asyncio.create_task(elector.keep())
    await asyncio.sleep(0)
    assert not keeping.done()
    keeping.cancel()
    await elector.release()
    assert not leadership.is_leading
