import pytest


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_probes_are_answered(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/"])
def test_nothing_else_is_served(client, path):
    assert client.get(path).status_code == 404
