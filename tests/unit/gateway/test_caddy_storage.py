from __future__ import annotations

import json
import stat
from datetime import UTC, datetime

import pytest
from frankenpanel_gateway.caddy_storage import CaddyStorage
from frankenpanel_gateway.internal_authority import InternalAuthority, make_authority
from frankenpanel_gateway.pem_certificate import read_certificate, split_pem

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def storage(tmp_path):
    return CaddyStorage(tmp_path, "127.0.0.1-19191-acme-directory")


def test_what_is_written_is_what_caddy_has(storage, tmp_path):
    pem = InternalAuthority(*make_authority(NOW)).pem("shop.example", NOW)
    certificate = read_certificate(*split_pem(pem))
    assert storage.hosts() == []
    assert storage.read("shop.example") is None
    storage.write("shop.example", certificate)
    assert storage.hosts() == ["shop.example"]
    assert storage.read("shop.example") == certificate
    folder = tmp_path / "certificates" / "127.0.0.1-19191-acme-directory" / "shop.example"
    names = {"shop.example.crt", "shop.example.key", "shop.example.json"}
    assert {path.name for path in folder.iterdir()} == names
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_what_is_just_being_written_is_not_there_yet(storage, tmp_path):
    pem = InternalAuthority(*make_authority(NOW)).pem("shop.example", NOW)
    storage.write("shop.example", read_certificate(*split_pem(pem)))
    other = make_authority(NOW)[1]
    folder = tmp_path / "certificates" / "127.0.0.1-19191-acme-directory" / "shop.example"
    (folder / "shop.example.key").write_bytes(other)
    assert storage.read("shop.example") is None


@pytest.mark.parametrize(
    ("contact", "places"),
    [("", {"default/default"}), ("Admin@Ex.example", {"default/default", "admin@ex.example/admin"})],
)
def test_the_account_is_where_caddy_looks_for_it(storage, tmp_path, contact, places):
    storage.write_account(b"KEY", contact)
    users = tmp_path / "acme" / "127.0.0.1-19191-acme-directory" / "users"
    found = {str(path.relative_to(users).with_suffix("")) for path in users.rglob("*.key")}
    assert found == places
    for place in places:
        registration = json.loads((users / f"{place}.json").read_bytes())
        assert registration["status"] == ""
        assert registration["contact"] == ([f"mailto:{contact}"] if contact else [])
