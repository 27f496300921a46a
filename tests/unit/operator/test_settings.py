from __future__ import annotations

import pytest
from frankenpanel_operator.settings import Settings
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
