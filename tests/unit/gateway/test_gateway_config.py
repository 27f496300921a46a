"""What the shipped configuration promises, and that it agrees with what the agent writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from frankenpanel_gateway.claims import is_routable_host
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


def pattern(name: str) -> re.Pattern[str]:
    def find(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for key, item in value.items():
                if key == name and isinstance(item, dict) and "pattern" in item:
                    yield item["pattern"]
                yield from find(item)
        elif isinstance(value, list):
            for item in value:
                yield from find(item)

    return re.compile(next(find(SERVERS["edge"])))


RECORD = pattern("{http.matchers.file.relative}")
HOST = pattern("{http.request.host}")
LABEL = st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)


def test_admin_is_a_private_socket_and_nothing_is_persisted():
    assert CONFIG["admin"] == {"listen": "unix//run/gateway/admin.sock|0600", "config": {"persist": False}}


def test_no_placeholder_reads_the_environment_or_a_file_outside_of_the_pages():
    placeholders = {found for text in strings(CONFIG) for found in re.findall(r"\{([a-z][^{}]*)\}", text)}
    allowed = re.compile(
        r"file\./etc/gateway/pages/[a-z]+\.html|http\.(request|error|vars|regexp|matchers)\.[a-z0-9._]+"
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


@pytest.mark.parametrize("name", ["read_header_timeout", "idle_timeout", "max_header_bytes", "read_timeout"])
def test_the_edge_has_limits(name):
    assert SERVERS["edge"][name]


@given(st.lists(LABEL, min_size=2, max_size=10).map(".".join))
def test_caddy_admits_every_host_that_the_agent_writes(host):
    if is_routable_host(host):
        assert HOST.fullmatch(host)


@given(LABEL, LABEL, st.ip_addresses(), st.integers(1, 65535))
def test_caddy_reads_every_record_that_the_agent_writes(namespace, name, address, port):
    upstream = f"{address}:{port}" if address.version == 4 else f"[{address}]:{port}"
    if is_admitted_upstream(upstream):
        match = RECORD.search(f"/........shop.example/{proxy_record(f'{namespace}.{name}', upstream)}")
        assert match is not None
        assert match.groups() == (f"{namespace}.{name}", upstream)
