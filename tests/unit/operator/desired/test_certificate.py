"""What a certificate is worth at a given time, and what its claim tells the gateway."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from pathlib import Path

import pytest
from frankenpanel_crds.domain_settings import TlsMode
from frankenpanel_crds.domainclaim import ClaimTls
from frankenpanel_crds.reasons import DomainReason
from frankenpanel_operator.desired import certificate as decide
from frankenpanel_operator.desired.certificate_check import UsableCertificate
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.findings import HostChecks, Ownership, Resolution

HOST = "shop.example.com"
DAY = timedelta(days=1)
AT_GATEWAY = ClaimTls(mode=TlsMode.SECRET, secret_name="own-abc")
NOT_THERE = ClaimTls(mode=TlsMode.SECRET)


def _checks(*, proven=True, here=True):
    return HostChecks(
        Ownership(is_proven=proven, reason=DomainReason.VERIFIED, message=""),
        Resolution(is_here=here, reason=DomainReason.RESOLVES, message=""),
    )


@pytest.fixture
def managed(now):
    """Return a function that judges what the gateway wrote into the status of a claim."""

    def judge(checks=None, **certificate):
        written = {key: _text(value) for key, value in certificate.items()}
        claim = {"metadata": {"name": HOST}, "spec": {}, "status": {"certificate": written}}
        return decide.managed_certificate(claim, checks or _checks(), now)

    return judge


@pytest.fixture
def own(now):
    """Return a function that judges a certificate of a tenant's Secret."""

    def judge(tls=AT_GATEWAY, start=-10 * DAY, end=80 * DAY, is_self_signed=False):
        usable = UsableCertificate("Example CA", now + start, now + end, is_self_signed)
        return decide.own_certificate("shop-tls", usable, tls, now)

    return judge


def _text(value):
    return value if isinstance(value, str) else f"{value:%Y-%m-%dT%H:%M:%SZ}"


def _told(finding):
    return finding.is_ready, finding.reason.value, finding.is_trusted, finding.expires_soon


class TestManaged:
    def test_is_ordered_only_where_the_host_is_proven_and_leads_here(self, managed):
        for proven, here in ((False, False), (False, True), (True, False)):
            finding = managed(_checks(proven=proven, here=here))
            assert _told(finding) == (False, "Waiting", False, False)
            assert finding.tls == ClaimTls(mode=TlsMode.MANAGED, may_order=False)
        finding = managed()
        assert _told(finding) == (False, "Issuing", False, False)
        assert finding.tls == ClaimTls(mode=TlsMode.MANAGED, may_order=True)

    def test_is_ready_once_the_gateway_has_one(self, managed, now):
        finding = managed(issuer="Pebble", notBefore=now - 10 * DAY, notAfter=now + 80 * DAY)
        assert _told(finding) == (True, "Issued", True, False)
        assert (finding.issuer, finding.not_after) == ("Pebble", now + 80 * DAY)

    def test_stays_ready_where_the_host_leads_elsewhere_for_a_while(self, managed, now):
        finding = managed(_checks(here=False), notAfter=now + 80 * DAY)
        assert _told(finding) == (True, "Issued", True, False)
        assert not finding.tls.may_order

    def test_tells_why_none_was_had_and_when_it_is_tried_again(self, managed, now):
        finding = managed(lastError="urn:ietf:params:acme:error:caa", retryAfter=now + DAY)
        assert _told(finding) == (False, "IssueFailed", False, False)
        assert finding.message == (
            "No certificate could be had yet: urn:ietf:params:acme:error:caa (tried again after "
            "2026-08-02 at 12:00 UTC)."
        )
        assert (finding.last_error, finding.retry_after) == ("urn:ietf:params:acme:error:caa", now + DAY)

    @pytest.mark.parametrize(
        ("life", "left", "is_late"),
        [(90, 22, False), (90, 20, True), (6, 2, False), (6, 1, True), (3650, 20, True)],
    )
    def test_is_told_of_once_its_renewal_is_late(self, managed, now, life, left, is_late):
        end = now + left * DAY
        finding = managed(notBefore=end - life * DAY, notAfter=end)
        assert _told(finding) == (True, "Issued", True, is_late)

    def test_an_ended_one_says_why_there_is_no_other(self, managed, now):
        finding = managed(notAfter=now, lastError="the authority does not answer.")
        assert _told(finding) == (False, "CertificateExpired", False, False)
        assert finding.message == (
            "The certificate ended on 2026-08-01 at 12:00 UTC, and the authority does not answer."
        )

    @pytest.mark.parametrize("status", [{"certificate": {"notAfter": "soon"}}, {"certificate": []}, {}, None])
    def test_a_status_that_a_foreign_hand_wrote_counts_as_none(self, now, status):
        claim = {"metadata": {"name": HOST}, "spec": {}, "status": status}
        assert decide.managed_certificate(claim, _checks(), now).reason is DomainReason.ISSUING

    def test_without_an_account_of_the_platform_its_own_authority_signs(self, make_domain):
        domain = make_domain(HOST)
        assert decide.tls_mode(domain, Platform("frankenpanel-system")) is TlsMode.INTERNAL
        with_account = Platform("frankenpanel-system", managed_certificates=TlsMode.MANAGED)
        assert decide.tls_mode(domain, with_account) is TlsMode.MANAGED


class TestOwn:
    def test_is_ready_once_it_is_at_the_gateway(self, own):
        assert _told(own()) == (True, "Issued", True, False)
        assert _told(own(tls=NOT_THERE)) == (False, "Waiting", False, False)

    def test_is_not_trusted_where_nobody_vouches_for_it(self, own):
        assert _told(own(is_self_signed=True)) == (True, "Issued", False, False)

    @pytest.mark.parametrize(
        ("left", "is_soon"), [(21 * DAY, False), (21 * DAY - timedelta(seconds=1), True)]
    )
    def test_is_told_of_three_weeks_before_its_end(self, own, left, is_soon):
        assert _told(own(end=left)) == (True, "Issued", True, is_soon)

    def test_an_ended_one_is_not_ready(self, own):
        finding = own(end=timedelta(0))
        assert _told(finding) == (False, "CertificateExpired", False, False)
        assert finding.tls == AT_GATEWAY
        assert finding.message == (
            "The certificate of the Secret shop-tls ended on 2026-08-01 at 12:00 UTC; bring a new one."
        )

    def test_one_that_begins_later_is_not_ready(self, own):
        finding = own(start=DAY)
        assert _told(finding) == (False, "CertificateInvalid", False, False)
        assert "valid only from 2026-08-02" in finding.message
        assert finding.message.endswith("Visitors are shown the one before.")


def test_who_may_not_read_says_the_very_command_that_allows_it():
    finding = decide.forbidden_secret("shop-tls", "demo", Platform("panel"), NOT_THERE)
    assert finding.message.endswith(
        "kubectl -n demo create rolebinding frankenpanel-certificate-reader "
        "--clusterrole=frankenpanel-certificate-reader --serviceaccount=panel:frankenpanel-operator"
    )


def test_the_documentation_has_the_same_command():
    page = (Path(__file__).parents[4] / "docs" / "domains.md").read_text(encoding="utf-8")
    finding = decide.forbidden_secret("shop-tls", "demo", Platform("frankenpanel-system"), NOT_THERE)
    command = finding.message[finding.message.index("kubectl") :]
    assert command in re.sub(r" \\\n +", " ", page)


def test_trouble_with_a_secret_keeps_the_copy_that_is_there():
    for finding in (
        decide.forbidden_secret("shop-tls", "demo", Platform("panel"), AT_GATEWAY),
        decide.missing_secret("shop-tls", AT_GATEWAY),
        decide.unusable_certificate("shop-tls", "it is none", AT_GATEWAY),
        decide.refused_copy("shop-tls", AT_GATEWAY),
    ):
        assert finding.tls == AT_GATEWAY
        assert not finding.is_ready
        assert "Visitors are shown the one before." in finding.message


def test_the_copy_has_certificate_and_key_only_and_goes_with_its_claim():
    claim = {"metadata": {"name": HOST, "uid": "u1"}, "spec": {}}
    copy = decide.build_certificate_copy(HOST, claim, b"chain", b"key", "certificates")
    metadata = copy["metadata"]
    assert (copy["type"], metadata["namespace"]) == ("kubernetes.io/tls", "certificates")
    assert {field: base64.b64decode(value) for field, value in copy["data"].items()} == {
        "tls.crt": b"chain",
        "tls.key": b"key",
    }
    (owner,) = metadata["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("DomainClaim", HOST, "u1")
    assert metadata["labels"]["frankenpanel.io/tls-mode"] == "Secret"


@pytest.mark.parametrize("length", [3, 63, 245])
def test_names_and_labels_of_copies_are_legal_for_every_host(length):
    host = "x" * (length - 2) + ".y"
    claim = {"metadata": {"name": host, "uid": "u1"}, "spec": {}}
    metadata = decide.build_certificate_copy(host, claim, b"", b"", "certificates")["metadata"]
    assert len(metadata["name"]) <= 63
    assert all(len(value) <= 63 for value in metadata["labels"].values())


def test_secrets_are_looked_at_again_at_another_pace_each(own):
    ready, trouble = own(), own(end=-DAY)
    paces = {decide.look_again_seconds(f"{number}.example.com", ready) for number in range(100)}
    assert len(paces) == 100
    assert all(270 <= pace <= 330 for pace in paces)
    assert 54 <= decide.look_again_seconds(HOST, trouble) <= 66


@pytest.mark.parametrize("spec", [None, {}, {"tls": "none"}, {"tls": {"mode": "Magic"}}])
def test_a_claim_that_a_foreign_hand_wrote_says_nothing(spec):
    assert decide.claim_tls({"metadata": {"name": HOST}, "spec": spec}) == ClaimTls()
