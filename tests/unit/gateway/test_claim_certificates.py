from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from frankenpanel_gateway import claim_certificates as module
from frankenpanel_gateway.api_client import ApiAccess, ApiError, ConflictError
from frankenpanel_gateway.certificates import managed_secret_name
from frankenpanel_gateway.claim_certificates import ClaimCertificates, Failure
from frankenpanel_gateway.internal_authority import InternalAuthority, make_authority
from frankenpanel_gateway.pem_certificate import read_certificate, split_pem
from frankenpanel_gateway.tls_claims import TlsClaims

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CERTIFICATE = read_certificate(*split_pem(InternalAuthority(*make_authority(NOW)).pem("shop.example", NOW)))
STATUS = "/apis/frankenpanel.io/v1alpha1/domainclaims/shop.example/status"


class Api:
    """Notes what is written, or refuses it."""

    def __init__(self):
        self.writes = []
        self.refusal = None
        self.has_secret = False

    async def create(self, path, manifest):
        if self.refusal is not None:
            raise self.refusal
        if self.has_secret:
            raise ConflictError("409")
        self.writes.append(("create", path, manifest))

    async def patch(self, path, change):
        if self.refusal is not None:
            raise self.refusal
        self.writes.append(("patch", path, change))


@pytest.fixture
def api(monkeypatch):
    api = Api()

    @asynccontextmanager
    async def connect(_):
        yield api

    monkeypatch.setattr(module.ApiClient, "connect", connect)
    return api


@pytest.fixture
async def claims(tmp_path):
    claims = TlsClaims(tmp_path / "claims.json")
    yield claims
    await claims.close()


@pytest.fixture
def written(claims):
    return ClaimCertificates(ApiAccess("http://127.0.0.1:1"), "/secrets", claims)


def tell(claims, **certificate):
    listing = claims.new_listing()
    spec = {"host": "shop.example", "tls": {"mode": "Managed", "mayOrder": True}}
    metadata = {"name": "shop.example", "uid": "u1"}
    listing.add([{"metadata": metadata, "spec": spec, "status": {"certificate": certificate}}])
    claims.take(listing)


async def test_a_new_certificate_becomes_a_secret_of_the_claim_and_a_status(claims, written, api):
    tell(claims)
    written.keep("shop.example", CERTIFICATE)
    await written.bring_up_to_date("shop.example", CERTIFICATE, None)
    (_, _, secret), (_, path, change) = api.writes
    assert secret["metadata"]["name"] == managed_secret_name("shop.example")
    assert secret["metadata"]["ownerReferences"][0]["uid"] == "u1"
    assert secret["metadata"]["annotations"]["frankenpanel.io/host"] == "shop.example"
    assert set(secret["data"]) == {"tls.crt", "tls.key"}
    assert path == STATUS
    status = change["status"]["certificate"]
    assert status["issuer"] == CERTIFICATE.issuer
    assert status["notAfter"] == "2026-03-08T00:00:00Z"
    assert status["lastError"] is None

    tell(claims, **{name: value for name, value in status.items() if value is not None})
    api.writes.clear()
    await written.bring_up_to_date("shop.example", CERTIFICATE, None)
    assert api.writes == []


async def test_a_renewed_one_replaces_the_secret(claims, written, api):
    tell(claims)
    api.has_secret = True
    written.keep("shop.example", CERTIFICATE)
    await written.bring_up_to_date("shop.example", CERTIFICATE, None)
    assert [verb for verb, _, _ in api.writes] == ["patch", "patch"]


async def test_what_the_api_server_did_not_take_is_written_later(claims, written, api):
    tell(claims)
    written.keep("shop.example", CERTIFICATE)
    api.refusal = ApiError("500")
    with pytest.raises(ApiError):
        await written.bring_up_to_date("shop.example", CERTIFICATE, None)
    api.refusal = None
    await written.bring_up_to_date("shop.example", None, None)
    assert [verb for verb, _, _ in api.writes] == ["create", "patch"]


async def test_a_failure_is_told_once_and_found_by_the_next_leader(claims, written, api):
    tell(claims)
    failure = Failure("unauthorized", NOW + timedelta(hours=1), 2)
    await written.bring_up_to_date("shop.example", None, failure)
    ((_, _, change),) = api.writes
    status = {name: value for name, value in change["status"]["certificate"].items() if value is not None}
    assert status == {"lastError": "unauthorized", "retryAfter": "2026-03-01T01:00:00Z"}
    tell(claims, **status)
    await written.bring_up_to_date("shop.example", None, failure)
    assert len(api.writes) == 1
    assert dict(written.reported_failures()) == {
        "shop.example": Failure("unauthorized", failure.retry_after, 1)
    }


async def test_without_a_claim_nothing_is_written(written, api):
    written.keep("shop.example", CERTIFICATE)
    await written.bring_up_to_date("shop.example", CERTIFICATE, None)
    assert api.writes == []
