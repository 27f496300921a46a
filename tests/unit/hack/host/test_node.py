import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from frankenpanel_hack.host.node import not_ready_reason, publish_kubeconfig, resolv_conf_path

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def lease(age_seconds: float) -> dict[str, Any]:
    return {"spec": {"renewTime": (NOW - timedelta(seconds=age_seconds)).isoformat().replace("+00:00", "Z")}}


def node(status: str) -> dict[str, Any]:
    return {"status": {"conditions": [{"type": "Ready", "status": status, "message": "no network yet"}]}}


def test_a_node_is_ready_by_the_word_of_a_kubelet_that_runs() -> None:
    assert not_ready_reason(node("True"), lease(-1), NOW) is None
    assert not_ready_reason(node("False"), lease(-1), NOW) == "no network yet"


def test_what_a_kubelet_said_before_it_was_killed_counts_for_nothing() -> None:
    assert "not reported" in str(not_ready_reason(node("True"), lease(1), NOW))


@pytest.mark.parametrize(
    ("text", "expected"), [("nameserver 127.0.0.53\n", "real"), ("nameserver 192.0.2.1\n", "resolv.conf")]
)
def test_pods_are_not_sent_to_a_resolver_on_the_loopback(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "resolv.conf").write_text(text)
    (tmp_path / "real").touch()
    assert resolv_conf_path(tmp_path / "resolv.conf", tmp_path / "real") == str(tmp_path / expected)


def test_the_kubeconfig_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    admin, kubeconfig = tmp_path / "admin.conf", tmp_path / "kubeconfig"
    admin.write_text("new")
    kubeconfig.write_text("old")
    publish_kubeconfig(admin, kubeconfig)
    assert kubeconfig.read_text() == "new"
    assert os.stat(kubeconfig).st_mode & 0o077 == 0
