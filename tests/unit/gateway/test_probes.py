from __future__ import annotations

import pytest
from aiohttp.test_utils import TestClient, TestServer
from frankenpanel_gateway.metrics import Metrics
from frankenpanel_gateway.probes import probes_app


@pytest.mark.parametrize("is_alive", [True, False])
@pytest.mark.parametrize("is_ready", [True, False])
async def test_probes_tell_each_its_own(is_alive, is_ready):
    app = probes_app(lambda: is_alive, lambda: is_ready, Metrics())
    async with TestClient(TestServer(app)) as client:
        assert (await client.get("/livez")).status == (200 if is_alive else 503)
        assert (await client.get("/readyz")).status == (200 if is_ready else 503)


async def test_metrics_are_exposed():
    metrics = Metrics()
    metrics.routes.set(7)
    async with TestClient(TestServer(probes_app(lambda: True, lambda: True, metrics))) as client:
        response = await client.get("/metrics")
        assert "frankenpanel_gateway_routes 7.0" in await response.text()
        assert response.headers["Content-Type"].startswith("text/plain")
