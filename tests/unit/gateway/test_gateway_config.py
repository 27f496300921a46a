"""What the shipped configuration promises, and that it agrees with what the agent writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from frankenpanel_gateway.claims import compile_claim, is_routable_host
from frankenpanel_gateway.tree import proxy_record
from frankenpanel_gateway.upstreams import is_admitted_upstream
from hypothesis import given
from hypothesis import strategies as st

GATEWAY = Path(__file__).parents[3] / "images" / "gateway"
TEXT = (GATEWAY / "gateway.json").read_text()
CONFIG = json.loads(TEXT)
SERVERS = CONFIG["apps"]["http"]["servers"]


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def patterns(value: Any) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield what the configuration matches with regular expressions, by placeholder."""
    if isinstance(value, dict):
        yield from value.get("vars_regexp", {}).items()
        for item in value.values():
            yield from patterns(item)
    elif isinstance(value, list):
        for item in value:
            yield from patterns(item)


BY_NAME = {found.get("name", key): re.compile(found["pattern"]) for key, found in patterns(SERVERS["edge"])}
PROXY, REDIRECT, HOST = BY_NAME["rec"], BY_NAME["red"], BY_NAME["{http.request.host}"]
FOLDER = "/........shop.example/"
LABEL = st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)


def test_admin_is_a_private_socket_and_nothing_is_persisted():
    assert CONFIG["admin"] == {"listen": "unix//run/gateway/admin.sock|0600", "config": {"persist": False}}


def test_no_placeholder_reads_the_environment_or_a_file_outside_of_the_pages():
    placeholders = {found for text in strings(CONFIG) for found in re.findall(r"\{([a-z][^{}]*)\}", text)}
    allowed = re.compile(
        r"file\./etc/gateway/pages/[a-z]+\.html|env\.FRANKENPANEL_HTTPS_PORT_SUFFIX"
        r"|http\.(request|response\.header|error|vars|regexp|matchers)\.[A-Za-z0-9._/,]+"
    )
    assert placeholders
    assert [name for name in placeholders if not allowed.fullmatch(name)] == []


def test_every_page_exists_and_is_complete():
    pages = set(re.findall(r"\{file\./etc/gateway/pages/([a-z]+\.html)\}", TEXT))
    assert pages == {path.name for path in (GATEWAY / "pages").iterdir()}
    for name in pages:
        page = (GATEWAY / "pages" / name).read_text()
        assert page.startswith("<!doctype html>")
        assert "{" not in page.replace(page[page.index("<style>") : page.index("</style>")], "")


def test_nothing_in_it_belongs_to_one_site_or_domain():
    assert SERVERS["edge"]["automatic_https"] == {"disable": True}
    assert "subjects" not in CONFIG["apps"]["tls"]["automation"]["policies"][0]


def test_tls_is_on_demand_behind_the_permission_endpoint():
    automation = CONFIG["apps"]["tls"]["automation"]
    assert automation["on_demand"]["permission"]["endpoint"] == "http://127.0.0.1:19191/permission"
    assert SERVERS["edge"]["strict_sni_host"] is True


@pytest.mark.parametrize(
    "name",
    ["read_header_timeout", "read_timeout", "write_idle_timeout", "idle_timeout", "max_header_bytes"],
)
def test_the_edge_has_limits(name):
    assert SERVERS["edge"][name]


@given(st.lists(LABEL, min_size=2, max_size=10).map(".".join))
def test_caddy_admits_every_host_that_the_agent_writes(host):
    if is_routable_host(host):
        assert HOST.fullmatch(host)


def test_what_lasts_long_is_cut_after_hours_only():
    """By HTTP/1.1, Go ends a request at this limit, even one that was read long before."""
    assert SERVERS["edge"]["read_timeout"] == "6h"
    # With it, Caddy 2.11 forgets the limit above once a body paused, and waits for its rest for ever.
    assert SERVERS["edge"]["read_idle_timeout"] == -1
    assert "write_timeout" not in SERVERS["edge"]


HSTS = st.sampled_from(["", "0", "31536000", "31536000s", "63072000sp", "300p"])


@given(LABEL, LABEL, st.ip_addresses(), st.integers(1, 65535), st.booleans(), HSTS)
def test_caddy_reads_every_proxy_record_that_the_agent_writes(namespace, name, address, port, to_https, hsts):
    upstream = f"{address}:{port}" if address.version == 4 else f"[{address}]:{port}"
    if is_admitted_upstream(upstream):
        record = proxy_record(f"{namespace}.{name}", upstream, to_https=to_https, hsts=hsts)
        match = PROXY.search(FOLDER + record)
        assert match is not None
        assert match.groups("") == (str(int(to_https)), f"{namespace}.{name}", upstream, hsts)
        assert REDIRECT.search(FOLDER + record) is None


TARGET = st.from_regex(
    r"https?://[a-z0-9.-]{1,20}(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&'()*+;=:@%/-]*)?", fullmatch=True
)


@given(TARGET, st.sampled_from([301, 302, 307, 308]), st.booleans(), st.booleans(), HSTS)
def test_caddy_reads_every_redirect_record_that_the_agent_writes(target, code, keep_path, to_https, hsts):
    spelled = {"": None} | {h: "max-age=" + h.rstrip("sp") for h in ("0", "31536000")}
    route = {"redirect": {"to": target, "code": code, "keepPath": keep_path}, "httpsRedirect": to_https}
    spec = {"host": "shop.example", "route": {"site": "demo.shop", **route, "hsts": spelled.get(hsts)}}
    outcome = compile_claim({"metadata": {"name": "shop.example"}, "spec": spec})
    if isinstance(outcome, str):
        match = REDIRECT.search(FOLDER + outcome)
        assert match is not None
        digit, site, status, how, age, location, host = match.groups("")
        assert (digit, site, status, how) == (
            str(int(to_https)),
            "demo.shop",
            str(code),
            "k" if keep_path else "x",
        )
        assert age == (hsts if hsts in spelled else "")
        assert location.replace("|", "/").startswith(target.rstrip("/") if keep_path else target)
        assert host == re.split(r"[/:]", target.partition("://")[2])[0]
        assert PROXY.search(FOLDER + outcome) is None
