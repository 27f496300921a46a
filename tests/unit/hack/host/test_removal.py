from pathlib import Path

from frankenpanel_hack.host.mounts import mounts_at, mounts_below
from frankenpanel_hack.host.network import has_address, write_sysctls
from frankenpanel_hack.host.packages import missing_packages
from frankenpanel_hack.host.state import HostState, read_state, write_state

MOUNTS = """\
/dev/vda / ext4 rw 0 0
/dev/vdb /run/frankenpanel ext4 rw 0 0
tmpfs /run/frankenpanel/containerd/a tmpfs rw 0 0
overlay /run/frankenpanel/containerd/a/rootfs overlay rw 0 0
tmpfs /run/frankenpanel2 tmpfs rw 0 0
tmpfs /b/with\\040space tmpfs rw 0 0
"""


def test_mounts_come_last_first_and_only_from_below_the_folders() -> None:
    assert mounts_below(MOUNTS, [Path("/run/frankenpanel"), Path("/b")]) == [
        "/b/with space",
        "/run/frankenpanel/containerd/a/rootfs",
        "/run/frankenpanel/containerd/a",
    ]


def test_stacked_mounts_are_counted() -> None:
    assert mounts_at(MOUNTS * 2, Path("/run/frankenpanel")) == 2
    assert mounts_at(MOUNTS, Path("/b")) == 0


def test_the_undo_list_survives_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "cluster" / "state.json"
    assert read_state(path) is None
    state = HostState("boot", {"net/ipv4/ip_forward": "0"}, {"/etc": 1}, ["/etc/kubernetes"], ["ipset"])
    write_state(path, state)
    assert read_state(path) == state


def test_settings_are_put_back_and_missing_ones_left_out(tmp_path: Path) -> None:
    (tmp_path / "vm").mkdir()
    (tmp_path / "vm" / "overcommit_memory").write_text("1\n")
    write_sysctls({"vm/overcommit_memory": "0", "net/none": "1"}, tmp_path)
    assert (tmp_path / "vm" / "overcommit_memory").read_text() == "0"
    assert not (tmp_path / "net").exists()


def test_an_address_is_found_on_any_device() -> None:
    entries = [{"ifname": "lo", "addr_info": [{"local": "127.0.0.1"}]}, {"ifname": "x"}]
    assert has_address(entries, "127.0.0.1")
    assert not has_address(entries, "10.199.0.1")


def test_only_what_is_missing_is_installed() -> None:
    assert missing_packages(lambda need: need not in {"ipset", "ctr", "containerd"}) == [
        "containerd",
        "ipset",
    ]
    assert missing_packages(lambda _: True) == []
