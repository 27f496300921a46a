from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest
from frankenpanel_operator.cluster.connection import BearerToken, Connection
from frankenpanel_operator.cluster.resources import resource_of
from pydantic import SecretStr


def connection(token: str | None = None, path: Path | None = None) -> Connection:
    secret = SecretStr(token) if token else None
    return Connection("https://api", ssl.create_default_context(), secret, path, {"X-Key": "hunter2"})


def test_the_token_file_is_followed_when_it_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("one\n")
    token = BearerToken(connection("stale", path))
    assert token.header() == {"Authorization": "Bearer one"}
    path.write_text("two\n")
    os.utime(path, ns=(1, 1))
    assert token.header() == {"Authorization": "Bearer two"}


def test_a_gap_keeps_the_old_token_and_a_refusal_reads_again(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("one")
    token = BearerToken(connection(None, path))
    token.header()
    path.unlink()
    assert token.header() == {"Authorization": "Bearer one"}
    path.write_text("two")
    token.distrust()
    assert token.header() == {"Authorization": "Bearer two"}


def test_no_token_no_header_and_nothing_secret_in_the_text() -> None:
    assert BearerToken(connection()).header() == {}
    assert "hunter2" not in repr(connection("hunter2"))


@pytest.mark.parametrize(
    ("kind", "namespace", "name", "subresource", "path"),
    [
        ("Secret", "demo", "s", "", "/api/v1/namespaces/demo/secrets/s"),
        ("Deployment", "demo", "", "", "/apis/apps/v1/namespaces/demo/deployments"),
        ("Site", "demo", "s", "status", "/apis/frankenpanel.io/v1alpha1/namespaces/demo/sites/s/status"),
        ("DomainClaim", "", "h", "", "/apis/frankenpanel.io/v1alpha1/domainclaims/h"),
        ("NetworkPolicy", "", "", "", "/apis/networking.k8s.io/v1/networkpolicies"),
    ],
)
def test_paths(kind: str, namespace: str, name: str, subresource: str, path: str) -> None:
    assert resource_of(kind).path(namespace, name, subresource) == path
