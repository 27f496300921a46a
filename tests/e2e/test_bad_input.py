"""Bad input is told with its reason and its cure, hurts nobody else, and heals once its cause is gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

PLATFORM = "frankenpanel-system"


def ready(cluster: Any, kind: str, name: str, namespace: str) -> dict[str, Any]:
    return cluster.condition(kind, name, namespace, "Ready")


def test_unknown_php_version_lists_the_choices_and_heals_after_the_edit(
    cluster: Any, namespace: str, site_of: Callable[..., Any]
) -> None:
    cluster.apply(site_of("old", runtime={"php": "5.6"}))
    cluster.wait_for("site", "old", namespace, reason="RuntimeNotFound", seconds=15)
    condition = ready(cluster, "site", "old", namespace)
    assert "spec.runtime.php" in condition["message"]
    assert '"8.4"' in condition["message"]
    assert cluster.condition("site", "old", namespace, "Stalled")["status"] == "True"
    # The rest of the Site goes on: what does not depend on PHP is there already.
    cluster.wait_for("site", "old", namespace, type_="DatabaseReady", status="True", seconds=30)
    cluster.patch("site", "old", namespace, {"spec": {"runtime": {"php": "8.4"}}})
    cluster.wait_for("site", "old", namespace)


def test_unknown_preset_names_the_field(cluster: Any, namespace: str, site_of: Callable[..., Any]) -> None:
    cluster.apply(site_of("odd", source={"preset": {"name": "wordpess"}}))
    cluster.wait_for("site", "odd", namespace, reason="PresetNotFound", seconds=15)
    assert "spec.source.preset.name" in ready(cluster, "site", "odd", namespace)["message"]


@pytest.mark.parametrize(
    ("spec", "fragment"),
    [
        ({"resources": {"limits": {"memory": "lots"}}}, "memory"),
        ({"storage": [{"name": "content", "size": "1Gi", "mountPath": "../../etc"}]}, "mountPath"),
        ({"runtime": {"documentRoot": "/{env.HOME}"}}, "documentRoot"),
        ({"runtime": {"ini": {"memory_limit": "256M\nextension=evil.so"}}}, "ini"),
        ({"env": [{"name": "LD_PRELOAD", "value": "/tmp/evil.so"}]}, "env"),
    ],
    ids=[
        "nonsense quantity",
        "path outside the site",
        "placeholder in a path",
        "newline in an ini value",
        "loader variable",
    ],
)
def test_the_api_server_refuses_nonsense_and_names_the_field(
    cluster: Any, namespace: str, site_of: Callable[..., Any], spec: dict[str, Any], fragment: str
) -> None:
    with pytest.raises(AssertionError, match=fragment):
        cluster.apply(site_of("bad", **spec))
    assert cluster.find("site", "bad", namespace) is None


def test_missing_secret_is_named_and_the_site_heals_when_it_appears(
    cluster: Any, namespace: str, site_of: Callable[..., Any]
) -> None:
    cluster.apply(site_of("shop", envFrom=[{"secretRef": {"name": "shop-env"}}]))
    cluster.wait_for("site", "shop", namespace, reason="SecretNotFound", seconds=90)
    assert "shop-env" in ready(cluster, "site", "shop", namespace)["message"]
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "shop-env", "namespace": namespace},
            "stringData": {"GREETING": "hello"},
        }
    )
    cluster.wait_for("site", "shop", namespace)


def test_host_of_another_namespace_is_refused_without_naming_its_owner(
    cluster: Any, namespace: str, visitor: Any, site_of: Callable[..., Any], domain_of: Callable[..., Any]
) -> None:
    cluster.apply(site_of("thief"), domain_of("SHOP.localhost", site="thief", name="stolen"))
    cluster.wait_for("domain", "stolen", namespace, reason="HostTaken", seconds=20)
    for condition in cluster.get("domain", "stolen", namespace)["status"]["conditions"]:
        assert "demo" not in condition["message"]
    assert visitor.get("http://shop.localhost/").status == 200


def test_host_is_free_again_once_its_owner_lets_go(
    cluster: Any, namespace: str, site_of: Callable[..., Any], domain_of: Callable[..., Any]
) -> None:
    cluster.apply(site_of("one"), domain_of(f"{namespace}.localhost", site="one", name="first"))
    cluster.wait_for("domain", "first", namespace, type_="Claimed", status="True", seconds=20)
    cluster.apply(domain_of(f"{namespace}.localhost", site="one", name="second"))
    cluster.wait_for("domain", "second", namespace, reason="HostTaken", seconds=20)
    cluster.kubectl("delete", "domain", "first", "-n", namespace)
    cluster.wait_for("domain", "second", namespace, type_="Claimed", status="True", seconds=60)


def test_database_server_that_is_down_is_told_and_waited_for(
    cluster: Any, namespace: str, visitor: Any, site_of: Callable[..., Any], eventually: Callable[..., Any]
) -> None:
    cluster.kubectl("scale", "statefulset/frankenpanel-mariadb", "-n", PLATFORM, "--replicas=0")
    try:
        cluster.kubectl("wait", "--for=delete", "pod/frankenpanel-mariadb-0", "-n", PLATFORM, "--timeout=90s")
        cluster.apply(site_of("late"))
        cluster.wait_for("site", "late", namespace, reason="DatabaseServerUnreachable", seconds=60)
        # Servers are looked at every 30 s while they answer.
        cluster.wait_for("databaseserver", "embedded", "", reason="Unreachable", seconds=45)
    finally:
        cluster.kubectl("scale", "statefulset/frankenpanel-mariadb", "-n", PLATFORM, "--replicas=1")
    cluster.wait_for("site", "late", namespace, seconds=180)
    eventually(
        lambda: visitor.get("http://shop.localhost/").status == 200, seconds=60, what="the first site is back"
    )
