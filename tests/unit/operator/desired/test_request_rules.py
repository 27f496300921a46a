"""The rules of a Site as directives, judged by the program that reads them and by what it then answers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from frankenpanel_crds.site_access import Access
from frankenpanel_crds.site_http import HttpRules
from frankenpanel_operator.desired.caddyfile import Caddyfile, directive, render_caddyfile
from frankenpanel_operator.desired.inputs import Application
from frankenpanel_operator.desired.request_rules import ACCOUNTS_PATH, RequestRules, more_than, rules_of
from frankenpanel_operator.desired.unsafe import UnsafeTextError
from frankenpanel_operator.desired.web_server import site_server_config
from frankenpanel_operator.errors import SpecError
from hypothesis import given
from hypothesis import strategies as st

CADDY = str(Path(sys.executable).with_name("caddy"))
APPLICATION = Application("wordpress", "6.8", "image", ".", "WpConfig", (), "/healthz")
EVERY_RULE = {
    "access": {
        "basicAuth": {"secretRef": {"name": "staff"}, "realm": "Staff only"},
        "allow": ["203.0.113.0/24", "2001:db8::/32"],
        "deny": ["203.0.113.7"],
        "noindex": True,
    },
    "http": {
        "headers": [{"name": "X-Frame-Options", "value": "DENY"}],
        "rateLimit": {"requests": 10, "windowSeconds": 5},
        "maxBodySize": "1Mi",
        "staticCacheSeconds": 60,
        "compression": False,
    },
}


def rules(access=None, http=None):
    return RequestRules(Access.model_validate(access or {}), HttpRules.model_validate(http or {}), "/healthz")


def config(given=None, **options):
    return site_server_config(APPLICATION, given, **options)


def web_site(caddyfile):
    [site] = [site for site in caddyfile.sites if site.name == ":8080"]
    return site


def route(given, **options):
    [found] = [item for item in web_site(config(given, **options)).block if item.name == "route"]
    return found.block


def names(block):
    return [item.name for item in block]


def gate(given):
    [found] = [item for item in route(given) if item.name == "route"]
    assert found.arguments == ("@visitor",)
    return found.block


def matcher(given, name):
    [found] = [item for item in web_site(config(given)).block if item.name == name]
    return found.block


def test_a_site_without_rules_is_served_as_before_there_were_any(make_site):
    assert rules_of(make_site(), "/healthz") is None
    assert config() == site_server_config(APPLICATION)
    assert names(route(None)) == ["respond", "encode", "php_server"]


def test_empty_rules_change_nothing_of_the_answers():
    assert names(route(rules())) == names(route(None))


def test_rules_come_in_the_order_in_which_they_turn_visitors_away(make_site):
    given = rules_of(make_site(EVERY_RULE), "/healthz?full=1")
    assert given.health_path == "/healthz"
    assert [(item.name, item.arguments[:1]) for item in gate(given)] == [
        ("respond", ("@denied",)),
        ("respond", ("@outside",)),
        ("rate_limit", ()),
        ("basic_auth", ("bcrypt",)),
        ("respond", ("@unmeasured",)),
        ("respond", ("@large",)),
        ("request_body", ()),
    ]
    assert names(route(given)) == [*["header"] * 4, "respond", "route", "header", "php_server"]


def test_the_kubelets_question_alone_passes_the_gate():
    [exception] = matcher(rules({"deny": ["192.0.2.1"]}), "@visitor")
    assert exception.name == "not"
    assert exception.block == (
        directive("method", "GET"),
        directive("path", "/healthz"),
        directive("header", "!X-Forwarded-For"),
    )


def test_accounts_are_imported_from_the_pod_and_never_written_here():
    [basic_auth] = gate(rules({"basicAuth": {"secretRef": {"name": "staff"}}}))
    assert basic_auth == directive(
        "basic_auth", "bcrypt", "restricted", block=[directive("import", ACCOUNTS_PATH)]
    )


@pytest.mark.parametrize(
    ("access", "steps"), [({"deny": ["::1"]}, ["@denied"]), ({"allow": ["::1"]}, ["@outside"])]
)
def test_addresses_are_turned_away_with_403(access, steps):
    assert [item.arguments for item in gate(rules(access))] == [(step, "403") for step in steps]


def test_what_php_makes_of_a_path_is_never_called_static():
    path, file = matcher(rules(http={"staticCacheSeconds": 60}), "@static")
    assert file == directive("file", block=[directive("root", "/app")])
    assert "*.css" in path.arguments
    assert not [suffix for suffix in path.arguments if "htm" in suffix or "php" in suffix]


@pytest.mark.parametrize(("seconds", "value"), [(60, "public, max-age=60"), (0, "no-cache")])
def test_files_say_how_long_they_may_be_kept(seconds, value):
    headers = [item for item in route(rules(http={"staticCacheSeconds": seconds})) if item.name == "header"]
    assert [item.arguments for item in headers] == [("@static", "Cache-Control", value)]


def test_a_header_is_on_errors_and_over_what_php_says():
    given = rules(http={"headers": [{"name": "X-Frame-Options", "value": "DENY"}]})
    assert [item.arguments for item in route(given) if item.name == "header"] == [
        ("X-Frame-Options", "DENY"),
        (">X-Frame-Options", "DENY"),
    ]


def test_compression_can_be_left_out():
    assert "encode" not in names(route(rules(http={"compression": False})))


def test_pods_with_siblings_send_their_visitors_to_them_before_they_stop():
    assert route(None, has_siblings=True)[0] == directive("header", "@leaving", "Connection", "close")
    options = {option.name: option.arguments for option in config(has_siblings=True).options}
    assert options["shutdown_delay"] == ("3s",)
    assert "shutdown_delay" not in names(config().options)


@pytest.mark.parametrize("size", ["0", "-1Mi", "nonsense"])
def test_a_body_size_that_the_schema_should_have_refused_is_the_fault_of_the_spec(size):
    with pytest.raises(SpecError):
        config(rules(http={"maxBodySize": size}))


@given(st.integers(min_value=1, max_value=10**12), st.integers(min_value=0, max_value=10**13))
def test_numbers_are_compared_by_their_digits(number, other):
    assert bool(re.search(more_than(number), str(other))) == (other > number)
    assert bool(re.search(more_than(number), f"000{number + 1}"))


HOSTILE = [
    "{env.SECRET}",
    "{$SECRET}",
    "{http.request.header.Cookie}",
    'x" 200\nadmin ":2019',
    "a\r\nSet-Cookie: b",
    "`",
    "trailing\\",
    "}",
    "\x00",
    "\u2028",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_that_the_schema_should_have_refused_is_refused_again(text):
    access = Access.model_construct(allow=(), deny=(), basic_auth=None, noindex=False)
    for http in (
        {"headers": [{"name": "X-A", "value": text}]},
        {"headers": [{"name": text, "value": "a"}]},
    ):
        given = RequestRules(access, HttpRules.model_validate(http), "/healthz")
        with pytest.raises(UnsafeTextError):
            render_caddyfile(config(given))
    for name in ("allow", "deny"):
        given = RequestRules(access.model_copy(update={name: (text,)}), HttpRules(), "/healthz")
        with pytest.raises(UnsafeTextError):
            render_caddyfile(config(given))
        with pytest.raises(ValueError, match=f"Access\n{name}"):
            Access.model_validate({name: [text]})
    realm = {"basicAuth": {"secretRef": {"name": "a"}, "realm": text}}
    with pytest.raises(UnsafeTextError):
        render_caddyfile(config(rules(realm)))
    with pytest.raises(UnsafeTextError):
        render_caddyfile(config(RequestRules(Access(), HttpRules(), text)))


def for_stock_caddy(caddyfile, accounts):
    """Put directives of a stock Caddy where only our FrankenPHP knows the name."""

    def replaced(item):
        if item.name == "php_server":
            return directive("respond", "site")
        if item.name == "rate_limit":
            return directive("respond", "/limited", "429")
        block = None if item.block is None else tuple(map(replaced, item.block))
        arguments = tuple(str(accounts) if part == ACCOUNTS_PATH else part for part in item.arguments)
        return directive(item.name, *arguments, block=block)

    options = tuple(option for option in caddyfile.options if option.name != "frankenphp")
    return Caddyfile(options, tuple(map(replaced, caddyfile.sites)))


def caddy(command, caddyfile, folder):
    path = folder / "Caddyfile"
    path.write_text(render_caddyfile(caddyfile))
    return subprocess.run(
        [CADDY, *command, str(path)], capture_output=True, text=True, env={"HOME": str(folder)}, check=False
    )


@pytest.mark.parametrize("has_siblings", [True, False])
def test_caddy_accepts_every_rule(make_site, tmp_path, has_siblings):
    accounts = tmp_path / "accounts"
    accounts.write_text("nobody $2y$10$" + "." * 53 + "\n")
    given = config(rules_of(make_site(EVERY_RULE), "/healthz"), has_siblings=has_siblings)
    command = ["adapt", "--validate", "--adapter", "caddyfile", "--config"]
    result = caddy(command, for_stock_caddy(given, accounts), tmp_path)
    assert result.returncode == 0, result.stderr
    assert "Staff only" in json.dumps(json.loads(result.stdout))
    assert caddy(["fmt", "--diff"], given, tmp_path).returncode == 0


def test_without_its_file_of_accounts_the_server_does_not_start(tmp_path):
    given = for_stock_caddy(config(rules({"basicAuth": {"secretRef": {"name": "a"}}})), tmp_path / "absent")
    result = caddy(["adapt", "--validate", "--adapter", "caddyfile", "--config"], given, tmp_path)
    assert result.returncode != 0
