"""A Site from its first apply to its last delete, and what stays."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

OWNED = "deployments,services,serviceaccounts,configmaps,networkpolicies,jobs,persistentvolumeclaims"


def test_second_site_becomes_ready_and_is_served(
    cluster: Any,
    namespace: str,
    visitor: Any,
    site_of: Callable[..., Any],
    domain_of: Callable[..., Any],
    eventually: Callable[..., Any],
) -> None:
    host = f"{namespace}.localhost"
    started = time.monotonic()
    cluster.apply(site_of("shop"), domain_of(host))
    site = cluster.wait_for("site", "shop", namespace)
    print(f"\nfrom apply to Ready: {time.monotonic() - started:.1f} s")
    assert site["status"]["url"].startswith(f"http://{host}")
    eventually(
        lambda: visitor.get(f"http://{host}/").status == 200, seconds=10, what="the gateway knows the host"
    )
    assert "Title of shop" in visitor.get(f"http://{host}/").text


def test_name_of_63_characters_that_starts_with_a_digit_works(
    cluster: Any,
    namespace: str,
    visitor: Any,
    site_of: Callable[..., Any],
    domain_of: Callable[..., Any],
    eventually: Callable[..., Any],
) -> None:
    name = "9" + "x" * 62
    host = f"long-{namespace}.localhost"
    cluster.apply(site_of(name), domain_of(host, site=name))
    cluster.wait_for("site", name, namespace)
    eventually(
        lambda: visitor.get(f"http://{host}/").status == 200, seconds=10, what="the gateway knows the host"
    )


def test_kubectl_get_is_true_within_two_seconds_of_a_change(
    cluster: Any, namespace: str, site_of: Callable[..., Any], domain_of: Callable[..., Any]
) -> None:
    cluster.apply(site_of("shop", runtime={"php": "1.0"}), domain_of(f"{namespace}.localhost"))
    cluster.wait_for("site", "shop", namespace, reason="RuntimeNotFound", seconds=15)
    changed = time.monotonic()
    cluster.patch("site", "shop", namespace, {"spec": {"source": {"preset": {"name": "nothing"}}}})
    cluster.wait_for("site", "shop", namespace, reason="PresetNotFound", seconds=5)
    assert time.monotonic() - changed < 2.0
    table = cluster.kubectl("get", "sites,domains", "-n", namespace)
    assert "PresetNotFound" in table
    for column in ("READY", "REASON", "URL", "PHP", "AGE"):
        assert column in table.splitlines()[0]


def test_paused_site_is_served_and_left_alone_until_it_goes_on(
    cluster: Any, namespace: str, site_of: Callable[..., Any]
) -> None:
    cluster.apply(site_of("shop"))
    cluster.wait_for("site", "shop", namespace)
    cluster.patch("site", "shop", namespace, {"spec": {"paused": True}})
    cluster.wait_for("site", "shop", namespace, type_="Paused", status="True", seconds=10)
    before = cluster.list("deployments", namespace)[0]["metadata"]["generation"]
    cluster.patch("site", "shop", namespace, {"spec": {"env": [{"name": "COLOUR", "value": "blue"}]}})
    cluster.wait_for("site", "shop", namespace, type_="Paused", status="True", seconds=10)
    assert cluster.list("deployments", namespace)[0]["metadata"]["generation"] == before
    cluster.patch("site", "shop", namespace, {"spec": {"paused": None}})
    cluster.wait_for("site", "shop", namespace)
    assert cluster.list("deployments", namespace)[0]["metadata"]["generation"] > before
    assert cluster.condition("site", "shop", namespace, "Paused") == {}


def test_scale_subresource_is_heard_and_says_why_two_pods_cannot_share_a_volume(
    cluster: Any, namespace: str, site_of: Callable[..., Any]
) -> None:
    cluster.apply(site_of("shop"))
    cluster.wait_for("site", "shop", namespace)
    cluster.kubectl("scale", "site/shop", "-n", namespace, "--replicas=2")
    cluster.wait_for("site", "shop", namespace, reason="AccessModeConflict", seconds=10)
    assert cluster.list("deployments", namespace)[0]["spec"]["replicas"] == 1
    cluster.kubectl("scale", "site/shop", "-n", namespace, "--replicas=1")
    cluster.wait_for("site", "shop", namespace, seconds=10)


def test_deletion_keeps_the_data_and_a_new_site_takes_it_up_only_when_asked_to(
    cluster: Any,
    namespace: str,
    visitor: Any,
    site_of: Callable[..., Any],
    domain_of: Callable[..., Any],
    eventually: Callable[..., Any],
) -> None:
    host = f"{namespace}.localhost"
    cluster.apply(site_of("shop", deletion={"data": "Retain"}), domain_of(host))
    first = cluster.wait_for("site", "shop", namespace)
    uid, database = first["metadata"]["uid"], first["status"]["database"]
    cluster.kubectl("delete", "site", "shop", "-n", namespace, "--timeout=60s")
    claims = cluster.list("persistentvolumeclaims", namespace, "frankenpanel.io/retained=true")
    assert len(claims) == 1
    assert cluster.find("secret", database["secretName"], namespace)
    eventually(
        lambda: not cluster.list("deployments", namespace), seconds=60, what="everything but the data is gone"
    )

    fresh = site_of("shop")
    fresh["spec"]["source"]["preset"]["install"]["title"] = "A fresh start"
    cluster.apply(fresh)
    second = cluster.wait_for("site", "shop", namespace)
    assert second["status"]["database"]["name"] != database["name"]
    eventually(
        lambda: "A fresh start" in visitor.get(f"http://{host}/").text, seconds=20, what="an empty new site"
    )
    cluster.kubectl("delete", "site", "shop", "-n", namespace, "--timeout=60s")

    cluster.apply(site_of("shop", bootstrapFrom={"retained": {"uid": uid}}))
    third = cluster.wait_for("site", "shop", namespace)
    assert third["status"]["database"]["name"] == database["name"]
    eventually(
        lambda: "Title of shop" in visitor.get(f"http://{host}/").text,
        seconds=20,
        what="the old data is back",
    )


def test_deletion_with_delete_leaves_nothing(
    cluster: Any, namespace: str, site_of: Callable[..., Any], eventually: Callable[..., Any]
) -> None:
    cluster.apply(site_of("shop"))
    site = cluster.wait_for("site", "shop", namespace)
    secret = site["status"]["database"]["secretName"]
    cluster.kubectl("delete", "site", "shop", "-n", namespace, "--timeout=60s")
    eventually(
        lambda: (
            not [
                o
                for o in cluster.list(OWNED, namespace)
                if "frankenpanel.io/site" in o["metadata"].get("labels", {})
            ]
        ),
        seconds=60,
        what="no owned object is left",
    )
    assert cluster.find("secret", secret, namespace) is None


def test_namespace_with_a_site_can_be_deleted(
    cluster: Any, namespace: str, site_of: Callable[..., Any], domain_of: Callable[..., Any]
) -> None:
    cluster.apply(site_of("shop", deletion={"data": "Retain"}), domain_of(f"{namespace}.localhost"))
    cluster.wait_for("site", "shop", namespace)
    cluster.kubectl("delete", "namespace", namespace, "--timeout=120s")
    assert cluster.find("namespace", namespace) is None
    assert cluster.find("domainclaim", f"{namespace}.localhost") is None
