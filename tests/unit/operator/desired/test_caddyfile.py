"""The serialiser, judged by the program that reads its output."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from frankenpanel_operator.desired.caddyfile import (
    Caddyfile,
    Placeholder,
    Variable,
    directive,
    render_caddyfile,
)
from frankenpanel_operator.desired.unsafe import UnsafeTextError
from frankenpanel_operator.errors import SpecError
from hypothesis import example, given, settings
from hypothesis import strategies as st

CADDY = str(Path(sys.executable).with_name("caddy"))


def run_caddy(command, text, tmp_path):
    path = tmp_path / "Caddyfile"
    path.write_text(text)
    arguments = {"adapt": ["--adapter", "caddyfile", "--config"], "fmt": []}[command]
    environment = {"HOME": str(tmp_path), "SOME_NUMBER": "7"}
    return subprocess.run(
        [CADDY, command, *arguments, str(path)], capture_output=True, text=True, env=environment, check=False
    )


def responding(text):
    """Build a Caddyfile whose only variable part is the body of an answer."""
    return Caddyfile(
        options=(directive("admin", "off"),),
        sites=(directive(":8080", block=[directive("respond", "/", text, "200")]),),
    )


def body_of(adapted):
    [server] = json.loads(adapted)["apps"]["http"]["servers"].values()
    [handler] = server["routes"][0]["handle"]
    return handler["body"]


def test_blocks_are_nested_and_every_argument_is_quoted():
    tree = Caddyfile(
        options=(
            directive("admin", "off"),
            directive("servers", block=[directive("trusted_proxies", "static", "private_ranges")]),
            directive("empty", block=[]),
        ),
        sites=(directive(":8080", block=[directive("num", Variable("SOME_NUMBER"))]),),
    )
    assert render_caddyfile(tree) == (
        '{\n\tadmin "off"\n\tservers {\n\t\ttrusted_proxies "static" "private_ranges"\n\t}\n'
        "\tempty {\n\t}\n}\n"
        "\n:8080 {\n\tnum {$SOME_NUMBER}\n}\n"
    )


HARMLESS = [
    "plain",
    "with space",
    "# no comment",
    "<<HEREDOC",
    "@matcher",
    "*",
    "a;b",
    "öüß 店",
    'geolocation=(self "https://example.com")',
    '"',
    '""quoted""',
    "'single'",
    "$HOME",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_caddy_reads_back_what_was_written(text, tmp_path):
    result = run_caddy("adapt", render_caddyfile(responding(text)), tmp_path)
    assert result.returncode == 0, result.stderr
    assert body_of(result.stdout) == text


HOSTILE = [
    "{env.SECRET}",
    "{$SECRET}",
    "{file./etc/passwd}",
    "a\nimport /etc/passwd",
    "a\r\nadmin :2019",
    'x" 200\nadmin ":2019',
    "trailing\\",
    "`",
    "}",
    "\x00",
    "\x7f",
    "\x85",
    "\u2028",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_that_could_mean_more_is_refused(text):
    with pytest.raises(UnsafeTextError):
        render_caddyfile(responding(text))


@pytest.mark.parametrize("name", ["", "a b", "import\n", "{", ":http", "@", "Respond", ":123456", "a\n"])
def test_a_name_that_is_no_directive_is_refused(name):
    with pytest.raises(UnsafeTextError):
        render_caddyfile(Caddyfile(options=(directive(name),), sites=()))


@pytest.mark.parametrize("name", ["", "A}", "a", "A:default", "A B"])
def test_a_variable_with_another_than_a_plain_name_is_refused(name):
    with pytest.raises(UnsafeTextError):
        render_caddyfile(Caddyfile(options=(directive("num", Variable(name)),), sites=()))


@given(st.text())
@example("{")
def test_every_text_is_either_quoted_on_its_line_or_refused(text):
    try:
        rendered = render_caddyfile(responding(text))
    except UnsafeTextError:
        return
    escaped = text.replace('"', '\\"')
    assert rendered.splitlines()[-2] == f'\trespond "/" "{escaped}" "200"'
    assert rendered.count("{") == rendered.count("}") == 2


@settings(max_examples=5, deadline=None)
@given(st.text(alphabet=st.characters(exclude_characters="{}`\\", exclude_categories=["C", "Z"]), min_size=1))
def test_caddy_agrees_about_any_text(tmp_path_factory, text):
    result = run_caddy("adapt", render_caddyfile(responding(text)), tmp_path_factory.mktemp("caddy"))
    assert body_of(result.stdout) == text


@pytest.mark.parametrize("placeholder", Placeholder)
def test_caddy_knows_our_placeholders_as_such(placeholder, tmp_path):
    tree = Caddyfile((), (directive(":8080", block=[directive("vars", "a", placeholder)]),))
    adapted = run_caddy("adapt", render_caddyfile(tree), tmp_path).stdout
    [server] = json.loads(adapted)["apps"]["http"]["servers"].values()
    [handler] = server["routes"][0]["handle"]
    assert handler["a"] in ("{http.vars.client_ip}", "{http.shutting_down}")


def test_a_refused_text_is_the_fault_of_the_spec():
    assert issubclass(UnsafeTextError, SpecError)
