from __future__ import annotations

import stat
from datetime import UTC, datetime

import pytest
from frankenpanel_gateway.certificate_store import CertificateStore
from frankenpanel_gateway.internal_authority import InternalAuthority, make_authority
from frankenpanel_gateway.pem_certificate import read_certificate, split_pem

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def certificate(host: str):
    return read_certificate(*split_pem(InternalAuthority(*make_authority(NOW)).pem(host, NOW)))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "hosts"


@pytest.fixture
def store(folder):
    store = CertificateStore(folder, capacity=2)
    store.open()
    return store


def test_what_is_put_is_given_back_also_by_the_next_run(store, folder):
    shop = certificate("shop.example")
    assert store.put("own-a", shop)
    assert store.pem("own-a") == shop.pem
    later = CertificateStore(folder)
    assert later.open() == 1
    assert later.pem("own-a") == shop.pem
    assert later.life("own-a") == (shop.not_before, shop.not_after)
    assert later.certificate("own-a") == shop


def test_only_what_differs_is_news(store, folder):
    shop = certificate("shop.example")
    assert store.put("own-a", shop)
    assert not store.put("own-a", shop)
    assert store.put("own-a", certificate("shop.example"))
    later = CertificateStore(folder)
    later.open()
    newest = certificate("shop.example")
    assert later.put("own-a", newest)
    assert later.pem("own-a") == newest.pem


def test_a_replaced_certificate_is_not_shown_from_memory(store):
    store.put("own-a", certificate("shop.example"))
    store.pem("own-a")
    newer = certificate("shop.example")
    store.put("own-a", newer)
    assert store.pem("own-a") == newer.pem


def test_files_are_for_this_user_alone(store, folder):
    store.put("own-a", certificate("shop.example"))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()] == [0o600]


def test_what_is_removed_is_gone_from_disk(store, folder):
    store.put("own-a", certificate("shop.example"))
    store.pem("own-a")
    store.remove("own-a")
    store.remove("own-b")
    assert store.pem("own-a") is None
    assert store.life("own-a") is None
    assert list(folder.iterdir()) == []


def test_what_a_killed_run_left_half_written_is_removed(store, folder):
    store.put("own-a", certificate("shop.example"))
    (folder / "own-b.pem.new").write_bytes(b"-----BEG")
    assert CertificateStore(folder).open() == 1
    assert [path.name for path in folder.iterdir()] == ["own-a.pem"]


def test_memory_holds_only_the_last_ones_and_the_disk_all(store):
    shown = {}
    for name in ("a", "b", "c"):
        shown[name] = certificate(f"{name}.example")
        store.put(name, shown[name])
        store.pem(name)
    assert len(store._kept) == 2
    assert {name: store.pem(name) for name in shown} == {name: item.pem for name, item in shown.items()}


def test_a_file_that_somebody_removed_is_just_not_there(store, folder):
    store.put("own-a", certificate("shop.example"))
    (folder / "own-a.pem").unlink()
    assert store.pem("own-a") is None
