"""Take away everything that the cluster on this host made; safe to repeat, and after half an `up`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from frankenpanel_hack.host import network
from frankenpanel_hack.host.mounts import unmount, unmount_below, unmount_down_to
from frankenpanel_hack.host.node import end_pods, stop_supervisor
from frankenpanel_hack.host.places import (
    KUBELET_DIR,
    NETWORK_NAME,
    RUN_DIR,
    SHARED_DIRS,
    SYSTEM_DIRS,
    HostPlaces,
)
from frankenpanel_hack.host.preflight import is_ours
from frankenpanel_hack.host.processes import daemons, end_processes, read_processes
from frankenpanel_hack.host.rules import remove_rules
from frankenpanel_hack.host.state import HostState, read_state
from frankenpanel_hack.images.commands import OnOutput
from frankenpanel_hack.polling import wait_until

_CGROUP_ROOT = Path("/sys/fs/cgroup")
_NETWORK_NAMESPACES = (Path("/run/netns"), Path("/var/run/netns"))


def is_here(places: HostPlaces) -> bool:
    """Tell whether there is anything of this build folder's cluster to remove."""
    return places.state_file.exists() or is_ours(places.layout.build_dir, None)


def end_everything(places: HostPlaces) -> None:
    """End all processes of the cluster, those that would start others first."""
    stop_supervisor(places)
    kubelet = places.layout.bin_dir / "kubelet"
    end_processes(daemons(read_processes(), places.containerd_config, kubelet), grace_seconds=5)
    end_pods(places)


def remove_cluster(places: HostPlaces, on_output: OnOutput) -> None:
    """Remove processes, mounts, devices, rules, settings and files, in this order."""
    state = read_state(places.state_file) or HostState()
    # Without the mark, what looks like ours on this host is some other cluster's.
    if is_ours(places.layout.build_dir, read_state(places.state_file)):
        on_output("ending the processes")
        end_everything(places)
        on_output("removing mounts, network devices and rules")
        unmount_below(_mount_roots(places))
        for folder in SYSTEM_DIRS:
            unmount_down_to(folder, state.mounts_before.get(str(folder), 0))
        _remove_network()
        network.write_sysctls(state.previous_sysctls)
        _remove_pod_cgroups(on_output)
        on_output("removing files")
        _remove_system_files(state)
        _remove_shared_files(state)
    _remove_created_dirs(state)
    places.layout.kubeconfig.unlink(missing_ok=True)
    shutil.rmtree(places.layout.cluster_dir, ignore_errors=True)


def _remove_network() -> None:
    namespaces = _cni_namespaces()
    network.remove_bridges()
    remove_rules()
    for path in namespaces:
        unmount(path)
        path.unlink(missing_ok=True)


def _mount_roots(places: HostPlaces) -> list[Path]:
    return [KUBELET_DIR, RUN_DIR, places.layout.cluster_dir]


def _cni_namespaces() -> list[Path]:
    # The names that containerd's CRI plugin gives, unlike those of `ip netns add`.
    return sorted({path.resolve() for folder in _NETWORK_NAMESPACES for path in folder.glob("cni-*-*")})


def _remove_pod_cgroups(on_output: OnOutput) -> None:
    groups = [path for pattern in ("kubepods", "*/kubepods") for path in _CGROUP_ROOT.glob(pattern)]

    def left() -> str | None:
        for group in groups:
            for folder, _, _ in os.walk(group, topdown=False):
                _remove_cgroup(Path(folder))
        remaining = [str(group) for group in groups if group.exists()]
        return ", ".join(remaining) or None

    wait_until("empty control groups", left, 15, on_output, interval_seconds=0.1)


def _remove_cgroup(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        # The kernel takes a moment to notice that the last process has ended.
        return


def _remove_system_files(state: HostState) -> None:
    shutil.rmtree(RUN_DIR, ignore_errors=True)
    # The folder with the mark goes last, so that an interrupted removal is taken up again.
    for folder in reversed(SYSTEM_DIRS):
        _empty(folder, remove=str(folder) in state.created_dirs)


def _remove_shared_files(state: HostState) -> None:
    others = [
        process for process in read_processes() if Path(process.command[0]).name.startswith("containerd")
    ]
    for folder in SHARED_DIRS:
        if str(folder) in state.created_dirs and not others:
            shutil.rmtree(folder, ignore_errors=True)
    for path in (SHARED_DIRS[0] / "results").glob(f"{NETWORK_NAME}-*"):
        path.unlink(missing_ok=True)


def _remove_created_dirs(state: HostState) -> None:
    for folder in map(Path, state.created_dirs):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _empty(folder: Path, *, remove: bool) -> None:
    if not folder.is_dir():
        return
    if remove:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
