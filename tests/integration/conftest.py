"""Real servers for integration tests: a Kubernetes API server, and a small client for it.

`api_server` yields the path of a kubeconfig. It is the one that FRANKENPANEL_KUBECONFIG or KUBECONFIG names;
where neither is set, etcd and kube-apiserver are started from the build folder for the length of the run.
There are no controllers and no nodes in that server: objects are stored and validated, and nothing else
happens to them. `kubernetes_api` speaks to it without kubectl; `installed_crds` puts our CRDs into it.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import secrets
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
GENERATED_CRDS = REPOSITORY / "crds" / "generated"

START_SECONDS = 90
STOP_SECONDS = 10
REQUEST_SECONDS = 30

# The kernel ends the server when the test run dies, however it dies.
DIE_WITH_PARENT = """
import ctypes, os, signal, sys
PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
os.execv(sys.argv[1], sys.argv[1:])
"""


@dataclass(frozen=True)
class Answer:
    """What the API server said to one request."""

    status: int
    body: dict[str, Any]

    @property
    def message(self) -> str:
        return str(self.body.get("message", ""))


class _Connection(http.client.HTTPSConnection):
    """Closes itself when the thread that it belongs to has ended."""

    def __del__(self) -> None:
        self.close()


class KubernetesApi:
    """Plain requests to an API server, as the user of a kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        context = _named(config["contexts"], config["current-context"])["context"]
        self._user = _named(config["users"], context["user"])["user"]
        cluster = _named(config["clusters"], context["cluster"])["cluster"]
        self.server = cluster["server"].rstrip("/")
        self._tls = self._tls_context(cluster)
        self._connections = threading.local()

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Answer:
        """Send one request; any HTTP status is an answer, only a dead server raises."""
        headers = {"Content-Type": content_type, "Accept": accept}
        if token := self._user.get("token"):
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        try:
            return self._send(method, path, data, headers)
        except ConnectionError:
            # The server closes a connection that nobody has used for a while, or was another one then.
            self._connections.__dict__.clear()
            return self._send(method, path, data, headers)

    def _send(self, method: str, path: str, data: bytes | None, headers: Mapping[str, str]) -> Answer:
        """Send over this thread's connection: a handshake costs more than a request."""
        server = urlsplit(self.server)
        connection = self._connections.__dict__.get("own")
        if connection is None:
            connection = _Connection(server.netloc, timeout=REQUEST_SECONDS, context=self._tls)
            self._connections.own = connection
        try:
            connection.request(method, server.path + path, data, dict(headers))
            response = connection.getresponse()
            return Answer(response.status, _json_object(response.read()))
        except (OSError, http.client.HTTPException):
            connection.close()
            raise

    def apply(self, path: str, manifest: Mapping[str, Any], *, manager: str = "tests") -> Answer:
        """Server-side apply; `path` is that of the object and may carry a query."""
        separator = "&" if "?" in path else "?"
        return self.request(
            "PATCH",
            f"{path}{separator}fieldManager={manager}&force=true&fieldValidation=Strict",
            manifest,
            content_type="application/apply-patch+yaml",
        )

    def _tls_context(self, cluster: Mapping[str, Any]) -> ssl.SSLContext:
        authority = cluster.get("certificate-authority-data")
        context = ssl.create_default_context(
            cafile=cluster.get("certificate-authority"),
            cadata=base64.b64decode(authority).decode() if authority else None,
        )
        # Old-style authorities of clusters lack extensions that newer Pythons insist on.
        context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
        if "client-certificate-data" in self._user:
            _load_client_certificate(context, self._user)
        elif "client-certificate" in self._user:
            context.load_cert_chain(self._user["client-certificate"], self._user["client-key"])
        return context


def _load_client_certificate(context: ssl.SSLContext, user: Mapping[str, str]) -> None:
    """Load a certificate that the kubeconfig embeds; ssl reads files only, so through one in memory."""
    pem = b"\n".join(base64.b64decode(user[key]) for key in ("client-certificate-data", "client-key-data"))
    descriptor = os.memfd_create("client-certificate")
    try:
        os.write(descriptor, pem)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _named(items: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    return next(item for item in items if item["name"] == name)


def _json_object(data: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(data)
    except ValueError:
        return {"message": data.decode(errors="replace")}
    return parsed if isinstance(parsed, dict) else {"message": str(parsed)}


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for item in sockets:
            item.bind(("127.0.0.1", 0))
        return [item.getsockname()[1] for item in sockets]


@contextmanager
def _running(arguments: Sequence[str], log_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the block ends; its output goes to `log_path`."""
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", DIE_WITH_PARENT, *arguments], stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(
    api: KubernetesApi, processes: Mapping[str, subprocess.Popen[bytes]], logs: Path
) -> None:
    """Wait for /readyz, or raise with the end of the log of what died or never came up."""
    deadline = time.monotonic() + START_SECONDS
    last = "no answer"
    while time.monotonic() < deadline:
        for name, process in processes.items():
            if process.poll() is not None:
                raise RuntimeError(f"{name} ended with {process.returncode}:\n{_tail(logs / f'{name}.log')}")
        try:
            answer = api.request("GET", "/readyz")
        except OSError as error:
            last = str(error)
        else:
            if answer.status == 200:
                return
            last = answer.message
        time.sleep(0.1)
    raise TimeoutError(f"kube-apiserver is not ready after {START_SECONDS} s, last: {last}")


def _tail(path: Path, lines: int = 15) -> str:
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def _wait_for_file(path: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not path.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"kube-apiserver wrote no {path.name}")
        time.sleep(0.05)


def _service_account_key() -> bytes:
    """Return a fresh EC private key in PEM (RFC 5915; the public part is derived by the reader)."""
    der = (
        bytes.fromhex("30310201010420") + secrets.token_bytes(32) + bytes.fromhex("a00a06082a8648ce3d030107")
    )
    body = base64.encodebytes(der)
    return b"-----BEGIN EC PRIVATE KEY-----\n" + body + b"-----END EC PRIVATE KEY-----\n"


def _etcd_arguments(program: Path, data: Path, client_port: int, peer_port: int) -> list[str]:
    client, peer = f"http://127.0.0.1:{client_port}", f"http://127.0.0.1:{peer_port}"
    return [
        str(program),
        f"--data-dir={data}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",  # the data dies with the test run
    ]


def _apiserver_arguments(program: Path, folder: Path, etcd_port: int, port: int) -> list[str]:
    return [
        str(program),
        f"--etcd-servers=http://127.0.0.1:{etcd_port}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--endpoint-reconciler-type=none",
        f"--secure-port={port}",
        f"--cert-dir={folder}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder / 'service-accounts.key'}",
        f"--service-account-signing-key-file={folder / 'service-accounts.key'}",
        # Nobody makes service accounts here, and pods are created without one.
        "--disable-admission-plugins=ServiceAccount",
        "--allow-privileged=true",
        "--profiling=false",
    ]


def _write_kubeconfig(folder: Path, port: int, token: str) -> Path:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "integration",
        "clusters": [
            {
                "name": "integration",
                "cluster": {
                    "server": f"https://127.0.0.1:{port}",
                    "certificate-authority": str(folder / "apiserver.crt"),
                },
            }
        ],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "integration", "context": {"cluster": "integration", "user": "admin"}}],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def _program(*names: str) -> Path:
    """Return the first of the programs that the build folder has."""
    folder = Path(os.environ.get("FRANKENPANEL_BUILD_DIR") or REPOSITORY / ".build") / "bin"
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(
        f"{names[0]} is not in {folder}: run `make up` once, which builds it, or name a cluster by "
        "FRANKENPANEL_KUBECONFIG"
    )


@contextmanager
def _local_api_server(folder: Path) -> Iterator[Path]:
    """Run etcd and kube-apiserver, and yield the kubeconfig of a cluster administrator."""
    programs = _program("kube-apiserver"), _program("etcd", "server")
    port, etcd_port, peer_port = _free_ports(3)
    token = secrets.token_hex(16)
    (folder / "tokens.csv").write_text(f'{token},admin,admin,"system:masters"\n', encoding="utf-8")
    (folder / "service-accounts.key").write_bytes(_service_account_key())
    apiserver_arguments = _apiserver_arguments(programs[0], folder, etcd_port, port)
    etcd_arguments = _etcd_arguments(programs[1], folder / "etcd", etcd_port, peer_port)
    with (
        _running(etcd_arguments, folder / "etcd.log") as etcd,
        _running(apiserver_arguments, folder / "kube-apiserver.log") as apiserver,
    ):
        _wait_for_file(folder / "apiserver.crt", apiserver)
        kubeconfig = _write_kubeconfig(folder, port, token)
        _wait_until_ready(KubernetesApi(kubeconfig), {"etcd": etcd, "kube-apiserver": apiserver}, folder)
        yield kubeconfig


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield the kubeconfig of a real API server; its user may do everything."""
    if named := os.environ.get("FRANKENPANEL_KUBECONFIG") or os.environ.get("KUBECONFIG"):
        yield Path(named.split(os.pathsep)[0])
        return
    with _local_api_server(tmp_path_factory.mktemp("api-server")) as kubeconfig:
        yield kubeconfig


@pytest.fixture(scope="session")
def kubernetes_api(api_server: Path) -> KubernetesApi:
    """Return a client that sends plain requests to the API server."""
    return KubernetesApi(api_server)


@pytest.fixture(scope="session")
def installed_crds(kubernetes_api: KubernetesApi) -> list[str]:
    """Put our CRDs into the API server, wait until it serves them, and return their names."""
    names = []
    for path in sorted(GENERATED_CRDS.glob("*.yaml")):
        manifest = yaml.safe_load(path.read_text(encoding="utf-8"))
        name = manifest["metadata"]["name"]
        answer = kubernetes_api.apply(_crd_path(name), manifest)
        assert answer.status in {200, 201}, answer.message
        names.append(name)
    for name in names:
        _wait_until_established(kubernetes_api, name)
    return names


def _crd_path(name: str) -> str:
    return f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"


def _wait_until_established(api: KubernetesApi, name: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    conditions: dict[str, str] = {}
    while time.monotonic() < deadline:
        body = api.request("GET", _crd_path(name)).body
        # A definition made just now may say null.
        found = body.get("status", {}).get("conditions") or []
        conditions = {condition["type"]: condition["status"] for condition in found}
        version = body["spec"]["versions"][0]["name"]
        listed = api.request("GET", f"/apis/{body['spec']['group']}/{version}").body.get("resources") or []
        plural = body["spec"]["names"]["plural"]
        if conditions.get("Established") == "True" and any(item["name"] == plural for item in listed):
            return
        time.sleep(0.1)
    raise TimeoutError(f"{name} is not served after {START_SECONDS} s, conditions: {conditions}")


@pytest.fixture
def namespace(kubernetes_api: KubernetesApi) -> Iterator[str]:
    """Yield the name of a fresh namespace, deleted (as far as controllers run) afterwards."""
    name = f"test-{secrets.token_hex(4)}"
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    answer = kubernetes_api.request("POST", "/api/v1/namespaces", manifest)
    assert answer.status == 201, answer.message
    yield name
    kubernetes_api.request("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture(scope="session")
def object_path() -> Callable[[Mapping[str, Any]], str]:
    """Return a function from a manifest of one of our kinds to the path of the object."""
    plurals = {}
    for path in GENERATED_CRDS.glob("*.yaml"):
        spec = yaml.safe_load(path.read_text(encoding="utf-8"))["spec"]
        plurals[spec["names"]["kind"]] = (spec["names"]["plural"], spec["scope"] == "Namespaced")

    def path_of(manifest: Mapping[str, Any]) -> str:
        plural, is_namespaced = plurals[manifest["kind"]]
        metadata = manifest["metadata"]
        scope = f"/namespaces/{metadata['namespace']}" if is_namespaced else ""
        return f"/apis/{manifest['apiVersion']}{scope}/{plural}/{metadata['name']}"

    return path_of
