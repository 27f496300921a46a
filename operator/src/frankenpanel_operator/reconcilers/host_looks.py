"""Asks the world outside about hosts, some at a time, and never holds a worker for long.

A pass waits for its answers for a moment. What takes longer goes on without it, and the pass that comes
back a little later finds the answers here. So name servers that are dead or slow, which anybody may have for
the hosts of their own, cost neither the workers nor, beyond their namespace's share, the looks at others.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from frankenpanel_crds.domain_status import ChallengeRecord, ChallengeType

from frankenpanel_operator import metrics
from frankenpanel_operator.desired.verification import HTTP_PATH, Evidence, is_proven
from frankenpanel_operator.findings import DnsAnswer, DnsOutcome, HttpAnswer, HttpOutcome
from frankenpanel_operator.ports import DomainResolver, HttpProber

MOST_LOOKS = 16
MOST_LOOKS_PER_NAMESPACE = 4
PATIENCE_SECONDS = 1.0
"""How long a pass waits; name servers that work answer within it."""
UNDER_WAY_SECONDS = 3.0
"""When the answers that a pass did not wait for are worth coming back for."""

_WAITING_PER_SECOND = 50.0
_LONGEST_WAIT_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be found out about a host; equal questions have the same answers for a while.

    `generation` is that of the Domain: whoever edits it wants to know at once. `records` is what may show
    that the host is the namespace's, empty where nothing has to be shown. `goal` is the name to which it
    should lead, if there is one; `is_located` says whether it matters where it leads.
    """

    host: str
    generation: int
    records: tuple[ChallengeRecord, ...]
    goal: str | None
    is_located: bool

    def asks_for(self, kind: ChallengeType) -> bool:
        """Say whether a record of this kind would count."""
        return any(record.type is kind for record in self.records)


@dataclass(frozen=True, slots=True)
class Answers:
    """What was found out; None for what was not asked."""

    observed: DnsAnswer | None
    target: DnsAnswer | None
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Later:
    """No answers now, and when to come back for them."""

    seconds: float


@dataclass(frozen=True, slots=True)
class _Look:
    question: Question
    task: asyncio.Task[Answers]


@dataclass(slots=True, kw_only=True)
class HostLooks:
    """The looks that are under way; at most some in all, and fewer for each namespace.

    Attributes:
        resolver: asks name servers.
        prober: asks web servers.
        most: how many looks at the same time.
        most_per_namespace: of those, for the Domains of one namespace.
        patience_seconds: how long a pass waits.
    """

    resolver: DomainResolver
    prober: HttpProber
    most: int = MOST_LOOKS
    most_per_namespace: int = MOST_LOOKS_PER_NAMESPACE
    patience_seconds: float = PATIENCE_SECONDS
    _looks: dict[str, _Look] = field(default_factory=dict)
    _busy: Counter[str] = field(default_factory=Counter)
    _turned_away: set[str] = field(default_factory=set)

    async def answers(self, subject: str, namespace: str, question: Question) -> Answers | Later:
        """Return the answers, or when to ask again for them.

        Args:
            subject: identifies the Domain; it has one question at a time.
            namespace: whose share the look counts for.
            question: what to find out.
        """
        look = self._looks.get(subject)
        if look is not None and look.question != question:
            del self._looks[subject]
            look.task.cancel()
            look = None
        if look is None:
            if not self._has_room(namespace):
                return self._turn_away(subject)
            look = self._start(subject, namespace, question)
        done, _ = await asyncio.wait({look.task}, timeout=self.patience_seconds)
        if not done:
            return Later(UNDER_WAY_SECONDS)
        if self._looks.get(subject) is look:
            del self._looks[subject]
        return look.task.result()

    async def close(self) -> None:
        """Break off what is under way; nobody will come back for it."""
        tasks = [look.task for look in self._looks.values()]
        self._looks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _has_room(self, namespace: str) -> bool:
        return self._busy.total() < self.most and self._busy[namespace] < self.most_per_namespace

    def _turn_away(self, subject: str) -> Later:
        """Say when to come back; the more wait, the later, or they would keep the workers busy by asking."""
        self._turned_away.add(subject)
        wait = UNDER_WAY_SECONDS + len(self._turned_away) / _WAITING_PER_SECOND
        return Later(min(wait, _LONGEST_WAIT_SECONDS))

    def _start(self, subject: str, namespace: str, question: Question) -> _Look:
        self._turned_away.discard(subject)
        self._drop_unfetched()
        task = asyncio.create_task(
            find_out(question, self.resolver, self.prober), name=f"look-{question.host}"
        )
        look = self._looks[subject] = _Look(question, task)
        self._busy[namespace] += 1
        metrics.HOST_LOOKS_IN_FLIGHT.inc()
        task.add_done_callback(lambda _: self._end(namespace))
        return look

    def _end(self, namespace: str) -> None:
        metrics.HOST_LOOKS_IN_FLIGHT.dec()
        self._busy[namespace] -= 1
        if not self._busy[namespace]:
            del self._busy[namespace]
        if not self._busy:
            # Whoever still waits is told a shorter time when it asks again.
            self._turned_away.clear()

    def _drop_unfetched(self) -> None:
        """Forget answers whose Domain went before it came back for them."""
        if len(self._looks) >= 4 * self.most:
            for subject in [subject for subject, look in self._looks.items() if look.task.done()]:
                del self._looks[subject]


async def find_out(question: Question, resolver: DomainResolver, prober: HttpProber) -> Answers:
    """Ask all that a question needs; the web server last, and only where name servers gave no proof."""
    is_located = question.is_located or question.asks_for(ChallengeType.HTTP)
    observed, target, txt, cname = await asyncio.gather(
        _maybe(resolver.addresses, question.host if is_located else None),
        _maybe(resolver.addresses, question.goal if question.is_located else None),
        _maybe(resolver.texts, _name_of(question, ChallengeType.TXT)),
        _maybe(resolver.alias, _name_of(question, ChallengeType.CNAME)),
    )
    evidence = Evidence(txt, cname)
    if question.asks_for(ChallengeType.HTTP) and not is_proven(question.records, evidence):
        evidence = Evidence(txt, cname, await _http_answer(question.host, observed, prober))
    return Answers(observed, target, evidence)


async def _maybe(ask: Callable[[str], Awaitable[DnsAnswer]], name: str | None) -> DnsAnswer | None:
    return None if name is None else await ask(name)


def _name_of(question: Question, kind: ChallengeType) -> str | None:
    return next((record.name for record in question.records if record.type is kind), None)


async def _http_answer(host: str, observed: DnsAnswer | None, prober: HttpProber) -> HttpAnswer:
    if observed is None or observed.outcome is not DnsOutcome.FOUND:
        return HttpAnswer(HttpOutcome.FAILED)
    return await prober.body(host, HTTP_PATH, observed.values)
