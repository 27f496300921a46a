from __future__ import annotations

from ipaddress import ip_network

import pytest
from frankenpanel_gateway.settings import Settings
from pydantic import ValidationError


@pytest.fixture(autouse=True)
def in_cluster(monkeypatch):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")


def test_in_a_cluster_nothing_needs_to_be_said():
    settings = Settings()
    assert settings.api_url == "https://10.96.0.1:443"
    assert str(settings.api_token_file).startswith("/var/run/secrets/kubernetes.io/")
    assert settings.upstream_networks == ()


def test_an_ipv6_api_server_is_bracketed(monkeypatch):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    assert Settings().api_url == "https://[fd00::1]:443"


def test_outside_of_a_cluster_the_api_server_must_be_named(monkeypatch):
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST")
    with pytest.raises(ValidationError, match="FRANKENPANEL_GATEWAY_API_SERVER"):
        Settings()
    monkeypatch.setenv("FRANKENPANEL_GATEWAY_API_SERVER", "https://api.example:6443/")
    assert Settings().api_url == "https://api.example:6443"


def test_networks_are_a_list_with_commas(monkeypatch):
    monkeypatch.setenv("FRANKENPANEL_GATEWAY_UPSTREAM_NETWORKS", "10.96.0.0/12, fd00:10:96::/112")
    assert Settings().upstream_networks == (ip_network("10.96.0.0/12"), ip_network("fd00:10:96::/112"))


def test_a_token_does_not_show_in_messages(monkeypatch):
    monkeypatch.setenv("FRANKENPANEL_GATEWAY_API_TOKEN", "canary")
    assert "canary" not in repr(Settings())
