"""What a real name server says, and how the operator understands it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from coredns_process import NEGATIVE_TTL_SECONDS, NameServer
from frankenpanel_operator.dns.resolver import DnspythonResolver
from frankenpanel_operator.findings import DnsAnswer, DnsOutcome

pytestmark = pytest.mark.integration

NO_SUCH_NAME = DnsAnswer(DnsOutcome.NO_SUCH_NAME, ttl_seconds=NEGATIVE_TTL_SECONDS)
NO_SUCH_RECORD = DnsAnswer(DnsOutcome.NO_SUCH_RECORD, ttl_seconds=NEGATIVE_TTL_SECONDS)
UNREACHABLE = DnsAnswer(DnsOutcome.UNREACHABLE)


@pytest.fixture
def silent_server() -> Iterator[tuple[str, int]]:
    """Yield an address that takes questions and never answers."""
    with socket.socket(type=socket.SOCK_DGRAM) as datagram:
        datagram.bind(("127.0.0.1", 0))
        yield "127.0.0.1", datagram.getsockname()[1]


async def test_addresses_of_both_families_come_sorted_with_the_shorter_ttl(
    name_server: NameServer, resolver: DnspythonResolver
) -> None:
    name_server.write(
        "shop.example 300 IN A 203.0.113.21",
        "shop.example 300 IN A 203.0.113.20",
        "shop.example 60 IN AAAA 2001:db8::20",
    )
    answer = await resolver.addresses("shop.example.test")
    assert answer == DnsAnswer(
        DnsOutcome.FOUND, ("2001:db8::20", "203.0.113.20", "203.0.113.21"), (), ttl_seconds=60
    )


async def test_addresses_come_with_the_aliases_that_lead_to_them(
    name_server: NameServer, resolver: DnspythonResolver
) -> None:
    name_server.write(
        "www.example 30 IN CNAME Shop.example.test.",
        "shop.example 300 IN CNAME edge.platform.test.",
        "edge.platform 300 IN A 203.0.113.20",
    )
    answer = await resolver.addresses("www.example.test")
    assert answer.values == ("203.0.113.20",)
    assert answer.aliases == ("shop.example.test", "edge.platform.test")
    assert answer.ttl_seconds == 30


async def test_a_dangling_alias_is_told_from_a_name_that_does_not_exist(
    name_server: NameServer, resolver: DnspythonResolver
) -> None:
    name_server.write("www.example 300 IN CNAME gone.example.test.")
    dangling = await resolver.addresses("www.example.test")
    assert dangling.outcome in (DnsOutcome.NO_SUCH_NAME, DnsOutcome.NO_SUCH_RECORD)
    assert dangling.aliases == ("gone.example.test",)
    assert await resolver.addresses("other.example.test") == NO_SUCH_NAME


async def test_a_name_without_the_record_is_told_from_no_name(
    name_server: NameServer, resolver: DnspythonResolver
) -> None:
    name_server.write("shop.example 300 IN A 203.0.113.20")
    assert await resolver.texts("shop.example.test") == NO_SUCH_RECORD
    assert await resolver.texts("nothing.example.test") == NO_SUCH_NAME


async def test_text_records_come_whole_and_all_of_them(
    name_server: NameServer, resolver: DnspythonResolver
) -> None:
    name_server.write(
        '_frankenpanel.shop.example 300 IN TXT "v=spf1 -all"',
        '_frankenpanel.shop.example 300 IN TXT "frankenpanel-" "verification=abc"',
    )
    answer = await resolver.texts("_frankenpanel.shop.example.test")
    assert answer.values == ("frankenpanel-verification=abc", "v=spf1 -all")


async def test_more_text_than_a_datagram_holds_comes_by_tcp(
    name_server: NameServer, resolver: DnspythonResolver
) -> None:
    name_server.write(*(f'many.example 300 IN TXT "{number:03d}{"x" * 200}"' for number in range(50)))
    answer = await resolver.texts("many.example.test")
    assert len(answer.values) == 50


async def test_an_alias_is_found_whether_or_not_its_target_exists(
    name_server: NameServer, resolver: DnspythonResolver
) -> None:
    name_server.write("_frankenpanel.shop.example 300 IN CNAME Token.verify.edge.test.")
    answer = await resolver.alias("_frankenpanel.shop.example.test")
    assert (answer.outcome, answer.values) == (DnsOutcome.FOUND, ("token.verify.edge.test",))


async def test_a_wildcard_host_is_looked_up_as_such(
    name_server: NameServer, resolver: DnspythonResolver
) -> None:
    name_server.write("*.shop.example 300 IN A 203.0.113.20", "single.other.example 300 IN A 203.0.113.20")
    assert (await resolver.addresses("*.shop.example.test")).values == ("203.0.113.20",)
    assert (await resolver.addresses("any.shop.example.test")).values == ("203.0.113.20",)
    assert (await resolver.addresses("*.other.example.test")).outcome is DnsOutcome.NO_SUCH_NAME


async def test_a_name_in_another_script_is_looked_up_in_its_ascii_form(
    name_server: NameServer, resolver: DnspythonResolver
) -> None:
    name_server.write("xn--bcher-kva 300 IN A 203.0.113.20")
    assert (await resolver.addresses("xn--bcher-kva.test")).values == ("203.0.113.20",)


async def test_what_was_just_asked_is_not_asked_again(
    name_server: NameServer, resolver: DnspythonResolver
) -> None:
    name_server.write("shop.example 300 IN A 203.0.113.20")
    before = await resolver.addresses("shop.example.test")
    name_server.write("shop.example 300 IN A 203.0.113.99")
    assert await resolver.addresses("shop.example.test") == before
    fresh = DnspythonResolver([name_server.address])
    assert (await fresh.addresses("shop.example.test")).values == ("203.0.113.99",)


async def test_an_answer_without_a_ttl_is_not_remembered(
    name_server: NameServer, resolver: DnspythonResolver
) -> None:
    name_server.write("shop.example 0 IN A 203.0.113.20")
    await resolver.addresses("shop.example.test")
    name_server.write("shop.example 0 IN A 203.0.113.99")
    assert (await resolver.addresses("shop.example.test")).values == ("203.0.113.99",)


async def test_a_server_that_is_down_is_unreachable_and_found_again_once_it_is_back(
    name_server: NameServer, resolver: DnspythonResolver
) -> None:
    name_server.write("shop.example 300 IN A 203.0.113.20")
    name_server.stop()
    hasty = DnspythonResolver([name_server.address], try_seconds=0.1, lifetime_seconds=0.3)
    try:
        assert await hasty.addresses("shop.example.test") == UNREACHABLE
        assert await hasty.texts("shop.example.test") == UNREACHABLE
    finally:
        name_server.start()
    assert (await resolver.addresses("shop.example.test")).values == ("203.0.113.20",)


async def test_a_server_that_never_answers_is_unreachable(silent_server: tuple[str, int]) -> None:
    resolver = DnspythonResolver([silent_server], try_seconds=0.1, lifetime_seconds=0.3)
    assert await resolver.addresses("shop.example.test") == UNREACHABLE


async def test_the_second_server_is_asked_where_the_first_one_is_silent(
    name_server: NameServer, silent_server: tuple[str, int]
) -> None:
    name_server.write("shop.example 300 IN A 203.0.113.20")
    resolver = DnspythonResolver([silent_server, name_server.address], try_seconds=0.2, lifetime_seconds=30)
    assert (await resolver.addresses("shop.example.test")).values == ("203.0.113.20",)


async def test_a_server_that_is_not_responsible_has_not_answered(resolver: DnspythonResolver) -> None:
    assert await resolver.addresses("www.example.com") == UNREACHABLE


async def test_a_name_that_no_question_can_carry_is_a_finding_and_no_error(
    resolver: DnspythonResolver,
) -> None:
    assert await resolver.texts(f"_frankenpanel.{'a' * 64}.test") == UNREACHABLE
