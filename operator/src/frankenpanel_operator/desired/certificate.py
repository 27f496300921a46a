"""Decides what a host's certificate is worth and what its claim tells the gateway; pure."""

from __future__ import annotations

import base64
import zlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from frankenpanel_crds import labels
from frankenpanel_crds.domain import Domain
from frankenpanel_crds.domain_settings import TlsMode
from frankenpanel_crds.domainclaim import ClaimCertificate, ClaimTls, DomainClaim
from frankenpanel_crds.group import API_VERSION
from frankenpanel_crds.reasons import DomainReason
from pydantic import ValidationError

from frankenpanel_operator import naming
from frankenpanel_operator.desired.certificate_check import UsableCertificate
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.desired.metadata import seal
from frankenpanel_operator.findings import Certificate, HostChecks
from frankenpanel_operator.observed import Manifest

WARNING_TIME = timedelta(days=21)
"""How long before its end a person is told; what is renewed by itself is renewed well before."""

READER_ROLE = "frankenpanel-certificate-reader"
"""The ClusterRole of the chart that a namespace binds to let the operator read its Secrets."""
OPERATOR_ACCOUNT = "frankenpanel-operator"

# Whoever renews by itself does so with a third of the life time left, so that with a quarter it is late.
_LATE_SHARE = 4
_LOOK_AGAIN_SECONDS = 300.0
_LOOK_AGAIN_AT_TROUBLE_SECONDS = 60.0
_SPREAD = 0.2


def tls_mode(domain: Domain, platform: Platform) -> TlsMode:
    """Return where the certificate comes from on this platform."""
    mode = domain.spec.tls.mode
    return platform.managed_certificates if mode is TlsMode.MANAGED else mode


def no_certificate() -> Certificate:
    """Return what is so where nobody wants one."""
    return Certificate(is_ready=True, reason=DomainReason.NOT_REQUIRED, message="No TLS is wanted.")


def internal_certificate() -> Certificate:
    """Return what is so where the gateway signs one by itself whenever it needs one."""
    return Certificate(
        is_ready=True,
        reason=DomainReason.ISSUED,
        message=(
            "The platform's own authority signs a certificate when a visitor comes; browsers do not know it."
        ),
        tls=ClaimTls(mode=TlsMode.INTERNAL, may_order=True),
    )


def managed_certificate(claim: Manifest | None, checks: HostChecks, now: datetime) -> Certificate:
    """Return what the gateway says about the certificate that it orders and renews."""
    may_order = checks.ownership.is_proven and checks.resolution.is_here
    found = _claim_certificate(claim)
    finding = Certificate(
        is_ready=False,
        reason=DomainReason.ISSUING,
        message="A certificate is being ordered.",
        tls=ClaimTls(mode=TlsMode.MANAGED, may_order=may_order),
        issuer=found.issuer,
        not_after=found.not_after,
        last_error=found.last_error,
        retry_after=found.retry_after,
    )
    if found.not_after is not None and found.not_after > now:
        return replace(
            finding,
            is_ready=True,
            reason=DomainReason.ISSUED,
            message="The certificate is there; the platform renews it in time.",
            is_trusted=True,
            expires_soon=found.not_after - now < _late_time(found.not_before, found.not_after),
        )
    if found.not_after is not None:
        message = f"The certificate ended {_moment(found.not_after)}, and {_trouble(found)}."
        return replace(finding, reason=DomainReason.CERTIFICATE_EXPIRED, message=message)
    if not may_order:
        message = "A certificate is ordered once the host is shown to be yours and leads here."
        return replace(finding, reason=DomainReason.WAITING, message=message)
    if found.last_error:
        message = f"No certificate could be had yet: {_trouble(found)}."
        return replace(finding, reason=DomainReason.ISSUE_FAILED, message=message)
    return finding


def own_certificate(secret: str, usable: UsableCertificate, tls: ClaimTls, now: datetime) -> Certificate:
    """Return what a tenant's own certificate, which fits the host, is worth at this time.

    Args:
        secret: the name of the Secret.
        usable: what is known of it.
        tls: what the claim should say; without `secret_name` it is not at the gateway.
        now: the time.
    """
    finding = Certificate(
        is_ready=True,
        reason=DomainReason.ISSUED,
        message=f"The certificate of the Secret {secret} is shown to visitors.",
        tls=tls,
        # Whether browsers know an authority cannot be told from here; who brings one will have seen to it.
        is_trusted=not usable.is_self_signed,
        expires_soon=usable.not_after - now < WARNING_TIME,
        issuer=usable.issuer,
        not_after=usable.not_after,
    )
    if usable.not_after <= now:
        message = (
            f"The certificate of the Secret {secret} ended {_moment(usable.not_after)}; bring a new one."
        )
        expired = replace(finding, is_ready=False, is_trusted=False, expires_soon=False)
        return replace(expired, reason=DomainReason.CERTIFICATE_EXPIRED, message=message)
    if usable.not_before > now:
        message = (
            f"The certificate of the Secret {secret} is valid only {_moment(usable.not_before, 'from')}."
        )
        return replace(
            finding,
            is_ready=False,
            is_trusted=False,
            reason=DomainReason.CERTIFICATE_INVALID,
            message=message + _still_shown(tls),
        )
    if tls.secret_name is None:
        message = (
            f"The certificate of the Secret {secret} can be used; it goes to the gateway once the host is "
            "known to be yours."
        )
        return replace(
            finding, is_ready=False, is_trusted=False, reason=DomainReason.WAITING, message=message
        )
    return finding


def unusable_certificate(secret: str, cause: str, tls: ClaimTls) -> Certificate:
    """Return what is so where the Secret holds nothing that can be shown for the host."""
    message = f"The Secret {secret} cannot be used: {cause}.{_still_shown(tls)}"
    return _trouble_with_secret(DomainReason.CERTIFICATE_INVALID, message, tls)


def missing_secret(secret: str, tls: ClaimTls) -> Certificate:
    """Return what is so where there is no such Secret."""
    message = (
        f"There is no Secret {secret} in this namespace; create it, or correct spec.tls.secretRef."
        f"{_still_shown(tls)}"
    )
    return _trouble_with_secret(DomainReason.SECRET_NOT_FOUND, message, tls)


def forbidden_secret(secret: str, namespace: str, platform: Platform, tls: ClaimTls) -> Certificate:
    """Return what is so where the operator may not read the Secret, with the command that allows it."""
    message = (
        f"The operator may not read the Secret {secret}.{_still_shown(tls)} Allow it with: "
        f"kubectl -n {namespace} create rolebinding {READER_ROLE} --clusterrole={READER_ROLE} "
        f"--serviceaccount={platform.namespace}:{OPERATOR_ACCOUNT}"
    )
    return _trouble_with_secret(DomainReason.SECRET_FORBIDDEN, message, tls)


def refused_copy(secret: str, tls: ClaimTls) -> Certificate:
    """Return what is so where the cluster does not take the copy; what it said is for administrators."""
    message = (
        f"The certificate of the Secret {secret} cannot be brought to the gateway, because the cluster "
        f"refuses it; ask your administrator, it is tried again.{_still_shown(tls)}"
    )
    return _trouble_with_secret(DomainReason.CLUSTER_UNAVAILABLE, message, tls)


def claim_tls(claim: Manifest | None) -> ClaimTls:
    """Return what a claim tells the gateway now; nothing where no release of ours wrote it."""
    try:
        return ClaimTls.model_validate(((claim or {}).get("spec") or {}).get("tls") or {})
    except ValidationError:
        return ClaimTls()


def build_certificate_copy(host: str, claim: Manifest, chain: bytes, key: bytes, namespace: str) -> Manifest:
    """Build the copy of a tenant's certificate that the gateway reads; it goes when the claim goes."""
    metadata: dict[str, Any] = {
        "name": naming.certificate_secret_name(host),
        "namespace": namespace,
        "labels": {
            labels.LABEL_PART_OF: labels.PART_OF,
            labels.LABEL_MANAGED_BY: labels.MANAGED_BY,
            labels.LABEL_HOST_ID: naming.host_id(host),
            labels.LABEL_TLS_MODE: TlsMode.SECRET.value,
        },
        "ownerReferences": [
            {
                "apiVersion": API_VERSION,
                "kind": DomainClaim.NAMES.kind,
                "name": claim["metadata"]["name"],
                "uid": claim["metadata"]["uid"],
                "controller": True,
                "blockOwnerDeletion": False,
            }
        ],
    }
    data = {"tls.crt": base64.b64encode(chain).decode(), "tls.key": base64.b64encode(key).decode()}
    secret = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls"}
    return seal({**secret, "metadata": metadata, "data": data})


def look_again_seconds(host: str, certificate: Certificate) -> float:
    """Return when to read the Secret again, of whose change nobody tells: each host at another pace."""
    base = _LOOK_AGAIN_SECONDS if certificate.is_ready else _LOOK_AGAIN_AT_TROUBLE_SECONDS
    share = zlib.crc32(host.encode()) / 0x100000000
    return base * (1 - _SPREAD / 2 + _SPREAD * share)


def _claim_certificate(claim: Manifest | None) -> ClaimCertificate:
    found = ((claim or {}).get("status") or {}).get("certificate")
    try:
        return ClaimCertificate.model_validate(found or {})
    except ValidationError:
        return ClaimCertificate()


def _late_time(not_before: datetime | None, not_after: datetime) -> timedelta:
    """Return how long before its end a certificate should have been renewed by itself."""
    if not_before is None:
        return WARNING_TIME
    return min(WARNING_TIME, (not_after - not_before) / _LATE_SHARE)


def _trouble_with_secret(reason: DomainReason, message: str, tls: ClaimTls) -> Certificate:
    return Certificate(is_ready=False, reason=reason, message=message, tls=tls)


def _still_shown(tls: ClaimTls) -> str:
    """Say that the last one that could be used stays at the gateway."""
    return "" if tls.secret_name is None else " Visitors are shown the one before."


def _trouble(found: ClaimCertificate) -> str:
    cause = (found.last_error or "its renewal is under way").rstrip(".")
    if found.last_error and found.retry_after is not None:
        return f"{cause} (tried again {_moment(found.retry_after, 'after')})"
    return cause


def _moment(moment: datetime, word: str = "on") -> str:
    return f"{word} {moment:%Y-%m-%d at %H:%M} UTC"
