"""A Site gets another address, and its content goes along, in the image and the pod that serve it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

STORE = """<?php
require '/app/wp-load.php';
$old = 'http://' . $argv[1];
$json = wp_json_encode(array('u' => "$old/b"));
update_option('e2e_nested', array('ü' => array('url' => "$old/a", 'json' => $json)));
update_option('e2e_twice', serialize(array("$old/c")));
update_option('e2e_mail', 'info@' . $argv[1]);
wp_insert_post(array('post_title' => 'Moved', 'post_status' => 'publish', 'post_name' => 'moved',
    'post_content' => "<p><a href=\\"$old/target\\">here</a></p>"));
"""
TELL = """<?php
require '/app/wp-load.php';
$nested = get_option('e2e_nested');
echo json_encode(array(
    'url' => $nested['ü']['url'],
    'json' => json_decode($nested['ü']['json'])->u,
    'twice' => unserialize(get_option('e2e_twice'))[0],
    'mail' => get_option('e2e_mail'),
));
"""


def run_php(cluster: Any, namespace: str, script: str, *arguments: str) -> str:
    """Run a script in the Site's own pod; another address lets another one start."""
    cluster.kubectl("rollout", "status", "deployment/shop", "-n", namespace, "--timeout=120s")
    pods = cluster.list("pods", namespace, "frankenpanel.io/site=shop,app.kubernetes.io/component=web")
    name = next(pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"])
    inside = ["exec", "-i", "-n", namespace, name, "-c", "web", "--", "sh", "-c"]
    run = f"cat > /tmp/story.php && php-cli /tmp/story.php {' '.join(arguments)}"
    text: str = cluster.kubectl(*inside, run, stdin=script)
    return text


def test_content_follows_the_site_to_its_new_address(
    cluster: Any,
    namespace: str,
    visitor: Any,
    site_of: Callable[..., Any],
    domain_of: Callable[..., Any],
    eventually: Callable[..., Any],
) -> None:
    old, new = f"old-{namespace}.localhost", f"much-longer-{namespace}.localhost"
    cluster.apply(site_of("shop"), domain_of(old, name="old"), domain_of(new, name="new", role="Alias"))
    cluster.wait_for("site", "shop", namespace, seconds=240)
    run_php(cluster, namespace, STORE, old)
    assert cluster.get("domain", "old", namespace)["status"].get("rewrite") is None

    cluster.patch("domain", "old", namespace, {"spec": {"role": "Alias"}})
    cluster.patch("domain", "new", namespace, {"spec": {"role": "Primary"}})

    def rewrite(phase: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            found = cluster.get("domain", "new", namespace)["status"].get("rewrite") or {}
            return found if found.get("phase") == phase else None

        return eventually(
            look,
            seconds=240,
            what=f"the rewrite is {phase}",
            last_seen=lambda: str(cluster.get("domain", "new", namespace)["status"].get("rewrite")),
        )

    counted = rewrite("Counted")
    assert counted["fromHost"] == old
    assert counted["values"] > 3
    assert json.loads(run_php(cluster, namespace, TELL))["url"] == f"http://{old}/a"

    cluster.patch("domain", "new", namespace, {"spec": {"onPromote": {"rewriteContent": "Always"}}})
    assert rewrite("Rewritten")["values"] == counted["values"]
    assert json.loads(run_php(cluster, namespace, TELL)) == {
        "url": f"http://{new}/a",
        "json": f"http://{new}/b",
        "twice": f"http://{new}/c",
        "mail": f"info@{old}",
    }
    page = eventually(
        lambda: page if (page := visitor.get(f"http://{new}/moved/")).status == 200 else None,
        seconds=60,
        what="the page is served at the new address",
    )
    assert f"//{new}/target" in page.text
    assert f"//{old}" not in page.text
    jobs = cluster.list("jobs", namespace, "app.kubernetes.io/component=rewrite")
    assert len(jobs) == 2
