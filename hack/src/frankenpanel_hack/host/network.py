"""The node's own bridge and the kernel settings that pods need."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from frankenpanel_hack.host.places import NODE_ADDRESS, NODE_BRIDGE, POD_BRIDGE
from frankenpanel_hack.images.commands import quiet
from frankenpanel_hack.programs import capture

SYSCTL_ROOT = Path("/proc/sys")
WANTED_SYSCTLS = {
    "net/ipv4/ip_forward": "1",
    # Without it, replies between two pods on the bridge would skip the rules that undo a Service's address.
    "net/bridge/bridge-nf-call-iptables": "1",
}
# kubelet writes these when it starts; they are put back by `down`.
KUBELET_SYSCTLS = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)


def create_node_bridge() -> None:
    """Give the node an address that no change of the machine's own network touches."""
    if NODE_BRIDGE not in links():
        capture(["ip", "link", "add", NODE_BRIDGE, "type", "bridge"])
    if not has_address(_addresses(), NODE_ADDRESS):
        capture(["ip", "address", "add", f"{NODE_ADDRESS}/32", "dev", NODE_BRIDGE])
    capture(["ip", "link", "set", NODE_BRIDGE, "up"])


def links() -> set[str]:
    """Return the names of the host's network devices."""
    return {entry["ifname"] for entry in json.loads(capture(["ip", "-json", "link", "show"]))}


def remove_bridges() -> None:
    """Remove both bridges and what is plugged into the pods' one."""
    for link in json.loads(capture(["ip", "-json", "link", "show"])):
        if link.get("master") == POD_BRIDGE:
            quiet(["ip", "link", "delete", link["ifname"]], os.environ)
    for bridge in links() & {NODE_BRIDGE, POD_BRIDGE}:
        capture(["ip", "link", "delete", bridge])


def has_address(entries: list[dict[str, Any]], address: str) -> bool:
    """Tell whether any device of `ip -json address` has the address."""
    return any(info.get("local") == address for entry in entries for info in entry.get("addr_info", ()))


def _addresses() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(capture(["ip", "-json", "address", "show"]))
    return entries


def read_sysctls(root: Path = SYSCTL_ROOT) -> dict[str, str]:
    """Return the settings that the cluster changes, as they are now."""
    names = (*WANTED_SYSCTLS, *KUBELET_SYSCTLS)
    return {name: (root / name).read_text().strip() for name in names if (root / name).is_file()}


def write_sysctls(values: Mapping[str, str], root: Path = SYSCTL_ROOT) -> None:
    """Write settings that differ; those this kernel does not have are left out."""
    for name, value in values.items():
        path = root / name
        if path.is_file() and path.read_text().strip() != value:
            path.write_text(value)


def load_kernel_modules() -> None:
    """Load what the rules need; a kernel that has them built in has no modules to load."""
    for module in ("br_netfilter", "overlay", "nf_conntrack"):
        quiet(["modprobe", "--quiet", module], {"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"})
