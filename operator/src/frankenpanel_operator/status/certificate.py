"""What a Domain says about its certificate: ready or not, and whether somebody has to act soon."""

from __future__ import annotations

from frankenpanel_crds.conditions import Condition, DomainCondition, DomainReason
from frankenpanel_crds.domain_settings import TlsMode
from frankenpanel_crds.domain_status import CertificateStatus

from frankenpanel_operator.findings import Certificate
from frankenpanel_operator.status.check import fails, holds


def certificate_conditions(certificate: Certificate) -> tuple[Condition, ...]:
    """Return CertificateReady, and CertificateExpiring while it is True."""
    say = holds if certificate.is_ready else fails
    ready = say(DomainCondition.CERTIFICATE_READY, certificate.reason, certificate.message)
    if not certificate.expires_soon:
        return (ready,)
    message = _expiry_message(certificate)
    return ready, holds(DomainCondition.CERTIFICATE_EXPIRING, DomainReason.EXPIRES_SOON, message)


def certificate_status(certificate: Certificate) -> CertificateStatus | None:
    """Return what is known of the certificate, or None where nothing is."""
    status = CertificateStatus(
        issuer=certificate.issuer,
        not_after=certificate.not_after,
        last_error=certificate.last_error,
        retry_after=certificate.retry_after,
    )
    return status if status != CertificateStatus() else None


def _expiry_message(certificate: Certificate) -> str:
    """Say when it ends, not in how many days: the sentence must not change by itself."""
    end = certificate.not_after
    when = f"on {end:%Y-%m-%d at %H:%M} UTC" if end is not None else "soon"
    if certificate.tls.mode is TlsMode.SECRET:
        cure = "put a renewed one into the Secret that spec.tls.secretRef names"
    elif certificate.last_error:
        cure = f"its renewal fails: {certificate.last_error.rstrip('.')}"
    else:
        cure = "its renewal is under way"
    return f"The certificate ends {when}; {cure}."
