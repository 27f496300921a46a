from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from frankenpanel_gateway.certificate_store import CertificateStore
from frankenpanel_gateway.internal_authority import InternalAuthority, make_authority
from frankenpanel_gateway.metrics import Metrics
from frankenpanel_gateway.object_event import ObjectEvent
from frankenpanel_gateway.pem_certificate import split_pem
from frankenpanel_gateway.secret_copies import SecretCopies

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PEM = InternalAuthority(*make_authority(NOW)).pem("shop.example", NOW)


def secret(name: str, pem: bytes = PEM, **fields: bytes):
    chain, key = split_pem(pem)
    values = {"tls.crt": chain, "tls.key": key, **fields}
    data = {field: base64.b64encode(value).decode() for field, value in values.items()}
    return {"metadata": {"name": name}, "data": data}


async def pages(*bodies):
    for body in bodies:
        yield [body]


@pytest.fixture
def told():
    return []


@pytest.fixture
def own():
    return {}


@pytest.fixture
def store(tmp_path):
    store = CertificateStore(tmp_path)
    store.open()
    return store


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def copies(store, told, own, metrics):
    return SecretCopies(store, told.append, own.__setitem__, metrics)


async def test_a_secret_comes_to_disk_changes_and_goes(copies, store, told):
    await copies.replace(pages())
    assert copies.is_complete
    await copies.apply([ObjectEvent(secret("own-a"))])
    first = store.pem("own-a")
    await copies.apply([ObjectEvent(secret("own-a"))])
    other = InternalAuthority(*make_authority(NOW)).pem("shop.example", NOW)
    await copies.apply([ObjectEvent(secret("own-a", other))])
    assert store.pem("own-a") != first
    await copies.apply([ObjectEvent(secret("own-a"), is_deleted=True)])
    assert store.pem("own-a") is None
    assert told == [["own-a"]] * 3


async def test_a_listing_removes_what_it_does_not_have(copies, store, told):
    await copies.replace(pages(secret("own-a"), secret("own-b")))
    await copies.replace(pages(secret("own-b")))
    assert set(store.names()) == {"own-b"}
    assert told == [["own-a", "own-b"], ["own-a"]]


async def test_a_listing_that_fails_removes_nothing(copies, store):
    await copies.replace(pages(secret("own-a")))

    async def failing():
        yield []
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await copies.replace(failing())
    assert set(store.names()) == {"own-a"}


@pytest.mark.parametrize(
    "fields", [{"tls.key": b""}, {"tls.crt": b"x"}, {"tls.key": make_authority(NOW)[1]}], ids=str
)
async def test_one_that_becomes_useless_leaves_the_last_good_one_in_place(copies, store, metrics, fields):
    await copies.replace(pages(secret("own-a")))
    before = store.pem("own-a")
    await copies.apply([ObjectEvent(secret("own-a", PEM, **fields))])
    assert store.pem("own-a") == before
    gauge = "frankenpanel_gateway_refused_certificates"
    assert metrics.registry.get_sample_value(gauge) == 1
    await copies.apply([ObjectEvent(secret("own-a"))])
    assert metrics.registry.get_sample_value(gauge) == 0


async def test_what_is_not_base64_is_refused_and_nothing_ends(copies, store):
    body = secret("own-a")
    body["data"]["tls.crt"] = "§"
    await copies.replace(pages(body, {"metadata": {"name": "own-b"}}))
    assert set(store.names()) == set()


async def test_the_gateways_own_secrets_are_no_certificates_of_hosts(copies, store, own, told):
    await copies.replace(pages(secret("frankenpanel-internal-ca")))
    assert set(store.names()) == set()
    assert own["frankenpanel-internal-ca"]["tls.crt"].startswith(b"-----BEGIN")
    await copies.replace(pages())
    assert own == {"frankenpanel-internal-ca": None}
