"""etcd and kube-apiserver for the length of a test run: objects are stored and validated, nothing else."""

from __future__ import annotations

import base64
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml
from api_audit import audit_arguments
from kubernetes_api import KubernetesApi

REPOSITORY = Path(__file__).parents[2]
START_SECONDS = 90
STOP_SECONDS = 10
# Users beside the administrator, whose writes are found in the audit log: operators that compete.
REPLICAS = ("replica-a", "replica-b")

# The kernel ends the server when the test run dies, however it dies.
DIE_WITH_PARENT = """
import ctypes, os, signal, sys
PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
os.execv(sys.argv[1], sys.argv[1:])
"""


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
        *audit_arguments(folder, REPLICAS),
    ]


def _write_tokens(folder: Path, tokens: Mapping[str, str]) -> None:
    """Let each user do everything."""
    lines = [f'{token},{user},{user},"system:masters"\n' for user, token in tokens.items()]
    (folder / "tokens.csv").write_text("".join(lines), encoding="utf-8")


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


def kubeconfig_of(replica: str, kubeconfig: Path) -> Path:
    """Write the kubeconfig of one of REPLICAS beside the administrator's, and return its path."""
    config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    user = config["users"][0]["user"]
    config["users"][0]["user"] = {"token": f"{user['token']}-{replica}"}
    path = kubeconfig.with_name(f"kubeconfig-{replica}")
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
def local_api_server(folder: Path) -> Iterator[Path]:
    """Run etcd and kube-apiserver, and yield the kubeconfig of a cluster administrator."""
    programs = _program("kube-apiserver"), _program("etcd", "server")
    port, etcd_port, peer_port = _free_ports(3)
    token = secrets.token_hex(16)
    _write_tokens(folder, {"admin": token, **{name: f"{token}-{name}" for name in REPLICAS}})
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
