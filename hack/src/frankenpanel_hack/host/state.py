"""What the cluster changed on this host, written down before it is changed, so that `down` can undo it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")


@dataclass
class HostState:
    """The undo list.

    Attributes:
        boot_id: the boot in which the cluster was last started.
        previous_sysctls: kernel settings as they were before.
        mounts_before: how often something was mounted at folders that programs have compiled in.
        created_dirs: folders outside the build folder that were not there before.
        installed_packages: Debian packages that were missing; `down` leaves them in place.
    """

    boot_id: str = ""
    previous_sysctls: dict[str, str] = field(default_factory=dict)
    mounts_before: dict[str, int] = field(default_factory=dict)
    created_dirs: list[str] = field(default_factory=list)
    installed_packages: list[str] = field(default_factory=list)


def read_state(path: Path) -> HostState | None:
    """Return the state, or None when no cluster was made."""
    try:
        return HostState(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def write_state(path: Path, state: HostState) -> None:
    """Write the state, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(asdict(state), indent=2) + "\n", encoding="utf-8")
    part.replace(path)


def current_boot_id() -> str:
    """Return the kernel's name of this boot."""
    return BOOT_ID_FILE.read_text(encoding="ascii").strip()
