from __future__ import annotations

import json
from pathlib import Path

import pytest
from frankenpanel_gateway import edge_config
from frankenpanel_gateway.edge_config import configured

GATEWAY = Path(__file__).parents[3] / "images" / "gateway" / "gateway.json"
SHIPPED = json.loads(GATEWAY.read_text())


def edge(config):
    return config["apps"]["http"]["servers"]["edge"]


def test_with_nothing_said_it_is_the_shipped_configuration():
    assert configured(SHIPPED, {}) == SHIPPED
    assert configured(SHIPPED, {"FRANKENPANEL_TRUSTED_PROXIES": ""}) == SHIPPED


def test_the_limit_of_connections_is_that_of_every_proxy():
    config = configured(SHIPPED, {"FRANKENPANEL_MAX_CONNECTIONS_PER_SITE": "7"})
    assert '"max_conns_per_host": 7' in json.dumps(config)
    assert json.dumps(config).replace('host": 7', 'host": 512') == json.dumps(SHIPPED)


def test_trusted_proxies_say_who_the_visitor_is():
    config = configured(SHIPPED, {"FRANKENPANEL_TRUSTED_PROXIES": "10.0.0.1/8, 2001:db8::/32"})
    server = edge(config)
    assert server["trusted_proxies"] == {"source": "static", "ranges": ["10.0.0.0/8", "2001:db8::/32"]}
    assert server["trusted_proxies_strict"] == 1
    assert server["routes"][1:] == edge(SHIPPED)["routes"][1:]
    shipped, ours = (
        routes[0]["handle"][0]["routes"] for routes in (edge(SHIPPED)["routes"], server["routes"])
    )
    assert ours[1:] == shipped


@pytest.mark.parametrize(
    "environment",
    [{"FRANKENPANEL_TRUSTED_PROXIES": "everyone"}, {"FRANKENPANEL_MAX_CONNECTIONS_PER_SITE": "many"}],
)
def test_what_is_not_understood_is_an_error(environment):
    with pytest.raises(ValueError, match=r"everyone|many"):
        configured(SHIPPED, environment)


def test_it_writes_the_configuration_for_nobody_else_and_becomes_caddy(tmp_path, monkeypatch):
    in_use, started = tmp_path / "gateway.json", []
    monkeypatch.setattr(edge_config, "SHIPPED", GATEWAY)
    monkeypatch.setattr(edge_config, "IN_USE", in_use)
    monkeypatch.setattr(edge_config.os, "execv", lambda *command: started.append(command))
    monkeypatch.setenv("FRANKENPANEL_MAX_CONNECTIONS_PER_SITE", "7")
    edge_config.main()
    assert started == [("/usr/bin/caddy", ["/usr/bin/caddy", "run", "--config", str(in_use)])]
    assert json.loads(in_use.read_text()) == configured(
        SHIPPED, {"FRANKENPANEL_MAX_CONNECTIONS_PER_SITE": "7"}
    )
    assert in_use.stat().st_mode & 0o777 == 0o600
