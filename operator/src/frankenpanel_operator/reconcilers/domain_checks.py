"""Asks the world outside about a host: does it belong to the tenant, and does it lead here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from frankenpanel_crds.domain import Domain
from frankenpanel_crds.domain_status import ChallengeRecord
from frankenpanel_crds.reasons import DomainReason

from frankenpanel_operator.desired.holding import claim_owner
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.desired.look_plan import next_look_seconds
from frankenpanel_operator.desired.preflight import Destination, judge_resolution, read_destination
from frankenpanel_operator.desired.verification import (
    DNS_CHALLENGES,
    EVERY_CHALLENGE,
    Evidence,
    challenge_records,
    evidence_ttl_seconds,
    judge_ownership,
    verification_token,
    wanted_records,
)
from frankenpanel_operator.findings import DnsAnswer, HostChecks, Ownership, Proof, Resolution
from frankenpanel_operator.observed import Manifest
from frankenpanel_operator.ports import Clock
from frankenpanel_operator.reconcilers.host_looks import Answers, HostLooks, Later, Question
from frankenpanel_operator.status.host_findings import (
    former_ownership,
    pending_resolution,
    while_unreachable,
    with_steady_ttl,
)

_TRUSTED = Ownership(
    is_proven=True,
    reason=DomainReason.TRUSTED,
    message="Nothing has to be shown: your administrator trusts this namespace.",
)
RECHECK_SECONDS = 21_600.0
_OVERDUE = timedelta(hours=1)
_FIRST_SWEEP = 1000
_MOST_SHARED = 1000


@dataclass(frozen=True, slots=True)
class _Known:
    """What the last look at a Domain's host found, and until when it is good enough."""

    question: Question
    answers: Answers
    until: datetime


@dataclass(slots=True, kw_only=True)
class DomainChecks:
    """Looks at one host after another, and remembers what it saw until it is time to look again.

    Attributes:
        platform: where hosts should lead, and whom the administrator trusts.
        platform_key: what proofs are derived from.
        looks: asks name servers and web servers.
        clock: the time of day.
        spread: lengthens a delay at random, so that hosts seen together are not looked at together again.
        recheck_seconds: how often it is looked whether all is still well.
    """

    platform: Platform
    platform_key: bytes
    looks: HostLooks
    clock: Clock
    spread: Callable[[float], float]
    recheck_seconds: float = RECHECK_SECONDS
    _known: dict[str, _Known] = field(default_factory=dict)
    _equal: dict[DnsAnswer, DnsAnswer] = field(default_factory=dict)
    _sweep_at: int = _FIRST_SWEEP
    _destination: Destination = field(init=False)

    def __post_init__(self) -> None:
        self._destination = read_destination(self.platform.gateway_addresses)

    async def look(
        self,
        domain: Domain,
        host: str,
        claim: Manifest | None,
        proof: Proof = Proof.ANY,
    ) -> HostChecks:
        """Return what is known about a host; the network's failures are findings, never errors.

        Args:
            domain: who wants the host.
            host: its normalised form.
            claim: whoever's claim of it there is.
            proof: what it takes to show that it is the namespace's.
        """
        given = self._given(domain, host, claim, proof)
        destination = self._destination
        records = () if given is not None else self._records(domain, host, destination, proof)
        question = Question(
            host=host,
            generation=domain.metadata.generation or 0,
            records=records,
            goal=destination.name,
            is_located=bool(destination.shown),
        )
        if not question.records and not question.is_located:
            ownership = given or judge_ownership(host, records, Evidence())
            return HostChecks(ownership, judge_resolution(host, destination, None, None))
        answers, next_look = await self._answers(domain, claim, question)
        if answers is None:
            ownership = given or former_ownership(domain, host, records)
            resolution = pending_resolution(domain, host, destination.shown)
        else:
            ownership = given or _judged(host, records, proof, answers)
            resolution = _located(domain, host, destination, answers)
        return HostChecks(ownership, resolution, next_look)

    # --- what needs no question -----------------------------------------------------------------------------

    def _given(self, domain: Domain, host: str, claim: Manifest | None, proof: Proof) -> Ownership | None:
        """Return the ownership where nothing has to be shown (any more)."""
        namespace = domain.metadata.namespace or ""
        if proof is Proof.NOTHING:
            return _proven(f"{host} is below a host that is proven to be yours.")
        trusted = self.platform.trusted_namespaces
        if proof is Proof.ANY and ("*" in trusted or namespace in trusted):
            return _TRUSTED
        if claim is not None and _is_proven_by(namespace, claim):
            return _proven(f"{host} is proven to be yours.")
        return None

    def _records(
        self, domain: Domain, host: str, destination: Destination, proof: Proof
    ) -> tuple[ChallengeRecord, ...]:
        token = verification_token(self.platform_key, domain.metadata.namespace or "", host)
        possible = challenge_records(host, token, destination.name)
        allowed = DNS_CHALLENGES if proof is Proof.RECORD else EVERY_CHALLENGE
        return wanted_records(possible, domain.spec.verification.method, allowed)

    # --- what was found out ---------------------------------------------------------------------------------

    async def _answers(
        self, domain: Domain, claim: Manifest | None, question: Question
    ) -> tuple[Answers | None, float]:
        """Return the answers to the question, None while there are none, and when to look again."""
        now, subject = self.clock.now(), _subject(domain)
        known = self._known.get(subject)
        if known is not None and known.question == question and now < known.until:
            return known.answers, max((known.until - now).total_seconds(), 1.0)
        found = await self.looks.answers(subject, domain.metadata.namespace or "", question)
        if isinstance(found, Later):
            return None, self.spread(found.seconds)
        pause = self.spread(self._pause_seconds(domain, claim, question, found))
        self._remember(subject, _Known(question, found, now + timedelta(seconds=pause)))
        return found, pause

    def _pause_seconds(
        self, domain: Domain, claim: Manifest | None, question: Question, answers: Answers
    ) -> float:
        since = _made_at(claim) or domain.metadata.creation_timestamp
        age = (self.clock.now() - since).total_seconds() if since is not None else 0.0
        ownership = judge_ownership(question.host, question.records, answers.evidence)
        is_shown = not question.records or ownership.is_proven
        resolution = judge_resolution(question.host, self._destination, answers.observed, answers.target)
        ttls = [
            None if is_shown else evidence_ttl_seconds(answers.evidence),
            None if resolution.is_here else resolution.ttl_seconds,
        ]
        return next_look_seconds(
            age_seconds=age,
            is_settled=is_shown and resolution.is_here,
            ttl_seconds=min((ttl for ttl in ttls if ttl is not None), default=None),
            recheck_seconds=self.recheck_seconds,
        )

    def _remember(self, subject: str, known: _Known) -> None:
        """Remember a look, and now and then forget those of Domains that went: nobody comes for them."""
        answers = replace(
            known.answers,
            observed=self._shared(known.answers.observed),
            target=self._shared(known.answers.target),
        )
        self._known[subject] = replace(known, answers=answers)
        if len(self._known) >= self._sweep_at:
            limit = self.clock.now() - _OVERDUE
            self._known = {key: item for key, item in self._known.items() if item.until > limit}
            self._sweep_at = max(_FIRST_SWEEP, 2 * len(self._known))

    def _shared(self, answer: DnsAnswer | None) -> DnsAnswer | None:
        """Return the same object for equal answers: most hosts lead to the same few addresses."""
        if len(self._equal) > _MOST_SHARED:
            self._equal.clear()
        return None if answer is None else self._equal.setdefault(answer, answer)


def _judged(host: str, records: tuple[ChallengeRecord, ...], proof: Proof, answers: Answers) -> Ownership:
    ownership = judge_ownership(host, records, answers.evidence)
    if proof is Proof.ANY or ownership.reason is not DomainReason.RECORD_NOT_FOUND:
        return ownership
    message = f"{ownership.message} Only a DNS record counts, because others have a right in this name, too."
    return replace(ownership, message=message)


def _located(domain: Domain, host: str, destination: Destination, answers: Answers) -> Resolution:
    resolution = judge_resolution(host, destination, answers.observed, answers.target)
    if resolution.reason is DomainReason.DNS_UNREACHABLE:
        return while_unreachable(domain, host, resolution)
    return with_steady_ttl(domain, resolution)


def _proven(message: str) -> Ownership:
    return Ownership(is_proven=True, reason=DomainReason.VERIFIED, message=message)


def _is_proven_by(namespace: str, claim: Manifest) -> bool:
    spec = claim.get("spec") or {}
    return bool(spec.get("verifiedAt")) and claim_owner(claim).get("namespace") == namespace


def _subject(domain: Domain) -> str:
    return domain.metadata.uid or f"{domain.metadata.namespace}/{domain.metadata.name}"


def _made_at(claim: Manifest | None) -> datetime | None:
    text = ((claim or {}).get("metadata") or {}).get("creationTimestamp")
    return datetime.fromisoformat(text) if isinstance(text, str) else None
