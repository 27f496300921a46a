"""Two replicas and one Lease, whose API server keeps versions as a real one does."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from frankenpanel_gateway import lease as module
from frankenpanel_gateway.api_client import ApiAccess, ConflictError, NotFoundError
from frankenpanel_gateway.lease import CertificateLease
from frankenpanel_gateway.metrics import Metrics


class Api:
    def __init__(self):
        self.lease = None
        self.version = 0

    async def read(self, _):
        if self.lease is None:
            raise NotFoundError("404")
        return {**self.lease, "metadata": {**self.lease["metadata"], "resourceVersion": self.version}}

    async def create(self, _, manifest):
        if self.lease is not None:
            raise ConflictError("409")
        self.lease, self.version = manifest, 1

    async def replace(self, _, manifest):
        if manifest["metadata"]["resourceVersion"] != self.version:
            raise ConflictError("409")
        self.lease = manifest
        self.version += 1


class Time:
    def __init__(self):
        self.seconds = 1000.0

    def monotonic(self):
        return self.seconds


@pytest.fixture
def time(monkeypatch):
    time = Time()
    monkeypatch.setattr(module, "time", time)
    return time


@pytest.fixture
def api():
    return Api()


def replica(identity):
    def now():
        return datetime.now(UTC)

    return CertificateLease(ApiAccess("http://127.0.0.1:1"), "ns", identity, 10.0, now, Metrics())


async def test_the_first_leads_and_the_other_waits(api, time):
    first, second = replica("first"), replica("second")
    for _ in range(3):
        await first._step(api)
        await second._step(api)
        assert (first.is_leading(), second.is_leading()) == (True, False)
        time.seconds += 5


async def test_a_silent_leader_has_stopped_before_another_begins(api, time):
    first, second = replica("first"), replica("second")
    await first._step(api)
    await second._step(api)
    time.seconds += 9
    await second._step(api)
    assert (first.is_leading(), second.is_leading()) == (False, False)
    time.seconds += 2
    await second._step(api)
    assert second.is_leading()
    assert api.lease["spec"]["leaseTransitions"] == 2
    await first._step(api)
    assert not first.is_leading()


async def test_of_two_who_want_it_at_once_one_gets_it(api, time):
    first, second = replica("first"), replica("second")
    lease = {"metadata": {"name": "frankenpanel-certificates"}}
    await first._write(api, dict(lease), time.seconds, is_new=True)
    await second._write(api, dict(lease), time.seconds, is_new=True)
    assert (first.is_leading(), second.is_leading()) == (True, False)


async def test_the_one_who_starts_anew_under_its_name_goes_on(api, time):
    await replica("first")._step(api)
    again = replica("first")
    await again._step(api)
    assert again.is_leading()
    assert api.lease["spec"]["leaseTransitions"] == 1
