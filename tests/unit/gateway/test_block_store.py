from __future__ import annotations

import os

import pytest
from frankenpanel_gateway.block_store import BlockStore
from frankenpanel_gateway.block_watcher import BlockListWatcher
from frankenpanel_gateway.metrics import Metrics


def blocked(root):
    top = root / "blocked"
    found = {path.relative_to(top).as_posix() for path in top.rglob("*") if path.is_file()}
    assert ("any" in found) == (len(found) > 1)
    return found - {"any"}


def test_a_list_replaces_the_one_before(tmp_path):
    store = BlockStore(tmp_path)
    store.replace_all({"203.0.113.7", "203.0.113.0/24", "2001:db8::/64"})
    assert blocked(tmp_path) == {"203.0.113.7", "203.0.113.0/24", "2001:db8::/64"}
    store.replace_all({"203.0.113.8"})
    assert blocked(tmp_path) == {"203.0.113.8"}
    assert sorted(os.listdir(tmp_path / "blocklists")) == ["1", "2"]
    BlockStore(tmp_path).replace_all(set())
    assert blocked(tmp_path) == set()
    assert sorted(os.listdir(tmp_path / "blocklists")) == ["2", "3"]


def test_what_a_killed_run_left_is_no_hindrance(tmp_path):
    (tmp_path / "blocklists" / "1").mkdir(parents=True)
    (tmp_path / "blocklists" / "next").symlink_to("nowhere")
    BlockStore(tmp_path).replace_all({"203.0.113.7"})
    assert blocked(tmp_path) == {"203.0.113.7"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mounted" / "networks"


@pytest.fixture
def watcher(tmp_path, path):
    return BlockListWatcher(path, BlockStore(tmp_path), Metrics())


def mount(path, text, number):
    """Change the file as the kubelet does: a new folder, and a link renamed onto the old one."""
    folder = path.parent / f"..{number}"
    folder.mkdir(parents=True)
    (folder / "networks").write_text(text)
    link = path.parent / "..new"
    link.symlink_to(folder.name)
    link.replace(path.parent / "..data")
    if not path.is_symlink():
        path.symlink_to("..data/networks")


async def test_the_file_is_followed(tmp_path, path, watcher):
    await watcher.look()
    assert blocked(tmp_path) == set()
    mount(path, "203.0.113.7\n", 1)
    await watcher.look()
    assert blocked(tmp_path) == {"203.0.113.7"}
    mount(path, "203.0.113.8\nnonsense\n", 2)
    await watcher.look()
    assert blocked(tmp_path) == {"203.0.113.8"}
    gauge = watcher._metrics.registry.get_sample_value
    assert gauge("frankenpanel_gateway_refused_networks") == 1
    assert gauge("frankenpanel_gateway_blocked_networks") == 1
    path.unlink()
    await watcher.look()
    assert blocked(tmp_path) == set()


async def test_an_unchanged_file_is_not_written_again(tmp_path, path, watcher):
    mount(path, "203.0.113.7\n", 1)
    await watcher.look()
    before = os.readlink(tmp_path / "blocked")
    await watcher.look()
    assert os.readlink(tmp_path / "blocked") == before


async def test_a_file_that_cannot_be_taken_leaves_the_list_and_is_tried_again(tmp_path, path, watcher):
    mount(path, "203.0.113.7\n", 1)
    await watcher.look()
    mount(path, "", 2)
    path.resolve().write_bytes(b"\xff")
    for _ in range(2):
        with pytest.raises(UnicodeDecodeError):
            await watcher.look()
    assert blocked(tmp_path) == {"203.0.113.7"}
