from __future__ import annotations

import pytest
from aiohttp.test_utils import TestClient, TestServer
from frankenpanel_gateway.metrics import Metrics
from frankenpanel_gateway.permission import permission_app


@pytest.fixture
async def client():
    app = permission_app({"shop.example"}.__contains__, Metrics())
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?domain=shop.example", 200),
        ("?domain=SHOP.example", 200),
        ("?domain=other.example", 403),
        ("?domain=shop.example.", 403),
        ("?domain=127.0.0.1", 403),
        ("?domain=", 403),
        ("?domain=%00", 403),
        ("", 403),
    ],
)
async def test_only_routed_hosts_are_permitted(client, query, status):
    async with client.get("/permission" + query) as response:
        assert response.status == status


async def test_other_paths_and_methods_do_not_exist(client):
    assert (await client.get("/")).status == 404
    assert (await client.post("/permission?domain=shop.example")).status == 405
