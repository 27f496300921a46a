"""An API server and its etcd for one measurement: fresh, with fsync, and with a log of who asked for what.

Nobody under test is `system:masters`, so that the server's fairness queues treat it as they treat every pod.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext, create_default_context
from typing import Any

from measuring.processes import Program, free_ports

REPOSITORY = Path(__file__).parents[2]
PLATFORM = "frankenpanel-system"
CREATOR = "creator"
START_SECONDS = 120.0
_ETCD_QUOTA = 8 << 30
# On a disk, the log would go with every fsync of etcd.
_MEMORY = "/dev/shm"


def account(name: str) -> str:
    """Return the user name of a pod's account."""
    return f"system:serviceaccount:{PLATFORM}:{name}"


REPLICAS = {"a": account("operator-a"), "b": account("operator-b")}
OTHER = account("other")


@dataclass(frozen=True)
class Cluster:
    """A running API server, how to reach it, and as whom."""

    folder: Path
    audit_path: Path
    port: int
    tokens: dict[str, str]
    apiserver: Program
    etcd: Program

    @property
    def server(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def authority(self) -> Path:
        return self.folder / "apiserver.crt"

    def tls(self) -> SSLContext:
        context = create_default_context(cafile=str(self.authority))
        # The server's self-signed authority lacks extensions that newer Pythons insist on.
        context.verify_flags &= ~0x20
        return context

    def kubeconfig(self, user: str) -> Path:
        """Write and return the kubeconfig of a user."""
        where = {"server": self.server, "certificate-authority": str(self.authority)}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "benchmark",
            "clusters": [{"name": "benchmark", "cluster": where}],
            "users": [{"name": "user", "user": {"token": self.tokens[user]}}],
            "contexts": [{"name": "benchmark", "context": {"cluster": "benchmark", "user": "user"}}],
        }
        path = self.folder / f"{user.rpartition(':')[2]}.kubeconfig"
        path.write_text(json.dumps(config))
        return path


@contextmanager
def fresh_cluster() -> Iterator[Cluster]:
    """Run etcd and kube-apiserver in a folder of their own, which goes with them."""
    folder, log_folder = _new_folder(None), _new_folder(_MEMORY if Path(_MEMORY).is_dir() else None)
    audit_path = log_folder / "audit.log"
    port, etcd_port, peer_port = free_ports(3)
    tokens = {user: secrets.token_hex(16) for user in (CREATOR, OTHER, *REPLICAS.values())}
    _write_files(folder, tokens)
    programs: list[Program] = []
    try:
        programs.append(Program(_etcd(folder, etcd_port, peer_port), folder / "etcd.log"))
        programs.append(
            Program(_apiserver(folder, audit_path, etcd_port, port), folder / "kube-apiserver.log")
        )
        cluster = Cluster(folder, audit_path, port, tokens, apiserver=programs[1], etcd=programs[0])
        _wait_until_ready(cluster)
        yield cluster
    finally:
        for program in reversed(programs):
            program.kill()
        for each in (folder, log_folder):
            shutil.rmtree(each, ignore_errors=True)


def _new_folder(parent: str | None) -> Path:
    return Path(tempfile.mkdtemp(prefix="bench-operator-", dir=parent))


def program_path(name: str) -> str:
    folder = Path(os.environ.get("FRANKENPANEL_BUILD_DIR") or REPOSITORY / ".build") / "bin"
    path = folder / name
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: `make bench-operator` builds it")
    return str(path)


def _etcd(folder: Path, client_port: int, peer_port: int) -> list[str]:
    client, peer = f"http://127.0.0.1:{client_port}", f"http://127.0.0.1:{peer_port}"
    return [
        program_path("etcd"),
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        f"--quota-backend-bytes={_ETCD_QUOTA}",
    ]


def _apiserver(folder: Path, audit_path: Path, etcd_port: int, port: int) -> list[str]:
    key = folder / "service-accounts.key"
    return [
        program_path("kube-apiserver"),
        f"--etcd-servers=http://127.0.0.1:{etcd_port}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--endpoint-reconciler-type=none",
        f"--secure-port={port}",
        f"--cert-dir={folder}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.96.0.0/12",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        # Nobody makes service accounts for namespaces here.
        "--disable-admission-plugins=ServiceAccount",
        "--profiling=false",
        f"--audit-policy-file={folder / 'audit-policy.json'}",
        f"--audit-log-path={audit_path}",
        # Never rotated: the benchmark reads on from where it was.
        "--audit-log-maxsize=1000000",
    ]


def _write_files(folder: Path, tokens: dict[str, str]) -> None:
    lines = []
    for user, token in tokens.items():
        groups = "system:masters" if user == CREATOR else "system:serviceaccounts"
        lines.append(f'{token},{user},{user},"{groups}"')
    (folder / "tokens.csv").write_text("\n".join(lines) + "\n")
    (folder / "service-accounts.key").write_bytes(_service_account_key())
    (folder / "audit-policy.json").write_text(json.dumps(_audit_policy()))


def _audit_policy() -> dict[str, Any]:
    """Log every request of the operators, and of the creator what measurements begin with."""
    writes = ["create", "update", "patch", "delete"]
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived", "ResponseStarted"],
        "rules": [
            {"level": "None", "verbs": ["watch"]},
            {"level": "None", "nonResourceURLs": ["*"]},
            {"level": "Metadata", "users": list(REPLICAS.values())},
            {"level": "Metadata", "users": [CREATOR], "verbs": writes},
            {"level": "None"},
        ],
    }


def _service_account_key() -> bytes:
    """Return a fresh EC private key in PEM (RFC 5915; the public part is derived by the reader)."""
    der = (
        bytes.fromhex("30310201010420") + secrets.token_bytes(32) + bytes.fromhex("a00a06082a8648ce3d030107")
    )
    body = base64.encodebytes(der)
    return b"-----BEGIN EC PRIVATE KEY-----\n" + body + b"-----END EC PRIVATE KEY-----\n"


def _wait_until_ready(cluster: Cluster) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        for program in (cluster.etcd, cluster.apiserver):
            if not program.is_running():
                raise RuntimeError(f"{program.log_path.name}:\n{program.tail()}")
        if cluster.authority.exists() and _is_ready(cluster):
            return
        time.sleep(0.1)
    raise TimeoutError(f"the API server is not ready after {START_SECONDS:.0f} s\n{cluster.apiserver.tail()}")


def _is_ready(cluster: Cluster) -> bool:
    headers = {"Authorization": f"Bearer {cluster.tokens[CREATOR]}"}
    request = urllib.request.Request(f"{cluster.server}/readyz", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10, context=cluster.tls()) as response:
            return bool(response.status == 200)
    except OSError:
        return False
