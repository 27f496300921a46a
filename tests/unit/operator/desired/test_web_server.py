from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
from frankenpanel_operator.desired.caddyfile import Caddyfile, directive, render_caddyfile
from frankenpanel_operator.desired.inputs import Application
from frankenpanel_operator.desired.unsafe import UnsafeTextError
from frankenpanel_operator.desired.web_server import document_root, site_server_config
from hypothesis import given
from hypothesis import strategies as st

CADDY = str(Path(sys.executable).with_name("caddy"))
APPLICATION = Application("wordpress", "6.8", "image", ".", "WpConfig", (), "/")


def application(root):
    return dataclasses.replace(APPLICATION, document_root=root)


def without_php(caddyfile):
    """Put directives of a stock Caddy where only FrankenPHP knows the name."""
    options = tuple(option for option in caddyfile.options if option.name != "frankenphp")
    return Caddyfile(options, tuple(map(_replace_php, caddyfile.sites)))


def _replace_php(item):
    if item.name == "php_server":
        return directive("file_server")
    block = None if item.block is None else tuple(map(_replace_php, item.block))
    return dataclasses.replace(item, block=block)


def run(command, caddyfile, tmp_path):
    path = tmp_path / "Caddyfile"
    path.write_text(render_caddyfile(caddyfile))
    return subprocess.run(
        [CADDY, *command, str(path)], capture_output=True, text=True, env={"HOME": str(tmp_path)}, check=False
    )


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        (".", "/app"),
        ("public", "/app/public"),
        ("a/b/", "/app/a/b"),
        ("./public", "/app/public"),
        ("..", "/app"),
        ("../../etc", "/app/etc"),
        ("/etc", "/app/etc"),
        ("//etc", "/app/etc"),
    ],
)
def test_the_document_root_stays_inside_the_code(root, expected):
    assert document_root(application(root)) == expected


@given(st.text(min_size=1))
def test_no_document_root_climbs_out(root):
    found = document_root(application(root))
    assert found == "/app" or found.startswith("/app/")
    assert ".." not in found.split("/")


def test_a_hostile_document_root_is_refused():
    with pytest.raises(UnsafeTextError):
        render_caddyfile(site_server_config(application("{env.DB_PASSWORD}")))


def test_caddy_accepts_everything_but_the_php_directives(tmp_path):
    command = ["adapt", "--validate", "--adapter", "caddyfile", "--config"]
    result = run(command, without_php(site_server_config(APPLICATION)), tmp_path)
    assert result.returncode == 0, result.stderr
    config = json.loads(result.stdout)
    assert config["admin"]["disabled"] is True
    listeners = {
        listen for server in config["apps"]["http"]["servers"].values() for listen in server["listen"]
    }
    assert listeners == {":8080", ":8081"}
    assert all(
        server["automatic_https"] == {"disable": True}
        for server in config["apps"]["http"]["servers"].values()
    )


def test_the_file_is_formatted_so_that_the_server_starts_without_a_warning(tmp_path):
    result = run(["fmt", "--diff"], site_server_config(APPLICATION), tmp_path)
    assert result.returncode == 0, result.stdout


def test_the_frankenphp_options_are_those_of_its_documentation():
    [options] = [option for option in site_server_config(APPLICATION).options if option.name == "frankenphp"]
    assert [item.name for item in options.block] == ["num_threads", "max_threads", "max_wait_time"]
