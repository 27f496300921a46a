"""The first site: apply it, wait for it, look at it as a visitor does."""

from __future__ import annotations

import http.client
from pathlib import Path
from typing import Any

from frankenpanel_hack.images.commands import OnOutput
from frankenpanel_hack.kubectl import Kubectl
from frankenpanel_hack.polling import wait_until
from frankenpanel_hack.ports import LISTEN_ADDRESS, PublicPorts

EXAMPLE = Path("examples") / "wordpress.yaml"
NAMESPACE = "demo"
SITE = "shop"
HOST = "shop.localhost"
ADMIN_SECRET = f"{SITE}-admin"
READY_SECONDS = 300


def apply_demo(kubectl: Kubectl, repository: Path, on_output: OnOutput) -> None:
    """Apply the example and wait until the operator calls the site ready."""
    on_output(kubectl.text("apply", f"--filename={repository / EXAMPLE}"))
    wait_until(f"Site {NAMESPACE}/{SITE}", lambda: not_ready_reason(_site(kubectl)), READY_SECONDS, on_output)


def _site(kubectl: Kubectl) -> dict[str, Any]:
    return kubectl.json("get", "site", SITE, f"--namespace={NAMESPACE}")


def not_ready_reason(resource: dict[str, Any]) -> str | None:
    """Return why a resource is not ready, in its own words, or None when it is."""
    status = resource.get("status") or {}
    for condition in status.get("conditions", ()):
        if condition["type"] == "Ready":
            stale = status.get("observedGeneration") != resource["metadata"]["generation"]
            if condition["status"] == "True" and not stale:
                return None
            return f"{condition.get('reason')}: {condition.get('message')}"
    return "the operator has not looked at it yet"


def check_page(ports: PublicPorts, on_output: OnOutput, timeout_seconds: float = 60) -> None:
    """Ask for the site's front page through the gateway until it is there."""
    wait_until(ports.url(HOST), lambda: wrong_answer(ports.http, HOST), timeout_seconds, on_output)


def wrong_answer(port: int, host: str) -> str | None:
    """Return what is wrong with the front page of a host, or None."""
    connection = http.client.HTTPConnection(LISTEN_ADDRESS, port, timeout=10)
    try:
        connection.request("GET", "/", headers={"Host": host if port == 80 else f"{host}:{port}"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"no answer on {LISTEN_ADDRESS}:{port} ({error})"
    finally:
        connection.close()
    return None if status == http.HTTPStatus.OK else f"answers {status}"
