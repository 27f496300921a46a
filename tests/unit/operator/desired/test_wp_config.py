"""wp-config.php, read back by a reader that knows PHP's single-quoted strings and nothing else."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess

import pytest
from frankenpanel_operator.desired.unsafe import UnsafeTextError
from frankenpanel_operator.desired.wp_config import WordPressSettings, php_literal, render_wp_config
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

SETTINGS = WordPressSettings(
    database_host="db.example:3307",
    database_name="fpname",
    database_user="fpname",
    database_password=SecretStr("pass"),
    charset="utf8mb4",
    keys=(("AUTH_KEY", SecretStr("key")),),
    http_address="http://shop.localhost:8080",
    https_address="https://shop.localhost",
)
HOSTILE = [
    "'",
    "\\",
    "\\'",
    "'); system('id'); ('",
    "?><?php",
    "<?=",
    "${x}",
    "$x",
    "{$x}",
    "\n",
    "\r",
    "*/",
    "店",
    "\\\\",
]


def read_php_string(literal):
    """Return the value of a single-quoted PHP string that ends where the literal ends."""
    match = re.fullmatch(r"'((?:[^'\\]|\\.)*)'", literal, re.DOTALL)
    assert match, literal
    return re.sub(r"\\(['\\])", r"\1", match[1])


@pytest.mark.parametrize("value", HOSTILE)
def test_php_reads_back_a_hostile_text(value):
    assert read_php_string(php_literal(value)) == value


@given(st.text(alphabet=st.characters(exclude_characters="\0")))
def test_php_reads_back_any_text(value):
    assert read_php_string(php_literal(value)) == value


def test_a_nul_is_refused():
    with pytest.raises(UnsafeTextError):
        php_literal("a\0b")


@pytest.mark.parametrize(("value", "literal"), [(True, "true"), (False, "false")])
def test_booleans_are_words(value, literal):
    assert php_literal(value) == literal


def test_wordpress_learns_its_database_and_keys():
    text = render_wp_config(SETTINGS)
    for line in (
        "define('DB_NAME', 'fpname');",
        "define('DB_USER', 'fpname');",
        "define('DB_PASSWORD', 'pass');",
        "define('DB_HOST', 'db.example:3307');",
        "define('DB_CHARSET', 'utf8mb4');",
        "define('AUTH_KEY', 'key');",
        "define('DISALLOW_FILE_EDIT', true);",
        "define('WP_AUTO_UPDATE_CORE', false);",
        "$table_prefix = 'wp_';",
    ):
        assert line in text.splitlines()
    assert text.startswith("<?php\n")
    assert "?>" not in text


def test_the_address_is_the_primary_host_with_the_scheme_of_the_request():
    lines = render_wp_config(SETTINGS).splitlines()
    addresses = "'http://shop.localhost:8080' : 'https://shop.localhost'"
    assert f"define('WP_HOME', empty($_SERVER['HTTPS']) ? {addresses});" in lines
    assert "define('WP_SITEURL', WP_HOME);" in lines


def test_without_a_host_the_address_is_left_to_the_database():
    text = render_wp_config(dataclasses.replace(SETTINGS, http_address=None, https_address=None))
    assert "WP_HOME" not in text


@pytest.mark.skipif(shutil.which("php") is None, reason="PHP is not installed here")
@pytest.mark.parametrize("value", HOSTILE)
def test_php_itself_finds_no_syntax_error(value, tmp_path):
    file = tmp_path / "wp-config.php"
    file.write_text(render_wp_config(dataclasses.replace(SETTINGS, database_password=SecretStr(value))))
    result = subprocess.run(["php", "-l", str(file)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
