"""What is known of each Domain's certificate since this replica leads: for metrics, and to look only once.

Nothing secret is kept: of a Secret its version and what came out of the check, never what it holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from frankenpanel_crds.domain_settings import TlsMode
from frankenpanel_crds.reasons import DomainReason

from frankenpanel_operator.desired.certificate_check import CertificateUnusableError, UsableCertificate
from frankenpanel_operator.findings import Certificate
from frankenpanel_operator.observed import ObjectRef

_STORED_MODES = (TlsMode.MANAGED, TlsMode.SECRET)


class CertificateState(StrEnum):
    """What the metrics tell certificates apart by."""

    PENDING = "pending"
    VALID = "valid"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    FAILED = "failed"


def certificate_state(certificate: Certificate) -> CertificateState | None:
    """Return the state of a certificate, or None where there is none that could end."""
    if certificate.tls.mode not in _STORED_MODES:
        return None
    if certificate.expires_soon:
        return CertificateState.EXPIRING
    if certificate.is_ready:
        return CertificateState.VALID
    if certificate.reason is DomainReason.CERTIFICATE_EXPIRED:
        return CertificateState.EXPIRED
    if certificate.reason in (DomainReason.ISSUING, DomainReason.WAITING):
        return CertificateState.PENDING
    return CertificateState.FAILED


@dataclass(frozen=True, slots=True)
class Checked:
    """What came out of the check of one version of a Secret."""

    version: str
    host: str
    result: UsableCertificate | CertificateUnusableError


class CertificateMemory:
    """Findings by Domain; counted as they come, so that a scrape has little to do."""

    def __init__(self) -> None:
        self._checked: dict[ObjectRef, Checked] = {}
        self._states: dict[ObjectRef, tuple[CertificateState, datetime | None]] = {}
        self._counts: Counter[CertificateState] = Counter()

    def checked(self, domain: ObjectRef, version: str, host: str) -> Checked | None:
        """Return what came out of the check of just this, if it took place."""
        known = self._checked.get(domain)
        return known if known is not None and (known.version, known.host) == (version, host) else None

    def note_check(self, domain: ObjectRef, checked: Checked) -> None:
        """Remember what came out of a check."""
        self._checked[domain] = checked

    def note(self, domain: ObjectRef, certificate: Certificate) -> None:
        """Remember what was found at the last look."""
        state = certificate_state(certificate)
        self._drop_state(domain)
        if certificate.tls.mode is not TlsMode.SECRET:
            self._checked.pop(domain, None)
        if state is not None:
            self._states[domain] = state, certificate.not_after
            self._counts[state] += 1

    def forget(self, domain: ObjectRef) -> None:
        """Remember nothing of a Domain that is gone."""
        self._checked.pop(domain, None)
        self._drop_state(domain)

    def retain(self, exists: Callable[[ObjectRef], bool]) -> None:
        """Forget the Domains that went without a word, by force."""
        for domain in [domain for domain in self._states if not exists(domain)]:
            self.forget(domain)

    def clear(self) -> None:
        """Forget everything: another replica knows better from now on."""
        self._checked.clear()
        self._states.clear()
        self._counts.clear()

    def count(self, state: CertificateState) -> int:
        """Return how many certificates are in a state."""
        return self._counts[state]

    def earliest_end(self) -> datetime | None:
        """Return when the first of the certificates ends, or ended."""
        return min((end for _, end in self._states.values() if end is not None), default=None)

    def _drop_state(self, domain: ObjectRef) -> None:
        known = self._states.pop(domain, None)
        if known is not None:
            self._counts[known[0]] -= 1
