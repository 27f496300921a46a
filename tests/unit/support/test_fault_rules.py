"""The tests' fault proxy is only as good as its rules: they are tested without it."""

from __future__ import annotations

import pytest
from fault_rules import ApiRequest, Cut, Delay, Refusal, Rule, Rules, Silence, parse_request

SITES = "/apis/frankenpanel.io/v1alpha1/namespaces/demo/sites"


@pytest.mark.parametrize(
    ("method", "path", "query", "expected"),
    [
        ("GET", "/api/v1/configmaps", {}, ApiRequest("list", "configmaps")),
        ("GET", "/api/v1/configmaps", {"watch": "true"}, ApiRequest("watch", "configmaps")),
        (
            "GET",
            "/api/v1/pods",
            {"watch": "true", "sendInitialEvents": "true"},
            ApiRequest("stream-list", "pods"),
        ),
        ("GET", f"{SITES}/shop", {}, ApiRequest("get", "sites", "demo", "shop")),
        ("PATCH", f"{SITES}/shop/status", {}, ApiRequest("patch", "sites", "demo", "shop", "status")),
        ("PUT", f"{SITES}/shop", {}, ApiRequest("update", "sites", "demo", "shop")),
        ("DELETE", "/api/v1/namespaces/demo", {}, ApiRequest("delete", "namespaces", "", "demo")),
        ("GET", "/readyz", {}, ApiRequest("list", "")),
    ],
)
def test_reads_a_request(method: str, path: str, query: dict[str, str], expected: ApiRequest) -> None:
    assert parse_request(method, path, query) == expected


def test_a_creation_has_its_name_in_the_body() -> None:
    body = b'{"metadata": {"name": "shop"}}'
    assert parse_request("POST", SITES, {}, body) == ApiRequest("create", "sites", "demo", "shop")
    assert parse_request("POST", SITES, {}, b"nonsense").name == ""


def test_a_rule_befalls_only_what_it_names() -> None:
    rule = Rule(Cut(), frozenset({"patch"}), frozenset({"sites"}), namespace="demo", subresource="status")
    assert rule.matches(ApiRequest("patch", "sites", "demo", "shop", "status"))
    assert not rule.matches(ApiRequest("patch", "sites", "demo", "shop"))
    assert not rule.matches(ApiRequest("patch", "sites", "other", "shop", "status"))
    assert not rule.matches(ApiRequest("patch", "domains", "demo", "shop", "status"))
    assert not rule.matches(ApiRequest("get", "sites", "demo", "shop", "status"))
    assert Rule(Cut(), name="sh*").matches(ApiRequest("get", "sites", "demo", "shop"))
    assert not Rule(Cut(), name="shop").matches(ApiRequest("get", "sites", "demo", "blog"))


def test_counts_all_requests_or_those_of_each_object() -> None:
    first, second = ApiRequest("get", "sites", "demo", "a"), ApiRequest("get", "sites", "demo", "b")
    together, each = Rule(Cut(), times=1, skip=1), Rule(Cut(), times=1, skip=1, per_object=True)
    assert [together.strikes(request) for request in (first, second, first)] == [False, True, False]
    assert [each.strikes(request) for request in (first, second, first, second, first)] == [
        *(False, False, True, True, False)
    ]


def test_spares_all_but_each_nth() -> None:
    rule, request = Rule(Cut(), every=3, times=2), ApiRequest("get", "sites", "demo", "a")
    struck = [number for number in range(1, 13) if rule.strikes(request)]
    assert struck == [3, 6]


def test_the_first_rule_that_strikes_decides_while_it_is_in_force() -> None:
    rules, request = Rules(), ApiRequest("get", "sites", "demo", "shop")
    once = Rule(Refusal(429, retry_after=3), times=1)
    with rules.during(once, Rule(Delay(1.0))):
        assert rules.fault_for(request) == Refusal(429, retry_after=3)
        assert rules.fault_for(request) == Delay(1.0)
    assert rules.fault_for(request) is None


def test_silence_befalls_watches_that_stand_already() -> None:
    rules, watch = Rules(), ApiRequest("watch", "configmaps")
    with rules.during(Rule(Silence(), plurals=frozenset({"configmaps"}))):
        assert rules.is_silenced(watch)
        assert not rules.is_silenced(ApiRequest("watch", "sites"))
    assert not rules.is_silenced(watch)


def test_a_refusal_speaks_as_the_server_does() -> None:
    body = Refusal(410).body()
    assert (body["kind"], body["code"], body["reason"]) == ("Status", 410, "Expired")
    assert Refusal(500).body()["reason"] == "InternalError"
    assert Refusal(409, "AlreadyExists").body()["reason"] == "AlreadyExists"
