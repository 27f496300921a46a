"""Who gets a certificate when; a scripted orderer stands for Caddy and the authority."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from frankenpanel_gateway.caddy_orders import OrderError
from frankenpanel_gateway.certificate_store import CertificateStore
from frankenpanel_gateway.certificates import managed_secret_name
from frankenpanel_gateway.claim_certificates import Failure
from frankenpanel_gateway.claims import HostTls
from frankenpanel_gateway.internal_authority import InternalAuthority, make_authority
from frankenpanel_gateway.orders import Orders, OrderTiming
from frankenpanel_gateway.pem_certificate import read_certificate, split_pem
from frankenpanel_gateway.tls_claims import TlsClaims

START = datetime(2026, 3, 1, tzinfo=UTC)
AUTHORITY = make_authority(START)
MAY = HostTls("Managed", may_order=True)


class Clock:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now


class Caddy:
    """Orders as the test says, and remembers what was permitted meanwhile."""

    def __init__(self, clock):
        self.clock = clock
        self.ordered = []
        self.prepared = []
        self.refusal = None
        self.held = asyncio.Event()
        self.held.set()
        self.kept = {}
        self.permitted = None
        self.at_once = 0
        self.most_at_once = 0

    def signed(self, host):
        return read_certificate(*split_pem(InternalAuthority(*AUTHORITY).pem(host, self.clock.now)))

    def present(self, host):
        return self.kept.get(host)

    def prepare(self, host, current):
        self.prepared.append((host, current))

    async def order(self, host):
        assert self.permitted(host)
        self.ordered.append(host)
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        await self.held.wait()
        self.at_once -= 1
        if self.refusal is not None:
            raise OrderError(self.refusal)
        return self.signed(host)


class Written:
    """Remembers the last state that was brought to the API server."""

    def __init__(self):
        self.failures = {}
        self.before = {}
        self.kept = {}
        self.withdrawn = []

    def keep(self, host, certificate):
        self.kept[host] = certificate

    def reported_failures(self):
        return iter(self.before.items())

    async def withdraw(self, host):
        self.withdrawn.append(host)

    async def bring_up_to_date(self, host, certificate, failure):
        self.failures[host] = failure


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def caddy(clock):
    return Caddy(clock)


@pytest.fixture
def written():
    return Written()


@pytest.fixture
def store(tmp_path):
    store = CertificateStore(tmp_path / "hosts")
    store.open()
    return store


@pytest.fixture
async def claims(tmp_path):
    claims = TlsClaims(tmp_path / "claims.json")
    yield claims
    await claims.close()


@pytest.fixture
async def lead(claims, store, caddy, written, clock):
    """Start, as the leader or not, with these hosts; looks come every few milliseconds."""
    tasks = []

    def start(hosts, is_leading=lambda: True, at_a_time=2):
        listing = claims.new_listing()
        listing.hosts.update(hosts)
        claims.take(listing)
        timing = OrderTiming(0.005, 100.0, 300.0, at_a_time)
        orders = Orders(claims, store, caddy, written, timing, clock)
        caddy.permitted = orders.is_ordering
        tasks.append(asyncio.create_task(orders.run(is_leading)))
        return orders

    yield start
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (what is waited for has no event)
            await asyncio.sleep(0.002)


async def test_what_is_missing_is_ordered_stored_and_written(lead, store, caddy, written):
    orders = lead({"a.example": MAY})
    await until(lambda: written.kept)
    assert caddy.ordered == ["a.example"]
    assert store.pem(managed_secret_name("a.example")) == written.kept["a.example"].pem
    await until(lambda: not orders.is_ordering("a.example"))


@pytest.mark.parametrize(
    "tls", [HostTls("Managed"), HostTls("Internal", may_order=True), HostTls("Secret", may_order=True)]
)
async def test_nothing_else_is_ordered(lead, caddy, written, tls):
    lead({"a.example": tls, "b.example": MAY})
    await until(lambda: written.kept)
    assert caddy.ordered == ["b.example"]


async def test_who_does_not_lead_orders_nothing(lead, caddy):
    leads = []
    lead({"a.example": MAY}, lambda: bool(leads))
    await asyncio.sleep(0.05)
    assert caddy.ordered == []
    leads.append(True)
    await until(lambda: caddy.ordered)


async def test_a_certificate_is_renewed_with_a_third_of_its_life_left(lead, caddy, written, clock):
    lead({"a.example": MAY})
    await until(lambda: written.kept)
    first = written.kept["a.example"]
    lifetime = first.not_after - first.not_before
    clock.now = first.not_after - lifetime * 0.4
    await asyncio.sleep(0.05)
    assert len(caddy.ordered) == 1
    clock.now = first.not_after - lifetime * 0.3
    await until(lambda: written.kept["a.example"] != first)
    assert caddy.prepared[-1] == ("a.example", first)


async def test_after_a_failure_the_host_waits_longer_each_time_and_says_why(lead, caddy, written, clock):
    caddy.refusal = "unauthorized"
    lead({"a.example": MAY})
    waits = []
    for attempt in range(1, 5):
        await until(lambda n=attempt: len(caddy.ordered) == n and written.failures.get("a.example"))
        await until(lambda n=attempt: written.failures["a.example"].count == n)
        failure = written.failures["a.example"]
        waits.append((failure.retry_after - clock.now).total_seconds())
        await asyncio.sleep(0.03)
        assert len(caddy.ordered) == attempt
        clock.now = failure.retry_after
    assert waits == [100, 200, 300, 300]
    caddy.refusal = None
    clock.now += timedelta(seconds=300)
    await until(lambda: "a.example" in written.kept and written.failures["a.example"] is None)


async def test_a_new_leader_keeps_to_the_wait_of_the_one_before(lead, caddy, written, clock):
    written.before["a.example"] = Failure("unauthorized", clock.now + timedelta(seconds=50), 1)
    lead({"a.example": MAY, "b.example": MAY})
    await until(lambda: "b.example" in written.kept)
    assert caddy.ordered == ["b.example"]
    clock.now += timedelta(seconds=50)
    await until(lambda: "a.example" in written.kept)


async def test_a_wildcard_is_never_ordered_and_its_owner_is_told(lead, caddy, written):
    lead({"*.a.example": MAY})
    await until(lambda: "*.a.example" in written.failures)
    assert "wildcard" in written.failures["*.a.example"].message
    assert caddy.ordered == []


async def test_only_so_many_are_ordered_at_a_time_and_those_waiting_are_not_permitted(lead, caddy, written):
    caddy.held.clear()
    hosts = [f"h{number}.example" for number in range(6)]
    orders = lead(dict.fromkeys(hosts, MAY))
    await until(lambda: len(caddy.ordered) == 2)
    assert sum(orders.is_ordering(host) for host in hosts) == 2
    caddy.held.set()
    await until(lambda: len(written.kept) == 6)
    assert caddy.most_at_once == 2
    assert sorted(caddy.ordered) == hosts


async def test_what_caddy_got_by_a_later_attempt_of_its_own_is_fetched_without_waiting(
    lead, caddy, written, clock
):
    caddy.refusal = "unauthorized"
    orders = lead({"a.example": MAY})
    await until(lambda: written.failures.get("a.example"))
    caddy.refusal = None
    caddy.kept["a.example"] = caddy.signed("a.example")
    orders.note_obtained("a.example")
    await until(lambda: "a.example" in written.kept)


async def test_what_a_killed_run_left_with_caddy_is_served(lead, store, caddy):
    orders = lead({"a.example": HostTls("Managed"), "b.example": HostTls("Internal")})
    for host in ("a.example", "b.example", "c.example"):
        caddy.kept[host] = caddy.signed(host)
        orders.take_over(host)
    assert set(store.names()) == {managed_secret_name("a.example")}


async def test_the_key_of_a_host_that_gets_its_certificate_elsewhere_is_withdrawn(lead, claims, written):
    orders = lead({"a.example": MAY, "b.example": HostTls("Internal")})
    await until(lambda: "a.example" in written.failures)
    claims._hosts["a.example"] = HostTls("Internal")
    orders.notice(["a.example", "b.example"])
    await until(lambda: written.withdrawn)
    assert set(written.withdrawn) == {"a.example"}
