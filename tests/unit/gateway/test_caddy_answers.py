from __future__ import annotations

import pytest
from aiohttp.test_utils import TestClient, TestServer
from frankenpanel_gateway.caddy_answers import caddy_app
from frankenpanel_gateway.metrics import Metrics


@pytest.fixture
def directories():
    return []


@pytest.fixture
async def client(directories):
    async def directory():
        return directories[0] if directories else None

    app = caddy_app({"shop.example": b"PEM"}.get, {"new.example"}.__contains__, directory, Metrics())
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?domain=new.example", 200),
        ("?domain=NEW.example", 200),
        ("?domain=shop.example", 403),
        ("?domain=new.example.", 403),
        ("?domain=127.0.0.1", 403),
        ("?domain=", 403),
        ("?domain=%00", 403),
        ("", 403),
    ],
)
async def test_only_what_is_to_be_ordered_is_permitted(client, query, status):
    async with client.get("/permission" + query) as response:
        assert response.status == status


async def test_a_certificate_is_given_where_there_is_one(client):
    async with client.get("/certificate?server_name=Shop.example&signature_schemes=804") as response:
        assert (response.status, await response.read()) == (200, b"PEM")


@pytest.mark.parametrize("query", ["?server_name=other.example", "?server_name=", "?server_name=%00", ""])
async def test_for_all_else_caddy_is_told_that_there_is_none(client, query):
    async with client.get("/certificate" + query) as response:
        assert (response.status, await response.read()) == (204, b"")


async def test_without_an_authority_there_is_no_directory(client, directories):
    assert (await client.get("/acme/directory")).status == 503
    directories.append(b'{"newOrder": "https://ca.example/order"}')
    async with client.get("/acme/directory") as response:
        assert (response.status, await response.json()) == (200, {"newOrder": "https://ca.example/order"})


async def test_other_paths_and_methods_do_not_exist(client):
    assert (await client.get("/")).status == 404
    assert (await client.post("/permission?domain=shop.example")).status == 405
