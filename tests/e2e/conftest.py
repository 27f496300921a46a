"""A cluster on which FrankenPanel runs, a namespace per story, and a visitor who comes through the gateway.

Nothing here knows how the cluster came to be: a kubeconfig (KUBECONFIG) is all. The gateway is reached by a
port-forward, so no test depends on how it is exposed.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest
import urllib3
import yaml

REPOSITORY = Path(__file__).parents[2]
PLATFORM = "frankenpanel-system"
KUBECTL = shutil.which("kubectl", path=f"{REPOSITORY}/.build/bin:{os.environ['PATH']}")


T = TypeVar("T")


class Cluster:
    """kubectl, with answers as Python values."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        process = subprocess.run(
            [str(KUBECTL), "--kubeconfig", str(self.kubeconfig), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        if check and process.returncode:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {process.stderr}")
        return process.stdout if not process.returncode else process.stderr

    def apply(self, *objects: dict[str, Any]) -> None:
        self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))

    def get(self, kind: str, name: str, namespace: str = "") -> dict[str, Any]:
        place = ["-n", namespace] if namespace else []
        return json.loads(self.kubectl("get", kind, name, *place, "-o", "json"))

    def find(self, kind: str, name: str, namespace: str = "") -> dict[str, Any] | None:
        place = ["-n", namespace] if namespace else []
        text = self.kubectl("get", kind, name, *place, "-o", "json", "--ignore-not-found")
        return json.loads(text) if text.strip() else None

    def list(self, kind: str, namespace: str, selector: str = "") -> list[dict[str, Any]]:
        chosen = ["-l", selector] if selector else []
        return json.loads(self.kubectl("get", kind, "-n", namespace, *chosen, "-o", "json"))["items"]

    def patch(self, kind: str, name: str, namespace: str, patch: dict[str, Any]) -> None:
        place = ["-n", namespace] if namespace else []
        self.kubectl("patch", kind, name, *place, "--type=merge", "-p", json.dumps(patch))

    def secret(self, name: str, namespace: str) -> dict[str, str]:
        data = self.get("secret", name, namespace)["data"]
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def condition(self, kind: str, name: str, namespace: str, type_: str) -> dict[str, Any]:
        conditions = self.get(kind, name, namespace).get("status", {}).get("conditions", [])
        return next((item for item in conditions if item["type"] == type_), {})

    def wait_for(
        self,
        kind: str,
        name: str,
        namespace: str,
        *,
        type_: str = "Ready",
        seconds: float = 120,
        **expected: str,
    ) -> dict[str, Any]:
        """Wait until a condition has these fields (default: status True), of the current generation."""
        expected = expected or {"status": "True"}

        def check() -> dict[str, Any] | None:
            body = self.find(kind, name, namespace)
            if body is None:
                return None
            status = body.get("status", {})
            condition = next((c for c in status.get("conditions", []) if c["type"] == type_), {})
            current = status.get("observedGeneration") == body["metadata"]["generation"]
            return body if current and expected.items() <= condition.items() else None

        return eventually(
            check,
            seconds=seconds,
            what=f"{kind}/{name} {type_} {expected}",
            last_seen=lambda: self.kubectl(
                "get",
                kind,
                name,
                *(["-n", namespace] if namespace else []),
                "-o",
                "jsonpath={.status}",
                check=False,
            ),
        )


def eventually(
    check: Callable[[], T | None], *, seconds: float, what: str, last_seen: Callable[[], str] = str
) -> T:
    """Poll until the check gives something true; fail with what was last seen."""
    deadline = time.monotonic() + seconds
    while True:
        if result := check():
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}; last seen: {last_seen()}")
        time.sleep(0.2)


@dataclass
class Page:
    """One answer, as a visitor sees it."""

    status: int
    text: str
    headers: dict[str, str]


@dataclass
class Visitor:
    """A browser without JavaScript: keeps cookies, follows redirects, resolves every name to the gateway."""

    address: tuple[str, int]
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, url: str, *, follow: bool = True) -> Page:
        return self._send("GET", url, follow=follow)

    def post(self, url: str, fields: dict[str, Any], *, follow: bool = True) -> Page:
        return self._send("POST", url, fields=fields, follow=follow)

    def raw(self, url: str) -> bytes:
        return self._request("GET", url, None).data

    def _send(self, method: str, url: str, *, fields: dict[str, Any] | None = None, follow: bool) -> Page:
        for _ in range(8):
            response = self._request(method, url, fields)
            location = response.headers.get("Location")
            if not (follow and location and 300 <= response.status < 400):
                break
            url = (
                location
                if "://" in location
                else f"{urlsplit(url).scheme}://{urlsplit(url).netloc}{location}"
            )
            method, fields = "GET", None
        return Page(response.status, response.data.decode("utf-8", "replace"), dict(response.headers))

    def _request(self, method: str, url: str, fields: dict[str, Any] | None) -> urllib3.BaseHTTPResponse:
        parts = urlsplit(url)
        host, port = self.address
        cookies = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        headers = {**self.headers, "Host": parts.netloc, "Cookie": cookies}
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        is_upload = any(isinstance(value, tuple) for value in (fields or {}).values())
        with urllib3.PoolManager(retries=False, timeout=30) as pool:
            response = pool.request(
                method,
                f"http://{host}:{port}{target or '/'}",
                headers=headers,
                fields=fields,
                redirect=False,
                **({"encode_multipart": is_upload} if method == "POST" else {}),
            )
        for line in response.headers.getlist("Set-Cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        return response


@pytest.fixture(name="eventually")
def eventually_fixture() -> Callable[..., Any]:
    """Hand the polling function to tests, which cannot import from a conftest."""
    return eventually


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    kubeconfig = Path(os.environ.get("KUBECONFIG") or REPOSITORY / ".build" / "kubeconfig")
    if not kubeconfig.exists():
        pytest.fail(f"no cluster: {kubeconfig} does not exist; run `make up` first")
    assert KUBECTL, "kubectl is neither on the PATH nor in .build/bin; run `make up` first"
    return Cluster(kubeconfig)


@pytest.fixture
def open_gateway(cluster: Cluster) -> Iterator[Callable[[], tuple[str, int]]]:
    """Forward a free local port to the gateway; once more after the gateway's pod was replaced."""
    with ExitStack() as forwards:

        def forward() -> tuple[str, int]:
            process = subprocess.Popen(
                [
                    str(KUBECTL),
                    "--kubeconfig",
                    str(cluster.kubeconfig),
                    "-n",
                    PLATFORM,
                    "port-forward",
                    "service/frankenpanel-gateway",
                    ":80",
                ],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            forwards.callback(process.communicate)
            forwards.callback(process.terminate)
            assert process.stdout is not None
            line = process.stdout.readline()
            assert "127.0.0.1:" in line, f"port-forward failed: {line}"
            return "127.0.0.1", int(line.split("127.0.0.1:")[1].split()[0])

        yield forward


@pytest.fixture
def visitor(open_gateway: Callable[[], tuple[str, int]]) -> Visitor:
    return Visitor(open_gateway())


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """Give each test a namespace of its own that enforces the restricted Pod Security level."""
    name = f"e2e-{uuid.uuid4().hex[:8]}"
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
        }
    )
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")


@pytest.fixture
def site_of(namespace: str) -> Callable[..., dict[str, Any]]:
    """Build a small WordPress Site of the test's namespace; keyword arguments are merged into its spec."""

    def build(name: str = "shop", **spec: Any) -> dict[str, Any]:
        return {
            "apiVersion": "frankenpanel.io/v1alpha1",
            "kind": "Site",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "source": {"preset": {"name": "wordpress", "install": {"title": f"Title of {name}"}}},
                "storage": [{"name": "content", "size": "256Mi"}],
                "deletion": {"data": "Delete"},
                **spec,
            },
        }

    return build


@pytest.fixture
def domain_of(namespace: str) -> Callable[..., dict[str, Any]]:
    """Build a Domain of the test's namespace."""

    def build(
        host: str, site: str = "shop", role: str = "Primary", name: str | None = None
    ) -> dict[str, Any]:
        return {
            "apiVersion": "frankenpanel.io/v1alpha1",
            "kind": "Domain",
            "metadata": {"name": name or host.split(".")[0].lower(), "namespace": namespace},
            "spec": {"host": host, "siteRef": {"name": site}, "role": role},
        }

    return build
