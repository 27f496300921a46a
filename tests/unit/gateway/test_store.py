from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest
from frankenpanel_gateway import store as store_module
from frankenpanel_gateway.store import TreeStore
from frankenpanel_gateway.tree import folder_name

OLD, NEW = "p0,demo.shop,10.0.0.1:80", "p0,demo.shop,10.0.0.2:80"


def served(root: Path) -> dict[str, list[str]]:
    """Read the tree the way Caddy does: from the current generation, one folder at a time."""
    hosts = root / "current" / "hosts"
    return {name.lstrip("."): os.listdir(hosts / name) for name in os.listdir(hosts)}


@pytest.fixture
def store(tmp_path):
    store = TreeStore(tmp_path)
    store.open()
    return store


def test_nothing_is_ready_before_the_first_tree(store, tmp_path):
    assert not store.is_ready()
    store.replace_all({})
    assert store.is_ready()
    assert served(tmp_path) == {}


def test_hosts_appear_change_and_disappear(store, tmp_path):
    store.replace_all({"a.example": OLD})
    store.add("b.example", OLD)
    assert served(tmp_path) == {"a.example": [OLD], "b.example": [OLD]}
    store.change("a.example", OLD, NEW)
    store.remove("b.example")
    assert served(tmp_path) == {"a.example": [NEW]}
    assert os.listdir(tmp_path / "staging") in ([], ["seed-0"])


def test_a_new_tree_replaces_the_old_one_which_stays_until_it_is_dropped(store, tmp_path):
    store.replace_all({"a.example": OLD, "b.example": OLD})
    reading = os.open(tmp_path / "current" / "hosts" / folder_name("a.example"), os.O_RDONLY)
    store.replace_all({"b.example": NEW, "c.example": NEW})
    assert served(tmp_path) == {"b.example": [NEW], "c.example": [NEW]}
    assert os.listdir(reading) == [OLD]
    os.close(reading)

    assert len(os.listdir(tmp_path / "generations")) == 2
    store.drop_superseded()
    assert os.listdir(tmp_path / "generations") == [os.readlink(tmp_path / "current").split("/")[1]]
    assert served(tmp_path) == {"b.example": [NEW], "c.example": [NEW]}


def test_the_next_run_takes_the_tree_over(store, tmp_path):
    hosts = {"a.example", "a.b.c.d.e.f.g.h.i.example", "*.a.example", "*.b.a.example", "*.c.example"}
    store.replace_all(dict.fromkeys(hosts, OLD))
    assert TreeStore(tmp_path).open() == hosts


def test_wildcards_appear_change_and_disappear(store, tmp_path):
    store.replace_all({"*.a.example": OLD})
    store.add("*.b.a.example", OLD)
    store.change("*.a.example", OLD, NEW)
    wild = tmp_path / "current" / "wild"
    assert os.listdir(wild / "example" / "a" / "@") == [NEW]
    assert os.listdir(wild / "example" / "a" / "b" / "@") == [OLD]
    store.remove("*.a.example")
    assert TreeStore(tmp_path).open() == {"*.b.a.example"}
    store.add("*.a.example", OLD)
    assert os.listdir(wild / "example" / "a" / "@") == [OLD]


def test_more_hosts_than_one_inode_has_names(store, tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "_LINKS_PER_INODE", 3)
    records = {f"h{number}.example": OLD for number in range(10)}
    store.replace_all(records)
    assert served(tmp_path) == {host: [OLD] for host in records}


def test_what_is_not_as_expected_is_an_error(store):
    store.replace_all({"a.example": OLD})
    with pytest.raises(OSError, match="not empty"):
        store.add("a.example", NEW)
    with pytest.raises(FileNotFoundError):
        store.change("a.example", NEW, OLD)
    with pytest.raises(FileNotFoundError):
        store.remove("b.example")


class Killed(BaseException):
    """Stands for SIGKILL: nothing may catch it."""


STEPS = ("mkdir", "link", "rename", "replace", "symlink", "unlink", "rmdir", "open")


def kill_at(monkeypatch, step: int) -> None:
    """Let the process die before its n-th change of the file system."""
    counter = itertools.count()

    def counted(function):
        def call(*args, **kwargs):
            is_read = function.__name__ == "open" and not args[1] & os.O_CREAT
            if not is_read and next(counter) == step:
                raise Killed
            return function(*args, **kwargs)

        return call

    for name in STEPS:
        monkeypatch.setattr(os, name, counted(getattr(os, name)))


def rebuild(store):
    store.replace_all({"a.example": NEW, "c.example": NEW})


def add(store):
    store.add("c.example", NEW)


def change(store):
    store.change("a.example", OLD, NEW)


def remove(store):
    store.remove("b.example")


def add_wildcard(store):
    store.add("*.c.example", NEW)


def drop(store):
    store.replace_all({"a.example": NEW})
    store.drop_superseded()


@pytest.mark.parametrize(
    "work", [rebuild, add, change, remove, add_wildcard, drop], ids=lambda work: work.__name__
)
def test_killed_at_any_step_the_tree_is_whole_and_the_next_run_heals(tmp_path, monkeypatch, work):
    for step in range(200):
        root = tmp_path / str(step)
        store = TreeStore(root)
        store.open()
        store.replace_all({"a.example": OLD, "b.example": OLD})
        died = False
        with monkeypatch.context() as patch:
            kill_at(patch, step)
            try:
                work(store)
            except Killed:
                died = True

        after_death = served(root)
        assert after_death["a.example"] in ([OLD], [NEW]), "a host that was never released is missing"
        assert all(len(records) == 1 for records in after_death.values())
        healed = TreeStore(root)
        assert healed.open() - {"*.c.example"} == set(after_death)
        wanted = {"a.example": NEW, "d.example": NEW}
        healed.replace_all(wanted)
        healed.drop_superseded()
        assert served(root) == {host: [record] for host, record in wanted.items()}
        assert sorted(os.listdir(root)) == ["current", "generations", "staging"]
        assert len(os.listdir(root / "generations")) == 1
        if not died:
            assert step > 0, "the work changed nothing"
            return
    pytest.fail("the work does not end")
