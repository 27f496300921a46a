"""Who may see a site, decided by its own pod, which is not restarted for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import urllib3

pytestmark = pytest.mark.e2e

# The password is "secret".
STAFF = "alice:$2y$05$/v797IGiP/WBmN9mZ1A85OPeMRgM9myoG1San1xUO0uh65BWMFboW"
# The kubelet looks after a changed ConfigMap or Secret once a minute or so.
IN_FORCE_SECONDS = 180


def test_rules_come_and_go_while_the_pod_stays(
    cluster: Any,
    namespace: str,
    visitor: Any,
    site_of: Callable[..., Any],
    domain_of: Callable[..., Any],
    eventually: Callable[..., Any],
) -> None:
    url = f"http://{namespace}.localhost/wp-login.php"
    basic_auth = {"secretRef": {"name": "staff"}}
    cluster.apply(site_of("shop", access={"basicAuth": basic_auth}), domain_of(f"{namespace}.localhost"))
    # Ready, though nobody gets in: the kubelet's probe needs no password.
    cluster.wait_for("site", "shop", namespace)

    def answers(status: int) -> None:
        eventually(
            lambda: visitor.get(url, follow=False).status == status,
            seconds=IN_FORCE_SECONDS,
            what=f"{url} answers {status}",
            last_seen=lambda: str(visitor.get(url, follow=False)),
        )

    def pods() -> list[tuple[str, int]]:
        return [
            (pod["metadata"]["uid"], pod["status"]["containerStatuses"][0]["restartCount"])
            for pod in cluster.list("pods", namespace, "app.kubernetes.io/component=web")
        ]

    answers(401)
    before = pods()
    visitor.headers = urllib3.make_headers(basic_auth="alice:secret")
    assert visitor.get(url).status == 401

    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "staff", "namespace": namespace}}
    cluster.apply({**secret, "stringData": {"auth": STAFF}})
    answers(200)

    everybody = ["0.0.0.0/0", "::/0"]
    cluster.patch("site", "shop", namespace, {"spec": {"access": {"deny": everybody}}})
    answers(403)

    cluster.patch("site", "shop", namespace, {"spec": {"access": {"deny": None}}})
    answers(200)

    cluster.kubectl("delete", "secret", "staff", "-n", namespace)
    answers(401)
    assert pods() == before
