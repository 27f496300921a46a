from __future__ import annotations

import asyncio
import contextlib

import orjson
import pytest
from frankenpanel_gateway import watcher as module
from frankenpanel_gateway.api_client import ApiAccess
from frankenpanel_gateway.claim_sinks import CLAIMS_PATH
from frankenpanel_gateway.metrics import Metrics
from frankenpanel_gateway.watcher import Watcher, WatchTiming


class Sink:
    """Remembers what it was told; `hosts` is the state that follows from it."""

    def __init__(self):
        self.hosts: dict[str, str] = {}
        self.listings = 0
        self.news = asyncio.Condition()

    async def replace(self, pages):
        hosts = {}
        async for page in pages:
            hosts |= {body["metadata"]["name"]: body["spec"]["route"]["upstream"] for body in page}
        self.hosts = hosts
        self.listings += 1
        await self._tell()

    async def apply(self, events):
        for event in events:
            name = event.body["metadata"]["name"]
            if event.is_deleted:
                self.hosts.pop(name, None)
            else:
                self.hosts[name] = event.body["spec"]["route"]["upstream"]
        await self._tell()

    async def _tell(self):
        async with self.news:
            self.news.notify_all()

    async def until(self, condition):
        async with asyncio.timeout(10), self.news:
            await self.news.wait_for(condition)


@pytest.fixture
def sink():
    return Sink()


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
async def start(api, sink, metrics):
    tasks = []

    def start(**timing):
        access = ApiAccess(api.url, token="t")
        watcher = Watcher(
            access, CLAIMS_PATH, sink, WatchTiming(**{"backoff_max_seconds": 0.05, **timing}), metrics
        )
        tasks.append(asyncio.create_task(watcher.run()))
        return watcher

    yield start
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (what is waited for has no event)
            await asyncio.sleep(0.005)


async def test_lists_in_pages_and_then_follows(api, sink, start, claim):
    for number in range(5):
        await api.set(claim(f"h{number}.example"))
    start(page_size=2)
    await sink.until(lambda: len(sink.hosts) == 5)
    assert [query.get("continue") for query in api.lists] == [None, "2", "4"]

    await api.set(claim("new.example"))
    await api.delete("h0.example")
    await sink.until(lambda: "new.example" in sink.hosts and "h0.example" not in sink.hosts)
    assert sink.listings == 1


async def test_a_dropped_connection_is_resumed_without_a_listing(api, sink, start, claim):
    start()
    await sink.until(lambda: sink.listings == 1)
    for number in range(3):
        await until(lambda: api.watches)
        api.drop_watches()
        await api.set(claim(f"h{number}.example"))
        await sink.until(lambda n=number: f"h{n}.example" in sink.hosts)
    assert sink.listings == 1


async def test_a_watch_that_ends_in_time_is_taken_up_where_it_ended(api, sink, start, claim):
    start(watch_seconds=1)
    await sink.until(lambda: sink.listings == 1)
    await api.set(claim("a.example"))
    version = str(api.version)
    await until(lambda: len([q for q in api.requests if q.get("resourceVersion") == version]) > 0)
    assert sink.listings == 1


async def test_bookmarks_move_the_version_without_touching_routes(api, sink, start, claim):
    await api.set(claim("a.example"))
    watcher = start()
    await until(lambda: api.watches)
    await api.bookmark()
    version = str(api.version)
    await until(lambda: watcher._resource_version == version)
    api.drop_watches()
    await until(lambda: any(query.get("resourceVersion") == version for query in api.requests))
    assert sink.hosts == {"a.example": "10.96.3.4:8080"}


async def test_gone_as_status_leads_to_a_new_listing(api, sink, start, claim):
    start()
    await until(lambda: api.watches)
    api.watch_faults.append(410)
    api.drop_watches()
    await sink.until(lambda: sink.listings == 2)


async def test_gone_as_event_leads_to_a_new_listing_which_removes_what_vanished(api, sink, start, claim):
    await api.set(claim("a.example"))
    start()
    await until(lambda: api.watches)
    del api.claims["a.example"]
    api.forget()
    api.send(orjson.dumps({"type": "ERROR", "object": {"code": 410, "reason": "Expired"}}))
    await sink.until(lambda: sink.listings == 2)
    assert sink.hosts == {}


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"ERROR","object":{"code":500}}',
        b"not json",
        b"[]",
        b'{"type":"ADDED"}',
        b'{"type":"BOOKMARK","object":{"metadata":{}}}',
        b'{"type":"ADDED","object":{"metadata":{"name":"x.example"},"spec":{"route":{"upstream":"u"}}}}',
    ],
    ids=["error", "text", "list", "no-object", "bookmark-without-version", "claim-without-version"],
)
async def test_nonsense_in_a_watch_leads_to_a_new_listing(api, sink, start, claim, line):
    await api.set(claim("a.example"))
    start()
    await until(lambda: api.watches)
    api.send(line)
    await sink.until(lambda: sink.listings == 2)
    assert sink.hosts == {"a.example": "10.96.3.4:8080"}


@pytest.mark.parametrize("fault", [500, 429, 403, 404, b"", b"[]", b'{"items":[]}'])
async def test_a_listing_that_fails_is_tried_again_and_loses_nothing(api, sink, start, claim, fault):
    await api.set(claim("a.example"))
    sink.hosts = {"kept.example": "u"}
    api.list_faults.extend([fault] * 3)
    start()
    await sink.until(lambda: "a.example" in sink.hosts)
    assert len(api.lists) >= 4


async def test_a_listing_whose_continuation_expired_begins_again(api, sink, start, claim):
    for number in range(4):
        await api.set(claim(f"h{number}.example"))
    api.list_faults.extend([None, 410])
    start(page_size=2)
    await sink.until(lambda: len(sink.hosts) == 4)
    assert [query.get("continue") for query in api.lists] == [None, "2", None, "2"]
    assert sink.listings == 1


async def test_watches_that_end_at_once_and_empty_are_not_a_busy_loop(api, sink, start, claim):
    api.watch_faults.extend([b""] * 6)
    start()
    await sink.until(lambda: sink.listings >= 7)
    assert sink.listings == 7


async def test_the_api_server_gone_is_outage_and_not_death(api, sink, metrics, claim):
    watcher = Watcher(
        ApiAccess("http://127.0.0.1:1"), CLAIMS_PATH, sink, WatchTiming(backoff_max_seconds=0.02), metrics
    )
    task = asyncio.create_task(watcher.run())
    failures = "frankenpanel_gateway_api_failures_total"
    await until(lambda: (metrics.registry.get_sample_value(failures) or 0) >= 5)
    assert watcher.is_alive()
    assert not task.done()
    assert metrics.registry.get_sample_value("frankenpanel_gateway_api_reachable") == 0
    assert sink.listings == 0
    task.cancel()


async def test_a_loop_that_stands_still_is_not_alive(sink, metrics, monkeypatch):
    watcher = Watcher(ApiAccess("http://127.0.0.1:1"), CLAIMS_PATH, sink, WatchTiming(), metrics)
    assert watcher.is_alive()
    later = module.time.monotonic() + 1000
    monkeypatch.setattr(module.time, "monotonic", lambda: later)
    assert not watcher.is_alive()


async def test_an_error_of_the_sink_ends_the_loop(api, sink, metrics, claim):
    async def refuse(_):
        raise RuntimeError("disk")

    sink.replace = refuse
    watcher = Watcher(ApiAccess(api.url), CLAIMS_PATH, sink, WatchTiming(), metrics)
    with pytest.raises(RuntimeError, match="disk"):
        await asyncio.wait_for(watcher.run(), 10)


async def test_a_renewed_token_is_used_at_the_next_request(api, sink, metrics, tmp_path):
    token = tmp_path / "token"
    token.write_text("first\n")
    watcher = Watcher(
        ApiAccess(api.url, token_file=token),
        CLAIMS_PATH,
        sink,
        WatchTiming(backoff_max_seconds=0.02),
        metrics,
    )
    task = asyncio.create_task(watcher.run())
    await until(lambda: api.watches)
    token.write_text("second\n")
    api.drop_watches()
    await until(lambda: api.authorizations[-1] == "Bearer second")
    assert api.authorizations[0] == "Bearer first"
    task.cancel()
