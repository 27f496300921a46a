from __future__ import annotations

import json
from pathlib import Path

import pytest
from frankenpanel_gateway.edge_config import configured

SHIPPED = json.loads((Path(__file__).parents[3] / "images" / "gateway" / "gateway.json").read_text())


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
    assert server["routes"][1:] == edge(SHIPPED)["routes"]


@pytest.mark.parametrize(
    "environment",
    [{"FRANKENPANEL_TRUSTED_PROXIES": "everyone"}, {"FRANKENPANEL_MAX_CONNECTIONS_PER_SITE": "many"}],
)
def test_what_is_not_understood_is_an_error(environment):
    with pytest.raises(ValueError, match=r"everyone|many"):
        configured(SHIPPED, environment)
