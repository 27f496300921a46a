"""One installation for all deaths; each is died in a namespace of its own."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from database_servers import ServerUnderTest
from failpoint_stage import Company, Controllers, Scene
from installation import Installation, leave_nothing_of_ours
from killable_operator import Nursery


@pytest.fixture(scope="module")
def platform(
    api_server: Path,
    kubernetes_api: Any,
    mariadb: ServerUnderTest,
    installed_crds: list[str],
    is_own_cluster: bool,
) -> Iterator[str]:
    """Yield the namespace of a platform without an operator."""
    if not is_own_cluster:
        pytest.skip("runs an operator: only for an API server that the tests started themselves")
    leave_nothing_of_ours(kubernetes_api)
    mariadb.clear()
    name = create_namespace(kubernetes_api, "platform")
    installation = Installation(kubernetes_api, name, name, mariadb)
    installation.install()
    yield name
    installation.uninstall()


@pytest.fixture(scope="module")
def company(api_server: Path, platform: str, nursery: Nursery) -> Iterator[Company]:
    """Yield a company that has no operator yet."""
    environment = {
        "KUBECONFIG": str(api_server),
        "FRANKENPANEL_PLATFORM_NAMESPACE": platform,
        "FRANKENPANEL_CERTIFICATES_NAMESPACE": platform,
        "FRANKENPANEL_METRICS_PORT": "0",
        "FRANKENPANEL_EMBEDDED_MARIADB": "false",
        # A successor would have to wait until the dead one's Lease has expired.
        "FRANKENPANEL_LEADER_ELECTION": "false",
    }
    company = Company(nursery, environment)
    yield company
    company.stop()


@pytest.fixture(scope="module")
def new_scene(
    kubernetes_api: Any, platform: str, mariadb: ServerUnderTest, company: Company
) -> Callable[[], AbstractContextManager[Scene]]:
    """Return a function that opens a scene with a new tenant, who is gone when it closes."""

    @contextmanager
    def scene() -> Iterator[Scene]:
        installation = Installation(
            kubernetes_api, platform, create_namespace(kubernetes_api, "tenant"), mariadb
        )
        with Controllers(installation) as controllers:
            try:
                yield Scene(installation, company, controllers)
            except BaseException:
                # It may have a death before it that was meant for this story.
                company.stop()
                raise
            finally:
                installation.evict()

    return scene


def create_namespace(kubernetes_api: Any, prefix: str) -> str:
    name = f"{prefix}-{secrets.token_hex(4)}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    answer = kubernetes_api.request("POST", "/api/v1/namespaces", body)
    assert answer.status == 201, answer.message
    return name
