from __future__ import annotations

from datetime import UTC, datetime

import pytest
from frankenpanel_gateway.api_client import ConflictError
from frankenpanel_gateway.own_secrets import ACCOUNT_SECRET, AUTHORITY_SECRET, OwnSecrets

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Api:
    """Takes what is created, or has it already."""

    def __init__(self, *existing):
        self.existing = existing
        self.created = {}

    async def create(self, path, manifest):
        name = manifest["metadata"]["name"]
        if name in self.existing:
            raise ConflictError("409")
        self.created[name] = manifest
        return manifest


@pytest.fixture
def told():
    return []


@pytest.fixture
def own(tmp_path, told):
    own = OwnSecrets(tmp_path, "/secrets", lambda *news: told.append(news), lambda: NOW)
    own.open()
    return own


async def test_both_are_made_where_they_are_missing(own):
    api = Api()
    await own.make_missing(api)
    assert set(api.created) == {AUTHORITY_SECRET, ACCOUNT_SECRET}
    assert set(api.created[AUTHORITY_SECRET]["data"]) == {"tls.crt", "tls.key"}
    assert set(api.created[ACCOUNT_SECRET]["data"]) == {"key"}


async def test_what_another_replica_made_first_stays(own, told):
    await own.make_missing(Api(AUTHORITY_SECRET, ACCOUNT_SECRET))
    assert told == []


async def test_what_is_known_is_not_made_again(own):
    own.take(AUTHORITY_SECRET, {"tls.crt": b"a", "tls.key": b"b"})
    own.take(ACCOUNT_SECRET, {"key": b"c"})
    api = Api()
    await own.make_missing(api)
    assert api.created == {}


def test_the_next_run_begins_with_what_this_one_knew(own, told, tmp_path):
    own.take(ACCOUNT_SECRET, {"key": b"c"})
    own.take(ACCOUNT_SECRET, {"key": b"c"})
    own.take("frankenpanel-other", {"key": b"c"})
    assert told == [(ACCOUNT_SECRET, {"key": b"c"})]
    later = OwnSecrets(tmp_path, "/secrets", lambda *news: told.append(news), lambda: NOW)
    later.open()
    assert told[1:] == [(ACCOUNT_SECRET, {"key": b"c"})]
    later.take(ACCOUNT_SECRET, None)
    assert told[2:] == [(ACCOUNT_SECRET, None)]
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_copy_is_as_none(tmp_path, told):
    (tmp_path / AUTHORITY_SECRET).write_bytes(b"[")
    OwnSecrets(tmp_path, "/secrets", lambda *news: told.append(news), lambda: NOW).open()
    assert told == []
