"""Bring the node on this host to life, from whatever state it is in."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from frankenpanel_hack.host import configuration, network
from frankenpanel_hack.host.containerd import Containerd
from frankenpanel_hack.host.mounts import MOUNTS, mounts_at
from frankenpanel_hack.host.places import (
    KUBELET_DIR,
    KUBERNETES_DIR,
    NODE_NAME,
    RUN_DIR,
    SHARED_DIRS,
    SYSTEM_DIRS,
    HostPlaces,
)
from frankenpanel_hack.host.preflight import mark_owner, refuse_foreign_cluster
from frankenpanel_hack.host.processes import descendants, end_processes, orphans, read_processes, shims
from frankenpanel_hack.host.state import HostState, current_boot_id, read_state, write_state
from frankenpanel_hack.host.supervisor import LOCK_FILE
from frankenpanel_hack.images.commands import CommandFailedError, OnOutput, quiet, run_streamed
from frankenpanel_hack.inputs import Stamps, hash_files, hash_values
from frankenpanel_hack.kubectl import Kubectl
from frankenpanel_hack.polling import wait_until
from frankenpanel_hack.programs import cluster_environment

_STUB_RESOLVER = "127.0.0.53"
_REAL_RESOLV_CONF = Path("/run/systemd/resolve/resolv.conf")
# Written when the daemons are started: with what, and, by its age, when.
DIGEST_STAMP = "supervisor.digest"
_NODE_VARIABLES = ("PATH", "HOME", "LANG", "TZ")


def prepare_host(places: HostPlaces, on_output: OnOutput) -> None:
    """Create folders, devices, kernel settings and configuration; write down first what was there before."""
    state = read_state(places.state_file)
    refuse_foreign_cluster(places.layout.build_dir, state)
    state = state or first_state()
    rebooted = state.boot_id not in ("", current_boot_id())
    state.boot_id = current_boot_id()
    write_state(places.state_file, state)
    if rebooted:
        on_output("the machine was restarted: run-time state is made anew")
        forget_run_time_state()
    for folder in (RUN_DIR, places.containerd_root, places.volumes_dir, places.layout.logs_dir, *SYSTEM_DIRS):
        folder.mkdir(parents=True, exist_ok=True)
    mark_owner(places.layout.build_dir)
    network.load_kernel_modules()
    network.create_node_bridge()
    network.write_sysctls(network.WANTED_SYSCTLS)
    _write_configuration(places)


def first_state() -> HostState:
    """Return what this host is like before anything is changed."""
    created = [
        str(folder) for folder in (*SYSTEM_DIRS, *SHARED_DIRS, Path("/lib/modules")) if not folder.exists()
    ]
    mounts = MOUNTS.read_text()
    before = {str(folder): mounts_at(mounts, folder) for folder in SYSTEM_DIRS}
    return HostState(previous_sysctls=network.read_sysctls(), mounts_before=before, created_dirs=created)


def forget_run_time_state() -> None:
    """Remove sockets, locks and addresses of processes that a restart of the machine has ended."""
    shutil.rmtree(RUN_DIR, ignore_errors=True)


def _write_configuration(places: HostPlaces) -> None:
    places.cni_dir.mkdir(parents=True, exist_ok=True)
    (places.cni_dir / "10-frankenpanel.conflist").write_text(json.dumps(configuration.cni_config(), indent=2))
    config = configuration.toml_text(configuration.containerd_config(places))
    places.containerd_config.write_text(config, encoding="utf-8")
    documents = configuration.kubeadm_documents(places, resolv_conf_path())
    places.kubeadm_config.write_text(yaml.safe_dump_all(documents, sort_keys=False), encoding="utf-8")


def resolv_conf_path(resolv_conf: Path = Path("/etc/resolv.conf"), real: Path = _REAL_RESOLV_CONF) -> str:
    """Return the file with name servers that pods can reach, not systemd-resolved's stub on the loopback."""
    stub = resolv_conf.is_file() and _STUB_RESOLVER in resolv_conf.read_text(errors="replace")
    return str(real if stub and real.is_file() else resolv_conf)


def start_daemons(places: HostPlaces, on_output: OnOutput) -> None:
    """Have containerd and kubelet running with today's programs and configuration."""
    digest = _daemons_digest(places)
    stamps = Stamps(RUN_DIR)
    end_orphans(places, on_output)
    if not supervisor_runs() or not stamps.matches(DIGEST_STAMP, digest):
        stop_supervisor(places)
        _spawn_supervisor(places, digest)
        stamps.write(DIGEST_STAMP, digest)
        on_output("containerd and kubelet are started")
    Containerd(places).wait_ready(on_output)


def end_orphans(places: HostPlaces, on_output: OnOutput) -> None:
    """End what is left of pods whose shim was killed."""
    left = orphans(read_processes(), places.containerd_socket)
    if left:
        on_output(f"ending {len(left)} processes of pods that nothing holds any more")
        end_processes(left, grace_seconds=0)


def end_pods(places: HostPlaces) -> None:
    """End every pod, whoever holds it."""
    processes = read_processes()
    held = descendants(processes, shims(processes, places.containerd_socket))
    end_processes(held | orphans(processes, places.containerd_socket), grace_seconds=3)


def supervisor_runs() -> bool:
    """Tell whether the supervisor holds its lock."""
    if not LOCK_FILE.is_file():
        return False
    with LOCK_FILE.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def stop_supervisor(places: HostPlaces) -> None:
    """End the supervisor, and with it containerd and kubelet; pods go on."""
    if supervisor_runs():
        end_processes([int(places.supervisor_pid.read_text())], grace_seconds=15)


def _spawn_supervisor(places: HostPlaces, digest: str) -> None:
    log_path = places.layout.logs_dir / "supervisor.log"
    with log_path.open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "frankenpanel_hack.host.supervisor", str(places.layout.build_dir), digest],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
            # Nothing of the caller's environment, which may hold secrets, goes on to live in a daemon.
            env={name: os.environ[name] for name in _NODE_VARIABLES if name in os.environ},
        )


def _daemons_digest(places: HostPlaces) -> str:
    kubelet = (places.layout.bin_dir / "kubelet").stat()
    return hash_values([hash_files([places.containerd_config]), kubelet.st_size, kubelet.st_mtime_ns])


def initialise_control_plane(places: HostPlaces, on_output: OnOutput) -> None:
    """Run `kubeadm init`; it completes what an interrupted run has left and takes up existing data."""
    stamps = Stamps(places.layout.cluster_dir / "stamps")
    digest = hash_files([places.kubeadm_config])
    admin = KUBERNETES_DIR / "admin.conf"
    client_certificate = KUBELET_DIR / "pki" / "kubelet-client-current.pem"
    if not stamps.matches("kubeadm", digest, [admin, KUBELET_DIR / "config.yaml", client_certificate]):
        if not client_certificate.exists():
            # kubeadm would keep a kubeconfig that names a certificate which is gone.
            (KUBERNETES_DIR / "kubelet.conf").unlink(missing_ok=True)
        _run_kubeadm(places, on_output)
        stamps.write("kubeadm", digest)
    publish_kubeconfig(admin, places.layout.kubeconfig)


def _run_kubeadm(places: HostPlaces, on_output: OnOutput) -> None:
    environment = cluster_environment(os.environ, [str(places.layout.bin_dir)])
    kubeadm = str(places.layout.bin_dir / "kubeadm")
    config = f"--config={places.kubeadm_config}"
    # Its checks want a service manager and no swap, and ask registries for images that are here already.
    # Its CoreDNS step fails where a CoreDNS is that this kubeadm's table of upgrades does not know.
    skipped = "--skip-phases=preflight,addon/coredns"
    run_streamed([kubeadm, "init", config, skipped, "--skip-token-print"], environment, on_output)
    kubectl = [str(places.layout.bin_dir / "kubectl"), f"--kubeconfig={KUBERNETES_DIR / 'admin.conf'}"]
    if not quiet([*kubectl, "get", "deployment", "coredns", "--namespace=kube-system"], environment):
        run_streamed([kubeadm, "init", "phase", "addon", "coredns", config], environment, on_output)


def publish_kubeconfig(admin: Path, kubeconfig: Path) -> None:
    """Copy the administrator's kubeconfig to where people and tests look for it."""
    if kubeconfig.is_file() and kubeconfig.read_bytes() == admin.read_bytes():
        return
    part = kubeconfig.with_suffix(".part")
    part.touch(mode=0o600)
    part.write_bytes(admin.read_bytes())
    part.replace(kubeconfig)


def wait_for_node(kubectl: Kubectl, on_output: OnOutput) -> None:
    """Wait until the API server answers and this run's kubelet says that the node takes pods."""
    started_at = datetime.fromtimestamp((RUN_DIR / DIGEST_STAMP).stat().st_mtime, tz=UTC)

    def missing() -> str | None:
        try:
            # Before its start-up hooks have run, the API server refuses even administrators.
            kubectl.text("get", "--raw=/readyz", "--request-timeout=5s")
            node = kubectl.json("get", "node", NODE_NAME, "--request-timeout=5s")
            lease = kubectl.json(
                "get", "lease", NODE_NAME, "--namespace=kube-node-lease", "--request-timeout=5s"
            )
        except CommandFailedError as error:
            return error.last_lines[-1] if error.last_lines else "no answer"
        return not_ready_reason(node, lease, started_at)

    wait_until("the node", missing, 240, on_output)


def not_ready_reason(node: dict[str, Any], lease: dict[str, Any], started_at: datetime) -> str | None:
    """Return why the node takes no pods, or None; what an earlier kubelet wrote counts for nothing."""
    if datetime.fromisoformat(lease["spec"]["renewTime"]) < started_at:
        return "kubelet has not reported since it was started"
    ready = next(
        (c for c in node["status"].get("conditions", ()) if c["type"] == "Ready"), {"status": "Unknown"}
    )
    return None if ready["status"] == "True" else str(ready.get("message", "not Ready"))
