from __future__ import annotations

import pytest
from frankenpanel_crds.reasons import DomainReason
from frankenpanel_operator.desired.preflight import Destination, judge_resolution, read_destination
from frankenpanel_operator.findings import DnsAnswer, DnsOutcome

HOST = "shop.example.com"
V4 = Destination(addresses=("203.0.113.20",))
BOTH = Destination(addresses=("203.0.113.20", "2001:db8::20"))
NAME = Destination(names=("edge.example.net",))
UNREACHABLE = DnsAnswer(DnsOutcome.UNREACHABLE)


def found(*values: str, aliases: tuple[str, ...] = ()) -> DnsAnswer:
    return DnsAnswer(DnsOutcome.FOUND, values, aliases, 300)


def test_addresses_are_told_from_names_and_written_one_way() -> None:
    destination = read_destination(("203.0.113.20", "2001:DB8:0::20", "Edge.Example.net."))
    assert destination == Destination(("203.0.113.20", "2001:db8::20"), ("edge.example.net",))
    assert destination.shown == ("edge.example.net", "203.0.113.20", "2001:db8::20")
    assert destination.name == "edge.example.net"


def test_nothing_is_compared_where_nobody_said_where_hosts_should_lead() -> None:
    resolution = judge_resolution(HOST, Destination(), None, None)
    assert (resolution.is_here, resolution.reason) == (True, DomainReason.NOT_CHECKED)


@pytest.mark.parametrize(
    ("destination", "observed", "target"),
    [
        (V4, found("203.0.113.20"), None),
        (BOTH, found("203.0.113.20"), None),
        (BOTH, found("2001:db8::20"), None),
        (BOTH, found("2001:db8::20", "203.0.113.20"), None),
        (NAME, found("198.51.100.1", aliases=("cdn.example.org", "edge.example.net")), UNREACHABLE),
        (NAME, found("203.0.113.20"), found("203.0.113.20", "203.0.113.21")),
    ],
    ids=["only v4", "v4 of both", "v6 of both", "both", "alias", "addresses of the name"],
)
def test_a_host_leads_here_if_all_that_it_leads_to_is_ours(
    destination: Destination, observed: DnsAnswer, target: DnsAnswer | None
) -> None:
    resolution = judge_resolution(HOST, destination, observed, target)
    assert (resolution.is_here, resolution.reason) == (True, DomainReason.RESOLVES)
    assert resolution.expected == destination.shown
    assert resolution.observed == observed.values
    assert resolution.ttl_seconds == 300


def test_a_host_that_leads_elsewhere_says_where_and_where_it_should() -> None:
    resolution = judge_resolution(HOST, V4, found("198.51.100.9"), None)
    assert (resolution.is_here, resolution.reason) == (False, DomainReason.POINTS_ELSEWHERE)
    assert "198.51.100.9" in resolution.message
    assert "203.0.113.20" in resolution.message


@pytest.mark.parametrize("stranger", ["198.51.100.9", "2001:db8::666"], ids=["v4", "v6"])
def test_one_strange_address_among_ours_is_named(stranger: str) -> None:
    observed = found(*sorted(("203.0.113.20", stranger)))
    resolution = judge_resolution(HOST, V4, observed, None)
    assert resolution.reason is DomainReason.POINTS_ELSEWHERE
    assert f"of which {stranger} is not this platform" in resolution.message


@pytest.mark.parametrize(
    ("observed", "text"),
    [
        (DnsAnswer(DnsOutcome.NO_SUCH_NAME, ttl_seconds=60), "does not exist"),
        (DnsAnswer(DnsOutcome.NO_SUCH_RECORD), "has no address"),
        (DnsAnswer(DnsOutcome.NO_SUCH_NAME, aliases=("gone.example.org",)), "alias of gone.example.org"),
    ],
    ids=["no name", "no address", "dangling alias"],
)
def test_a_host_that_leads_nowhere_says_so(observed: DnsAnswer, text: str) -> None:
    resolution = judge_resolution(HOST, NAME, observed, found("203.0.113.20"))
    assert (resolution.is_here, resolution.reason) == (False, DomainReason.NOT_RESOLVING)
    assert text in resolution.message
    assert "make it an alias (CNAME) of edge.example.net" in resolution.message


def test_silence_is_not_taken_for_an_answer() -> None:
    assert judge_resolution(HOST, V4, UNREACHABLE, None).reason is DomainReason.DNS_UNREACHABLE
    of_target = judge_resolution(HOST, NAME, found("203.0.113.20"), UNREACHABLE)
    assert (of_target.is_here, of_target.reason) == (False, DomainReason.DNS_UNREACHABLE)
