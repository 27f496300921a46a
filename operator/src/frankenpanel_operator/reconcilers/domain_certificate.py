"""Finds out what certificate a host has, and brings a tenant's own one to the gateway.

```text
None, Internal  nothing to find out
Managed         the gateway orders and renews it, and says in the claim's status how that goes
Secret          read ─► check ─► copy to the certificate namespace ─► the claim names the copy
```

The copy belongs to the claim: it goes with it whatever happens. Where a Domain changes its mode the claim
says so first and the copy goes in the next pass, so that the gateway never looks for what is gone.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from frankenpanel_crds.domain import Domain
from frankenpanel_crds.domain_settings import TlsMode
from frankenpanel_crds.domainclaim import ClaimTls

from frankenpanel_operator import naming
from frankenpanel_operator.desired import certificate as decide
from frankenpanel_operator.desired.certificate_check import (
    CertificateUnusableError,
    UsableCertificate,
    check_certificate,
)
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.errors import (
    ClusterRefusedError,
    ObjectNameTakenError,
    SecretForbiddenError,
    SecretNotFoundError,
)
from frankenpanel_operator.failpoints import Failpoint, reached
from frankenpanel_operator.findings import Certificate, HostChecks
from frankenpanel_operator.observed import Manifest, ObjectRef, OwnedKind
from frankenpanel_operator.ports import Clock, ObjectApplier, TenantSecrets, TlsSecret
from frankenpanel_operator.reconcilers.certificate_memory import CertificateMemory, Checked

log = structlog.stdlib.get_logger(__name__)

_AT_ONCE_SECONDS = 0.2
# The claim that the copy would belong to is about to be made, or is another Domain's for good.
_UNCLAIMED_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainCertificates:
    """Looks at the certificate of one host after another."""

    platform: Platform
    secrets: TenantSecrets
    applier: ObjectApplier
    clock: Clock
    memory: CertificateMemory

    async def look(
        self, domain: Domain, host: str, claim: Manifest | None, checks: HostChecks
    ) -> Certificate:
        """Return what the host has and what its claim should say; `claim` is this Domain's, or None.

        A finding with `next_look_seconds` wants another pass then, since no event tells what it waits for.
        """
        mode, now = decide.tls_mode(domain, self.platform), self.clock.now()
        if mode is TlsMode.SECRET:
            certificate = await self._look_at_secret(domain, host, claim, checks)
        else:
            certificate = await self._leave_copy(host, claim, _without_secret(mode, claim, checks, now))
        self.memory.note(_ref(domain), certificate)
        return certificate

    async def forget(self, domain: ObjectRef, claim: Manifest | None) -> None:
        """Remove the copy of a Domain that goes, whose claim may stay for a while; nothing blocks the end.

        What the cluster refuses to delete goes with the claim.
        """
        self.memory.forget(domain)
        if claim is not None and decide.claim_tls(claim).secret_name is not None:
            await self._delete_copy(claim["spec"]["host"])

    async def _look_at_secret(
        self, domain: Domain, host: str, claim: Manifest | None, checks: HostChecks
    ) -> Certificate:
        tls = _tls_of_secret(claim)
        secret_ref, namespace = domain.spec.tls.secret_ref, domain.metadata.namespace or ""
        if secret_ref is None:
            # The schema asks for one.
            return decide.missing_secret("", tls)
        name = secret_ref.name
        try:
            secret = await self.secrets.read_tls(namespace, name)
        except SecretNotFoundError:
            certificate = decide.missing_secret(name, tls)
        except SecretForbiddenError:
            certificate = decide.forbidden_secret(name, namespace, self.platform, tls)
        else:
            certificate = await self._take(_ref(domain), host, claim, checks, (name, secret))
        if certificate.next_look_seconds is not None:
            return certificate
        return replace(certificate, next_look_seconds=decide.look_again_seconds(host, certificate))

    async def _take(
        self,
        domain: ObjectRef,
        host: str,
        claim: Manifest | None,
        checks: HostChecks,
        source: tuple[str, TlsSecret],
    ) -> Certificate:
        """Check what a Secret holds, and copy it where the host is known to be the tenant's."""
        (name, secret), tls = source, _tls_of_secret(claim)
        result = await self._check(domain, host, secret)
        if isinstance(result, CertificateUnusableError):
            return decide.unusable_certificate(name, str(result), tls)
        now = self.clock.now()
        if not result.not_before <= now < result.not_after or not checks.ownership.is_proven:
            return decide.own_certificate(name, result, tls, now)
        if claim is None:
            waiting = decide.own_certificate(name, result, tls, now)
            return replace(waiting, next_look_seconds=_UNCLAIMED_SECONDS)
        copy = decide.build_certificate_copy(
            host, claim, secret.chain, secret.key, self.platform.certificates_namespace
        )
        try:
            await self.applier.apply_blind(copy)
        except (ClusterRefusedError, ObjectNameTakenError) as error:
            log.warning("a certificate cannot be copied", host=host, cause=str(error))
            return decide.refused_copy(name, tls)
        at_gateway = tls.model_copy(update={"secret_name": naming.certificate_secret_name(host)})
        return decide.own_certificate(name, result, at_gateway, now)

    async def _check(
        self, domain: ObjectRef, host: str, secret: TlsSecret
    ) -> UsableCertificate | CertificateUnusableError:
        """Check a version of a Secret once, and beside the loop: a large key takes some milliseconds."""
        known = self.memory.checked(domain, secret.version, host)
        if known is None:
            result = await asyncio.to_thread(_checked, secret, host)
            known = Checked(secret.version, host, result)
            self.memory.note_check(domain, known)
        return known.result

    async def _leave_copy(self, host: str, claim: Manifest | None, certificate: Certificate) -> Certificate:
        """Give up the copy of a former mode: name it until the claim has its new mode, then delete it."""
        before = decide.claim_tls(claim)
        if before.secret_name is None:
            return certificate
        named = certificate.tls.model_copy(update={"secret_name": before.secret_name})
        if before.mode is TlsMode.SECRET:
            return replace(certificate, tls=named, next_look_seconds=_AT_ONCE_SECONDS)
        if await self._delete_copy(host):
            return certificate
        return replace(certificate, tls=named, next_look_seconds=decide.look_again_seconds(host, certificate))

    async def _delete_copy(self, host: str) -> bool:
        """Delete the copy and say whether it went; whatever else a claim may name is not touched."""
        namespace, name = self.platform.certificates_namespace, naming.certificate_secret_name(host)
        try:
            await self.applier.delete(ObjectRef(OwnedKind.SECRET, namespace, name))
        except ClusterRefusedError as error:
            log.warning("the copy of a certificate stays for now", host=host, cause=str(error))
            return False
        reached(Failpoint.CERTIFICATE_COPY_DELETED)
        return True


def _without_secret(mode: TlsMode, claim: Manifest | None, checks: HostChecks, now: datetime) -> Certificate:
    if mode is TlsMode.MANAGED:
        return decide.managed_certificate(claim, checks, now)
    return decide.internal_certificate() if mode is TlsMode.INTERNAL else decide.no_certificate()


def _tls_of_secret(claim: Manifest | None) -> ClaimTls:
    """Return what the claim says while nothing changes: the copy that is there stays."""
    before = decide.claim_tls(claim)
    kept = before.secret_name if before.mode is TlsMode.SECRET else None
    return ClaimTls(mode=TlsMode.SECRET, secret_name=kept)


def _checked(secret: TlsSecret, host: str) -> UsableCertificate | CertificateUnusableError:
    try:
        return check_certificate(secret.chain, secret.key, host)
    except CertificateUnusableError as error:
        # Without its traceback, whose frames hold the key.
        return CertificateUnusableError(str(error))


def _ref(domain: Domain) -> ObjectRef:
    return ObjectRef(Domain.NAMES.kind, domain.metadata.namespace or "", domain.metadata.name)
