"""The operator dies before it has reconciled anything, or over what belongs to the platform itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from failpoint_stage import Company, Scene
from failpoint_stories import STORIES, kills_at
from frankenpanel_operator.cluster.platform_secrets import MARIADB_SECRET, PLATFORM_KEY_SECRET
from frankenpanel_operator.failpoints import Failpoint
from installation import OURS
from killable_operator import Kill

pytestmark = [pytest.mark.integration]

IN_A_NEW_PLATFORM = kills_at(Failpoint.PLATFORM_KEY_CREATED, Failpoint.MARIADB_ACCOUNT_CREATED)
OVER_A_NEW_SERVER = kills_at(Failpoint.DATABASE_SERVER_STATUS_WRITTEN)


def test_every_failpoint_has_its_deaths() -> None:
    kills = {kill.point for story in STORIES for kill in story.kills}
    kills |= {kill.point for kill in (*IN_A_NEW_PLATFORM, *OVER_A_NEW_SERVER)}
    assert kills == set(Failpoint)


@pytest.mark.parametrize("kill", IN_A_NEW_PLATFORM, ids=str)
def test_the_platform_s_secrets_are_generated_once(
    kill: Kill, new_scene: Callable[[], Any], company: Company
) -> None:
    def secrets(scene: Scene) -> dict[str, Any]:
        path = f"/api/v1/namespaces/{scene.installation.tenant}/secrets"
        items = scene.installation.api.request("GET", path).body["items"]
        return {item["metadata"]["name"]: item["data"] for item in items}

    with new_scene() as scene:
        # To this operator, the tenant's namespace is a platform that was installed just now.
        changes = {
            "FRANKENPANEL_PLATFORM_NAMESPACE": scene.installation.tenant,
            "FRANKENPANEL_EMBEDDED_MARIADB": "true",
        }
        company.start(kill, **changes)
        company.victim.wait_until_dead()
        before = secrets(scene)
        assert before
        company.start(**changes)
        company.victim.wait_until(company.victim.is_idle, "it reconciles")
        assert secrets(scene).keys() == {PLATFORM_KEY_SECRET, MARIADB_SECRET}
        assert before.items() <= secrets(scene).items()
        company.stop()


@contextmanager
def second_server(scene: Scene) -> Iterator[str]:
    """Offer the database server by another name as well."""
    path = f"{OURS}/databaseservers/{scene.installation.server_name}"
    spec = scene.installation.api.request("GET", path).body["spec"]
    name = f"{scene.installation.server_name}-again"
    body = {"apiVersion": "frankenpanel.io/v1alpha1", "kind": "DatabaseServer"}
    answer = scene.installation.api.request(
        "POST", f"{OURS}/databaseservers", {**body, "metadata": {"name": name}, "spec": spec}
    )
    assert answer.status == 201, answer.message
    yield name
    scene.installation.api.request("DELETE", f"{OURS}/databaseservers/{name}")


@pytest.mark.parametrize("kill", OVER_A_NEW_SERVER, ids=str)
def test_a_database_server_is_reported_by_the_next_operator(
    kill: Kill, new_scene: Callable[[], Any], company: Company
) -> None:
    with new_scene() as scene:
        company.stop()
        with second_server(scene) as name:
            company.start(kill)
            company.victim.wait_until_dead()
            path = f"{OURS}/databaseservers/{name}"

            def is_ready() -> bool:
                status = scene.installation.api.request("GET", path).body.get("status", {})
                return any(
                    item["type"] == "Ready" and item["status"] == "True"
                    for item in status.get("conditions", ())
                )

            scene.settle(is_ready, "the server is said to be ready")
