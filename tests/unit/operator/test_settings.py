from __future__ import annotations

import pytest
from frankenpanel_operator.settings import Settings, read_name_server
from pydantic import ValidationError


def test_defaults_need_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"FRANKENPANEL_{name.upper()}", raising=False)
    settings = Settings()
    assert (settings.platform_namespace, settings.workers) == ("frankenpanel-system", 16)
    assert (settings.public_http_port, settings.public_https_port) == (80, 443)


def test_the_environment_is_read_and_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRANKENPANEL_WORKERS", "3")
    monkeypatch.setenv("FRANKENPANEL_LOG_LEVEL", "DEBUG")
    assert (Settings().workers, Settings().log_level) == (3, "DEBUG")
    monkeypatch.setenv("FRANKENPANEL_WORKERS", "0")
    with pytest.raises(ValidationError, match="workers"):
        Settings()


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_lists_are_read_from_one_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRANKENPANEL_DNS_RESOLVERS", "192.0.2.1, 192.0.2.2:5353,[2001:db8::1]:53,2001:db8::2")
    monkeypatch.setenv("FRANKENPANEL_HTTP_PROOF_NETWORKS", "10.0.0.0/8,fd00::/8")
    settings = Settings()
    assert [read_name_server(text) for text in settings.dns_resolvers] == [
        ("192.0.2.1", 53),
        ("192.0.2.2", 5353),
        ("2001:db8::1", 53),
        ("2001:db8::2", 53),
    ]
    assert [str(network) for network in settings.http_proof_networks] == ["10.0.0.0/8", "fd00::/8"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DNS_RESOLVERS", "dns.example.com"),
        ("DNS_RESOLVERS", "192.0.2.1:dns"),
        ("HTTP_PROOF_NETWORKS", "10/8x"),
    ],
)
def test_addresses_that_are_none_are_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"FRANKENPANEL_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()
