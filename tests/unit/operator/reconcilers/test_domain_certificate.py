"""A tenant's own certificate on its way to the gateway, and away from there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from authority import Authority, Issued
from frankenpanel_crds.domain import Domain
from frankenpanel_crds.domain_settings import TlsMode
from frankenpanel_crds.reasons import DomainReason
from frankenpanel_operator import naming
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.errors import (
    KUBERNETES,
    ClusterRefusedError,
    ClusterUnavailableError,
    ObjectNameTakenError,
    SecretForbiddenError,
    SecretNotFoundError,
)
from frankenpanel_operator.findings import Certificate, HostChecks, Ownership, Resolution
from frankenpanel_operator.observed import Manifest, ObjectRef
from frankenpanel_operator.ports import TlsSecret
from frankenpanel_operator.reconcilers.certificate_memory import CertificateMemory, CertificateState
from frankenpanel_operator.reconcilers.domain_certificate import DomainCertificates

HOST = "shop.example.com"
COPY = naming.certificate_secret_name(HOST)
DOMAIN = ObjectRef("Domain", "demo", "shop")
UNREADABLE = TlsSecret("u/1", b"hunter2", b"hunter2")


@dataclass
class MemorySecrets:
    """A tenant's namespace: one Secret, or why it cannot be read."""

    answer: TlsSecret | Exception
    reads: list[tuple[str, str]] = field(default_factory=list)

    async def read_tls(self, namespace: str, name: str) -> TlsSecret:
        self.reads.append((namespace, name))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Scene:
    """One Domain with its claim, which takes what each look says."""

    def __init__(self, world: Any, issued: Issued) -> None:
        self.world, self.memory = world, CertificateMemory()
        self.secrets = MemorySecrets(TlsSecret("u/1", issued.chain, issued.key_pem))
        self.mode, self.is_proven = "Secret", True
        self.claim: Manifest | None = {
            "metadata": {"name": HOST, "uid": "claim-1"},
            "spec": {"host": HOST},
        }
        self.certificates = DomainCertificates(
            platform=Platform("frankenpanel-system", managed_certificates=TlsMode.MANAGED),
            secrets=self.secrets,
            applier=world.cluster,
            clock=world.clock,
            memory=self.memory,
        )

    async def look(self) -> Certificate:
        """Look once, and write the claim as the reconcile does."""
        checks = HostChecks(
            Ownership(is_proven=self.is_proven, reason=DomainReason.VERIFIED, message=""),
            Resolution(is_here=True, reason=DomainReason.RESOLVES, message=""),
        )
        finding = await self.certificates.look(self._domain(), HOST, self.claim, checks)
        if self.claim is not None:
            self.claim = {**self.claim, "spec": {"host": HOST, "tls": finding.tls.to_manifest()}}
        return finding

    @property
    def writes(self) -> list[str]:
        return [f"{write.verb} {write.name}" for write in self.world.cluster.writes]

    @property
    def copy(self) -> Manifest | None:
        found: Manifest | None = self.world.cluster.secrets.get(COPY)
        return found

    def _domain(self) -> Domain:
        tls = {"mode": self.mode} | ({"secretRef": {"name": "shop-tls"}} if self.mode == "Secret" else {})
        body = {
            "metadata": {"name": "shop", "namespace": "demo", "uid": "u"},
            "spec": {"host": HOST, "siteRef": {"name": "shop"}, "tls": tls},
        }
        return Domain.parse(body)


@pytest.fixture
def issue(now: Any) -> Any:
    """Return a function that issues a certificate for some days from now on."""
    root = Authority("Root", start=now - timedelta(days=400), end=now + timedelta(days=4000))

    def issue(*hosts: str, days: float = 90, start_days: float = -1) -> Issued:
        start, end = now + timedelta(days=start_days), now + timedelta(days=days)
        return root.issue(*(hosts or (HOST,)), start=start, end=end)

    return issue


@pytest.fixture
def scene(world: Any, issue: Any) -> Scene:
    world.cluster.writes.clear()
    return Scene(world, issue())


def _secret(issued: Issued, version: str = "u/2") -> TlsSecret:
    return TlsSecret(version, issued.chain, issued.key_pem)


async def test_the_certificate_is_copied_and_the_claim_names_the_copy(scene: Scene) -> None:
    finding = await scene.look()
    assert (finding.is_ready, finding.reason, finding.is_trusted) == (True, DomainReason.ISSUED, True)
    assert finding.tls.to_manifest() == {"mode": "Secret", "mayOrder": False, "secretName": COPY}
    assert scene.writes == [f"write {COPY}"]
    assert scene.secrets.reads == [("demo", "shop-tls")]
    assert scene.copy is not None
    assert set(scene.copy["data"]) == {"tls.crt", "tls.key"}


async def test_an_unchanged_secret_is_read_and_nothing_more(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await scene.look()
    monkeypatch.setattr(
        "frankenpanel_operator.reconcilers.domain_certificate.check_certificate",
        lambda *_: pytest.fail("it was checked again"),
    )
    assert await scene.look() == first
    assert scene.writes == [f"write {COPY}"]
    assert len(scene.secrets.reads) == 2
    assert first.next_look_seconds is not None
    assert 270 <= first.next_look_seconds <= 330


async def test_a_renewed_secret_is_copied(scene: Scene, issue: Any) -> None:
    before = await scene.look()
    renewed = issue(days=120)
    scene.secrets.answer = _secret(renewed)
    after = await scene.look()
    assert scene.writes == [f"write {COPY}"] * 2
    assert before.not_after is not None
    assert after.not_after == before.not_after + timedelta(days=30)


async def test_a_certificate_that_fits_no_more_leaves_the_one_before(scene: Scene, issue: Any) -> None:
    await scene.look()
    scene.secrets.answer = _secret(issue("other.example.com"))
    finding = await scene.look()
    assert (finding.is_ready, finding.reason) == (False, DomainReason.CERTIFICATE_INVALID)
    assert "is for other.example.com, not for shop.example.com" in finding.message
    assert finding.tls.secret_name == COPY
    assert scene.writes == [f"write {COPY}"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (SecretNotFoundError("none"), DomainReason.SECRET_NOT_FOUND),
        (SecretForbiddenError("no"), DomainReason.SECRET_FORBIDDEN),
        (UNREADABLE, DomainReason.CERTIFICATE_INVALID),
    ],
)
async def test_what_cannot_be_had_is_said_and_nothing_is_written(
    scene: Scene, answer: Any, reason: DomainReason
) -> None:
    scene.secrets.answer = answer
    finding = await scene.look()
    assert (finding.is_ready, finding.reason, finding.tls.secret_name) == (False, reason, None)
    assert "hunter2" not in finding.message
    assert scene.writes == []
    assert finding.next_look_seconds is not None
    assert finding.next_look_seconds < 100


async def test_an_ended_certificate_is_neither_copied_nor_taken_away(scene: Scene, issue: Any) -> None:
    scene.secrets.answer = _secret(issue(days=-0.5, start_days=-100))
    finding = await scene.look()
    assert (finding.reason, finding.tls.secret_name) == (DomainReason.CERTIFICATE_EXPIRED, None)
    scene.secrets.answer = _secret(issue(days=30), "u/3")
    await scene.look()
    scene.world.clock.time += timedelta(days=31)
    finding = await scene.look()
    assert (finding.reason, finding.tls.secret_name) == (DomainReason.CERTIFICATE_EXPIRED, COPY)
    assert scene.writes == [f"write {COPY}"]


async def test_nothing_is_copied_for_a_host_that_is_not_proven_or_claimed(scene: Scene) -> None:
    scene.is_proven = False
    finding = await scene.look()
    assert (finding.is_ready, finding.reason) == (False, DomainReason.WAITING)
    scene.is_proven, claim, scene.claim = True, scene.claim, None
    finding = await scene.look()
    assert (finding.is_ready, finding.reason, finding.next_look_seconds) == (False, DomainReason.WAITING, 2.0)
    assert scene.writes == []
    scene.claim = claim
    assert (await scene.look()).is_ready


@pytest.mark.parametrize(
    "error", [ClusterRefusedError("no", status=403), ObjectNameTakenError("Secret", COPY)]
)
async def test_a_copy_that_the_cluster_refuses_is_told(scene: Scene, error: Exception) -> None:
    scene.world.cluster.refusals["write", "Secret"] = error
    finding = await scene.look()
    assert (finding.is_ready, finding.reason) == (False, DomainReason.CLUSTER_UNAVAILABLE)
    scene.world.cluster.refusals.clear()
    assert (await scene.look()).is_ready


@pytest.mark.parametrize("mode", ["None", "Internal", "Managed"])
async def test_the_copy_goes_after_the_claim_has_another_mode(scene: Scene, mode: str) -> None:
    await scene.look()
    scene.mode = mode
    finding = await scene.look()
    assert (finding.tls.mode.value, finding.tls.secret_name) == (mode, COPY)
    assert finding.next_look_seconds is not None
    assert finding.next_look_seconds < 1
    assert scene.copy is not None
    finding = await scene.look()
    assert (finding.tls.mode.value, finding.tls.secret_name) == (mode, None)
    assert scene.copy is None
    assert scene.writes == [f"write {COPY}", f"delete {COPY}"]
    await scene.look()
    assert len(scene.writes) == 2


async def test_a_copy_that_cannot_be_deleted_is_remembered_in_the_claim(scene: Scene) -> None:
    await scene.look()
    scene.mode = "None"
    scene.world.cluster.refusals["delete", "Secret"] = ClusterRefusedError("no", status=403)
    await scene.look()
    finding = await scene.look()
    assert (finding.is_ready, finding.tls.secret_name) == (True, COPY)
    scene.world.cluster.refusals.clear()
    assert (await scene.look()).tls.secret_name is None
    assert scene.copy is None


async def test_only_our_own_copy_is_ever_deleted(scene: Scene) -> None:
    """A claim that a foreign hand wrote may name anything."""
    scene.mode = "None"
    scene.claim = {
        "metadata": {"name": HOST, "uid": "claim-1"},
        "spec": {"host": HOST, "tls": {"mode": "None", "secretName": "frankenpanel-platform-key"}},
    }
    await scene.look()
    assert scene.writes == [f"delete {COPY}"]


async def test_the_copy_of_a_domain_that_goes_is_deleted_and_a_refusal_blocks_nothing(scene: Scene) -> None:
    await scene.look()
    scene.world.cluster.refusals["delete", "Secret"] = ClusterRefusedError("no", status=403)
    await scene.certificates.forget(DOMAIN, scene.claim)
    scene.world.cluster.refusals.clear()
    await scene.certificates.forget(DOMAIN, scene.claim)
    assert scene.copy is None
    assert scene.memory.count(CertificateState.VALID) == 0
    await scene.certificates.forget(DOMAIN, None)


async def test_an_api_server_that_does_not_answer_is_waited_for(scene: Scene) -> None:
    scene.secrets.answer = ClusterUnavailableError("away", dependency=KUBERNETES)
    with pytest.raises(ClusterUnavailableError):
        await scene.look()


async def test_a_claim_of_another_namespace_takes_the_copy_over(scene: Scene) -> None:
    await scene.look()
    assert scene.claim is not None
    scene.claim = {**scene.claim, "metadata": {"name": HOST, "uid": "claim-2"}}
    await scene.look()
    assert scene.copy is not None
    assert scene.copy["metadata"]["ownerReferences"][0]["uid"] == "claim-2"


async def test_many_looks_at_once_do_not_disturb_each_other(scene: Scene) -> None:
    findings = await asyncio.gather(*(scene.look() for _ in range(20)))
    assert {finding.reason for finding in findings} == {DomainReason.ISSUED}
    assert scene.memory.count(CertificateState.VALID) == 1


async def test_the_state_of_each_certificate_is_counted(scene: Scene, issue: Any, now: Any) -> None:
    memory = scene.memory

    def counts() -> dict[str, int]:
        return {state.value: memory.count(state) for state in CertificateState if memory.count(state)}

    await scene.look()
    assert counts() == {"valid": 1}
    scene.secrets.answer = _secret(issue(days=20))
    await scene.look()
    assert counts() == {"expiring": 1}
    assert memory.earliest_end() == now + timedelta(days=20)
    scene.world.clock.time += timedelta(days=20)
    await scene.look()
    assert counts() == {"expired": 1}
    scene.secrets.answer = UNREADABLE
    await scene.look()
    assert counts() == {"failed": 1}
    scene.mode = "Managed"
    await scene.look()
    assert counts() == {"pending": 1}
    scene.mode = "Internal"
    await scene.look()
    assert counts() == {}
    assert memory.earliest_end() is None


async def test_the_memory_of_a_domain_that_was_torn_out_goes(scene: Scene) -> None:
    finding = await scene.look()
    scene.memory.note(replace(DOMAIN, name="gone"), finding)
    scene.memory.retain(lambda ref: ref == DOMAIN)
    assert scene.memory.count(CertificateState.VALID) == 1
    scene.memory.clear()
    assert scene.memory.count(CertificateState.VALID) == 0


def test_a_secret_never_shows_what_it_holds() -> None:
    assert "hunter2" not in repr(UNREADABLE)
