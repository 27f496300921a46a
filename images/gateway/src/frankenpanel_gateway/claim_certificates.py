"""What the leader writes about Managed certificates: one Secret for all replicas, and the claim's status."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from frankenpanel_crds.group import API_GROUP, API_VERSION, DOMAIN_CLAIM, VERSION
from frankenpanel_crds.labels import LABEL_HOST_ID, LABEL_TLS_MODE

from frankenpanel_gateway.api_client import ApiAccess, ApiClient, ConflictError, NotFoundError
from frankenpanel_gateway.certificates import managed_secret_name
from frankenpanel_gateway.own_secrets import TLS_TYPE, secret_manifest
from frankenpanel_gateway.pem_certificate import Certificate, split_pem
from frankenpanel_gateway.secret_copies import CHAIN, KEY
from frankenpanel_gateway.tls_claims import MANAGED, Reported, TlsClaims

ANNOTATION_HOST = f"{API_GROUP}/host"
ANNOTATION_NOT_AFTER = f"{API_GROUP}/not-after"

_FIELDS = ("issuer", "notBefore", "notAfter", "lastError", "retryAfter")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no certificate, and when the next attempt is made; None: never."""

    message: str
    retry_after: datetime | None
    count: int

    def is_over(self, now: datetime) -> bool:
        """Say whether it is time for the next attempt."""
        return self.retry_after is not None and now >= self.retry_after


class ClaimCertificates:
    """Writes only what differs from what the API server has.

    Args:
        access: where the API server is.
        secrets_path: of the certificates namespace.
        claims: as the API server has them.
    """

    def __init__(self, access: ApiAccess, secrets_path: str, claims: TlsClaims) -> None:
        self._access = access
        self._secrets_path = secrets_path
        self._claims = claims
        self._unwritten: dict[str, Certificate] = {}

    def keep(self, host: str, certificate: Certificate) -> None:
        """Write this one's Secret at the next occasion."""
        self._unwritten[host] = certificate

    def reported_failures(self) -> Iterator[tuple[str, Failure]]:
        """Yield what the leader before knew, so that a change of leaders shortens no wait."""
        for host, _ in self._claims.managed():
            reported = self._claims.reported(host)
            values = {} if reported is None else reported.certificate
            if values.get("lastError") and values.get("retryAfter"):
                yield host, Failure(str(values["lastError"]), _moment(values["retryAfter"]), 1)

    async def bring_up_to_date(
        self, host: str, certificate: Certificate | None, failure: Failure | None
    ) -> None:
        """Write the Secret, and then what the status does not say yet.

        Raises:
            ApiError: the API server refuses.
            aiohttp.ClientError: it is gone.
        """
        reported = self._claims.reported(host)
        if reported is None:
            self._unwritten.pop(host, None)
            return
        unwritten = self._unwritten.get(host)
        wanted = _status(unwritten or certificate, failure)
        differs = any(wanted[name] != reported.certificate.get(name) for name in _FIELDS)
        if unwritten is None and not differs:
            return
        async with ApiClient.connect(self._access) as client:
            if unwritten is not None:
                await self._write_secret(client, host, unwritten, reported)
                self._unwritten.pop(host, None)
            if differs:
                path = f"/apis/{API_GROUP}/{VERSION}/{DOMAIN_CLAIM.plural}/{reported.claim}/status"
                await client.patch(path, {"status": {"certificate": wanted}})

    async def withdraw(self, host: str) -> None:
        """Delete the Secret of a host.

        Raises:
            ApiError: the API server refuses.
            aiohttp.ClientError: it is gone.
        """
        self._unwritten.pop(host, None)
        async with ApiClient.connect(self._access) as client:
            with contextlib.suppress(NotFoundError):
                await client.delete(f"{self._secrets_path}/{managed_secret_name(host)}")

    async def _write_secret(
        self, client: ApiClient, host: str, certificate: Certificate, reported: Reported
    ) -> None:
        name = managed_secret_name(host)
        chain, key = split_pem(certificate.pem)
        manifest = secret_manifest(
            name,
            {CHAIN: chain, KEY: key},
            TLS_TYPE,
            labels={LABEL_TLS_MODE: MANAGED, LABEL_HOST_ID: name.partition("-")[2]},
            annotations={ANNOTATION_HOST: host, ANNOTATION_NOT_AFTER: _text(certificate.not_after)},
        )
        manifest["metadata"]["ownerReferences"] = [
            {
                "apiVersion": API_VERSION,
                "kind": DOMAIN_CLAIM.kind,
                "name": reported.claim,
                "uid": reported.uid,
                "blockOwnerDeletion": False,
            }
        ]
        try:
            await client.create(self._secrets_path, manifest)
        except ConflictError:
            change = {field: manifest[field] for field in ("metadata", "data")}
            try:
                await client.patch(f"{self._secrets_path}/{name}", change)
            except NotFoundError:
                await client.create(self._secrets_path, manifest)


def _status(certificate: Certificate | None, failure: Failure | None) -> dict[str, Any]:
    """Return the whole status; None removes what an earlier one said."""
    status: dict[str, Any] = dict.fromkeys(_FIELDS)
    if certificate is not None:
        status["issuer"] = certificate.issuer
        status["notBefore"], status["notAfter"] = (
            _text(moment) for moment in (certificate.not_before, certificate.not_after)
        )
    if failure is not None:
        status["lastError"] = failure.message
        if failure.retry_after is not None:
            status["retryAfter"] = _text(failure.retry_after)
    return status


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
