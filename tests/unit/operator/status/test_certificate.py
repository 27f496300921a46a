"""What a Domain says about its certificate."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from frankenpanel_crds.domain_settings import TlsMode
from frankenpanel_crds.domainclaim import ClaimTls
from frankenpanel_crds.reasons import DomainReason
from frankenpanel_operator.findings import Certificate
from frankenpanel_operator.status.certificate import certificate_conditions, certificate_status

END = datetime(2026, 8, 15, 12, 30, tzinfo=UTC)


def _told(certificate):
    return [(item.type, item.status.value, item.reason) for item in certificate_conditions(certificate)]


def test_a_ready_certificate_is_the_only_thing_said():
    ready = Certificate(is_ready=True, reason=DomainReason.ISSUED, message="It is there.")
    assert _told(ready) == [("CertificateReady", "True", "Issued")]


def test_one_that_cannot_be_used_says_why():
    refused = Certificate(is_ready=False, reason=DomainReason.SECRET_FORBIDDEN, message="Allow it.")
    assert _told(refused) == [("CertificateReady", "False", "SecretForbidden")]
    assert certificate_conditions(refused)[0].message == "Allow it."


@pytest.mark.parametrize(
    ("mode", "last_error", "cure"),
    [
        (TlsMode.SECRET, None, "put a renewed one into the Secret that spec.tls.secretRef names"),
        (TlsMode.MANAGED, "the name leads elsewhere.", "its renewal fails: the name leads elsewhere"),
        (TlsMode.MANAGED, None, "its renewal is under way"),
    ],
)
def test_one_that_ends_soon_says_when_and_what_to_do(mode, last_error, cure):
    ending = Certificate(
        is_ready=True,
        reason=DomainReason.ISSUED,
        message="It is there.",
        tls=ClaimTls(mode=mode),
        expires_soon=True,
        not_after=END,
        last_error=last_error,
    )
    assert _told(ending) == [
        ("CertificateReady", "True", "Issued"),
        ("CertificateExpiring", "True", "ExpiresSoon"),
    ]
    assert certificate_conditions(ending)[1].message == (
        f"The certificate ends on 2026-08-15 at 12:30 UTC; {cure}."
    )


def test_the_status_has_what_is_known_and_is_absent_where_nothing_is():
    nothing = Certificate(is_ready=True, reason=DomainReason.NOT_REQUIRED, message="None is wanted.")
    assert certificate_status(nothing) is None
    known = Certificate(
        is_ready=True,
        reason=DomainReason.ISSUED,
        message="It is there.",
        issuer="CN=Example CA",
        not_after=END,
    )
    status = certificate_status(known)
    assert status is not None
    assert status.to_manifest() == {"issuer": "CN=Example CA", "notAfter": "2026-08-15T12:30:00Z"}
