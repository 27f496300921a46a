from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from frankenpanel_crds.domain_status import ChallengeRecord, ChallengeType
from frankenpanel_operator.desired.verification import challenge_records
from frankenpanel_operator.findings import DnsAnswer, DnsOutcome, HttpAnswer, HttpOutcome
from frankenpanel_operator.reconcilers.host_looks import Answers, HostLooks, Later, Question, find_out

HERE = DnsAnswer(DnsOutcome.FOUND, ("203.0.113.20",), ttl_seconds=60)
NOTHING = DnsAnswer(DnsOutcome.NO_SUCH_NAME)
RECORDS = challenge_records("shop.example.com", "token", "edge.example.net")


@dataclass
class ScriptedResolver:
    """Answers at once, or when `is_open` is set; notes what it was asked."""

    asked: list[str] = field(default_factory=list)
    texts_found: DnsAnswer = NOTHING
    addresses_found: DnsAnswer = HERE
    is_open: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.is_open.set()

    async def addresses(self, name: str) -> DnsAnswer:
        return await self._answer(f"addresses {name}", self.addresses_found)

    async def texts(self, name: str) -> DnsAnswer:
        return await self._answer(f"texts {name}", self.texts_found)

    async def alias(self, name: str) -> DnsAnswer:
        return await self._answer(f"alias {name}", NOTHING)

    async def _answer(self, question: str, answer: DnsAnswer) -> DnsAnswer:
        self.asked.append(question)
        await self.is_open.wait()
        return answer


@dataclass
class ScriptedProber:
    asked: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)

    async def body(self, host: str, path: str, addresses: Sequence[str]) -> HttpAnswer:
        self.asked.append((host, path, tuple(addresses)))
        return HttpAnswer(HttpOutcome.FOUND, "a page")


@pytest.fixture
def resolver() -> ScriptedResolver:
    return ScriptedResolver()


@pytest.fixture
def prober() -> ScriptedProber:
    return ScriptedProber()


def question(
    host: str = "shop.example.com", *, records: tuple[ChallengeRecord, ...] = (), generation: int = 1
) -> Question:
    return Question(host, generation, records, "edge.example.net", True)


async def test_only_what_matters_is_asked(resolver: ScriptedResolver, prober: ScriptedProber) -> None:
    answers = await find_out(question(), resolver, prober)
    assert sorted(resolver.asked) == ["addresses edge.example.net", "addresses shop.example.com"]
    assert (answers.observed, answers.target, prober.asked) == (HERE, HERE, [])


async def test_the_web_server_is_asked_at_the_addresses_that_were_found(
    resolver: ScriptedResolver, prober: ScriptedProber
) -> None:
    answers = await find_out(question(records=RECORDS), resolver, prober)
    path = "/.well-known/frankenpanel-verification"
    assert prober.asked == [("shop.example.com", path, ("203.0.113.20",))]
    assert answers.evidence.http == HttpAnswer(HttpOutcome.FOUND, "a page")


@pytest.mark.parametrize("case", ["proven", "no address"])
async def test_the_web_server_is_left_alone_where_it_could_add_nothing(
    resolver: ScriptedResolver, prober: ScriptedProber, case: str
) -> None:
    if case == "proven":
        resolver.texts_found = DnsAnswer(DnsOutcome.FOUND, (RECORDS[0].value,))
    else:
        resolver.addresses_found = NOTHING
    await find_out(question(records=RECORDS), resolver, prober)
    assert prober.asked == []


async def test_a_method_that_needs_no_web_server_never_asks_for_one(
    resolver: ScriptedResolver, prober: ScriptedProber
) -> None:
    txt = tuple(record for record in RECORDS if record.type is ChallengeType.TXT)
    await find_out(question(records=txt), resolver, prober)
    assert not [asked for asked in resolver.asked if asked.startswith("alias")]
    assert prober.asked == []


def looks_at(resolver: ScriptedResolver, prober: ScriptedProber, *, patience: float = 30.0) -> HostLooks:
    return HostLooks(
        resolver=resolver, prober=prober, most=3, most_per_namespace=2, patience_seconds=patience
    )


async def test_a_pass_gets_answers_that_come_in_time(
    resolver: ScriptedResolver, prober: ScriptedProber
) -> None:
    looks = looks_at(resolver, prober)
    assert isinstance(await looks.answers("a", "demo", question()), Answers)


async def test_a_pass_does_not_wait_for_silence_and_the_next_one_finds_the_answers(
    resolver: ScriptedResolver, prober: ScriptedProber
) -> None:
    looks = looks_at(resolver, prober, patience=0.0)
    resolver.is_open.clear()
    assert isinstance(await looks.answers("a", "demo", question()), Later)
    resolver.is_open.set()
    looks.patience_seconds = 30.0
    assert isinstance(await looks.answers("a", "demo", question()), Answers)
    assert len(resolver.asked) == 2


async def test_silence_of_one_namespace_leaves_room_for_others(
    resolver: ScriptedResolver, prober: ScriptedProber
) -> None:
    looks = looks_at(resolver, prober, patience=0.0)
    resolver.is_open.clear()
    for subject in ("a", "b", "c", "d"):
        await looks.answers(subject, "noisy", question(f"{subject}.example.com"))
    await asyncio.sleep(0)
    resolver.is_open.set()
    looks.patience_seconds = 30.0
    assert isinstance(await looks.answers("e", "quiet", question("e.example.com")), Answers)
    assert "addresses c.example.com" not in resolver.asked
    await looks.close()


async def test_the_more_wait_the_later_they_come_back(
    resolver: ScriptedResolver, prober: ScriptedProber
) -> None:
    looks = looks_at(resolver, prober, patience=0.0)
    resolver.is_open.clear()
    waits = [await looks.answers(f"s{number}", "noisy", question()) for number in range(100)]
    seconds = [wait.seconds for wait in waits if isinstance(wait, Later)]
    assert len(seconds) == 100
    assert seconds[-1] > seconds[2]
    await looks.close()


async def test_another_question_replaces_the_one_that_is_under_way(
    resolver: ScriptedResolver, prober: ScriptedProber
) -> None:
    looks = looks_at(resolver, prober, patience=0.0)
    resolver.is_open.clear()
    await looks.answers("a", "demo", question("old.example.com"))
    await looks.answers("a", "demo", question("new.example.com", generation=2))
    await asyncio.sleep(0)
    resolver.is_open.set()
    looks.patience_seconds = 30.0
    answers = await looks.answers("a", "demo", question("new.example.com", generation=2))
    assert isinstance(answers, Answers)
    assert "addresses new.example.com" in resolver.asked


async def test_answers_that_nobody_fetches_do_not_pile_up(
    resolver: ScriptedResolver, prober: ScriptedProber
) -> None:
    looks = looks_at(resolver, prober, patience=0.0)
    for number in range(200):
        await looks.answers(f"s{number}", "demo", question())
        for _ in range(5):
            await asyncio.sleep(0)
    assert len(looks._looks) <= 4 * looks.most
    await looks.close()


async def test_closing_ends_what_is_under_way(resolver: ScriptedResolver, prober: ScriptedProber) -> None:
    looks = looks_at(resolver, prober, patience=0.0)
    resolver.is_open.clear()
    await looks.answers("a", "demo", question())
    await looks.close()
    assert [task for task in asyncio.all_tasks() if task.get_name().startswith("look-")] == []
