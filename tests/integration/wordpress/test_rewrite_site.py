"""A whole site through images/wordpress/rewrite.php: WordPress' own code, on a real MariaDB."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mariadb_process import ROOT_PASSWORD, UNSAFE, MariaDBProcess, ServerMissingError, running_server
from wordpress_code import WordPressCode

pytestmark = pytest.mark.integration

OLD, NEW = "old.example", "new.example"
EXTRA_TABLES = (
    "CREATE TABLE wp_by_name (name VARCHAR(40), part INT, body LONGTEXT, PRIMARY KEY (name, part))",
    "CREATE TABLE wp_by_bytes (id BINARY(4) PRIMARY KEY, body LONGTEXT)",
    "CREATE TABLE wp_by_number (id BIGINT UNSIGNED PRIMARY KEY, url VARCHAR(30) CHARACTER SET latin1 UNIQUE)",
    "CREATE TABLE wp_without_key (body LONGTEXT)",
    "CREATE TABLE other_table (id INT PRIMARY KEY, body LONGTEXT)",
    "CREATE VIEW wp_view AS SELECT * FROM wp_by_name",
)


@dataclass
class Site:
    """WordPress in one database."""

    code: WordPressCode
    server: MariaDBProcess
    database: str
    log: Path

    def run(
        self,
        *arguments: str,
        code: int = 0,
        old: str = OLD,
        new: str = NEW,
        id_: str = "first",
        memory: str = "128M",
    ) -> dict[str, int]:
        self.log.write_text("")
        environment = self.environment(old, new, id_)
        done = self.code.run("rewrite.php", *arguments, memory=memory, **environment)
        assert done.returncode == code, done.stdout + done.stderr
        assert OLD not in done.stdout + done.stderr, "content is told"
        if code:
            return {}
        assert json.loads(self.log.read_text()) == json.loads(done.stdout)
        result: dict[str, int] = json.loads(done.stdout)
        return result

    def environment(self, old: str = OLD, new: str = NEW, id_: str = "first") -> dict[str, str]:
        return {
            "FROM_HOSTS": old,
            "TO_HOST": new,
            "REWRITE_ID": id_,
            "TERMINATION_LOG": str(self.log),
            "TEST_DATABASE": self.database,
        }

    def query(self, sql: str, *parameters: object) -> tuple[tuple[Any, ...], ...]:
        with (
            self.server.connect(database=self.database, charset="utf8mb4") as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(sql, parameters or None)
            return tuple(cursor.fetchall())

    def value(self, sql: str, *parameters: object) -> Any:
        rows = self.query(sql, *parameters)
        assert len(rows) == 1
        return rows[0][0]

    def option(self, name: str) -> str:
        text: str = self.value("SELECT option_value FROM wp_options WHERE option_name = %s", name)
        return text

    def set_option(self, name: str, text: str) -> None:
        self.query(
            "REPLACE INTO wp_options (option_name, option_value, autoload) VALUES (%s, %s, 'no')", name, text
        )

    def content(self) -> dict[str, tuple[tuple[Any, ...], ...]]:
        """Return all that is stored, but for our own note of a run."""
        tables = (row[0] for row in self.query("SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'"))
        where = " WHERE option_name <> 'frankenpanel_rewrite'"
        return {
            name: self.query(f"SELECT * FROM `{name}`{where if name == 'wp_options' else ''}")  # noqa: S608  names of our own
            for name in tables
        }


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDBProcess]:
    folder = Path(tempfile.mkdtemp(prefix="fp-rewrite-"))
    try:
        with running_server(folder, None, *UNSAFE) as process:
            yield process
    except ServerMissingError as error:
        pytest.skip(str(error))
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def installed(wordpress: WordPressCode, server: MariaDBProcess) -> str:
    """Set WordPress up once, and return the database that each test copies."""
    settings = {
        "DB_NAME": "getenv('TEST_DATABASE')",
        "DB_USER": "'root'",
        "DB_PASSWORD": php_text(ROOT_PASSWORD),
        "DB_HOST": f"'{server.host}:{server.port}'",
        # What an old site may say; its content holds more than that.
        "DB_CHARSET": "'utf8'",
        "DB_COLLATE": "''",
        "ABSPATH": "__DIR__ . '/'",
    }
    lines = [f"define('{name}', {value});" for name, value in settings.items()]
    text = "\n".join(["<?php", *lines, "$table_prefix = 'wp_';", "require_once ABSPATH . 'wp-settings.php';"])
    (wordpress.folder / "wp-config.php").unlink()
    (wordpress.folder / "wp-config.php").write_text(text)
    server.query("CREATE DATABASE installed CHARACTER SET utf8mb4")
    done = wordpress.run(
        "install.php",
        SITE_TITLE="Old",
        SITE_URL=f"http://{OLD}",
        ADMIN_USER="admin",
        ADMIN_EMAIL=f"admin@{OLD}",
        ADMIN_PASSWORD="secret",
        TEST_DATABASE="installed",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return "installed"


@pytest.fixture
def site(wordpress: WordPressCode, server: MariaDBProcess, installed: str, tmp_path: Path) -> Iterator[Site]:
    name = f"site_{time.monotonic_ns()}"
    server.query(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    site = Site(wordpress, server, name, tmp_path / "termination-log")
    for (table,) in server.query(f"SHOW TABLES FROM {installed}"):
        site.query(f"CREATE TABLE {table} LIKE {installed}.{table}")
        site.query(f"INSERT INTO {table} SELECT * FROM {installed}.{table}")  # noqa: S608  our own names
    for statement in EXTRA_TABLES:
        site.query(statement)
    yield site
    server.query(f"DROP DATABASE {name}")


def php_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def add_post(site: Site, body: str) -> int:
    site.query(
        "INSERT INTO wp_posts (post_content, guid, post_excerpt, post_title, to_ping, pinged,"
        " post_content_filtered) VALUES (%s, %s, '', '', '', '', '')",
        body,
        f"http://{OLD}/?p=1",
    )
    number: int = site.value("SELECT MAX(ID) FROM wp_posts")
    return number


def serialized(text: str) -> str:
    return f's:{len(text.encode())}:"{text}";'


def test_a_dry_run_counts_what_the_run_then_changes(site: Site) -> None:
    before = site.content()
    counted = site.run("--dry-run")
    assert site.content() == before
    assert counted["values"] > 0
    assert site.run() == counted
    assert site.content() != before
    assert site.run("--dry-run") == {**counted, "values": 0}


def test_the_addresses_of_a_new_site_are_those_of_the_new_host(site: Site) -> None:
    site.run()
    assert (site.option("home"), site.option("siteurl")) == (f"http://{NEW}",) * 2
    assert site.option("admin_email") == f"admin@{OLD}"
    guids = {row[0].split("/")[2] for row in site.query("SELECT guid FROM wp_posts WHERE guid <> ''")}
    assert guids == {OLD}
    assert site.value("SELECT COUNT(*) FROM wp_posts WHERE post_content LIKE %s", f"%http://{OLD}%") == 0


def test_wordpress_reads_what_was_rewritten(site: Site) -> None:
    widget = f'a:2:{{i:2;a:1:{{s:4:"text";{serialized(f"//{OLD}/ ✓ 😀")}}}s:12:"_multiwidget";i:1;}}'
    site.set_option("widget_test", widget)
    site.run(new="a-longer.host.new.example")
    script = (
        "require 'wp-load.php';"
        "$widget = get_option('widget_test'); $is_read = get_option('sidebars_widgets') !== false;"
        "echo json_encode([$widget, $is_read, home_url('/')]);"
    )
    done = subprocess.run(
        [site.code.php, "-r", script],
        cwd=site.code.folder,
        env=site.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    widgets, is_read, home = json.loads(done.stdout)
    assert widgets["2"]["text"] == "//a-longer.host.new.example/ ✓ 😀"
    assert (is_read, home) == (True, "http://a-longer.host.new.example/")


def test_every_table_of_the_prefix_is_rewritten_whatever_its_key_is(site: Site) -> None:
    body = f"http://{OLD}/é"
    big = 2**63 + 1
    for name, part in (("A", 1), ("a b", 2), ("Ä'", 1), ("z%", 9)):
        site.query("INSERT INTO wp_by_name VALUES (%s, %s, %s)", name, part, body)
    for id_ in (b"\0\1'\\", b"\xff\xfe\xfd\xfc", b"abcd"):
        site.query("INSERT INTO wp_by_bytes VALUES (%s, %s)", id_, body)
    for number in (1, 2**53, 2**53 + 1, big):
        site.query("INSERT INTO wp_by_number VALUES (%s, %s)", number, f"http://{OLD}/é{number % 7}")
    site.query("INSERT INTO wp_without_key VALUES (%s)", body)
    site.query("INSERT INTO other_table VALUES (1, %s)", body)
    result = site.run()
    bodies = site.query("SELECT body FROM wp_by_name UNION SELECT body FROM wp_by_bytes")
    assert bodies == ((f"http://{NEW}/é",),)
    assert {row[0] for row in site.query("SELECT LEFT(url, 19) FROM wp_by_number")} == {
        f"http://{NEW}/é"[:19]
    }
    assert site.query("SELECT body FROM wp_without_key") == site.query("SELECT body FROM other_table")
    assert result["skipped"] == 1


def test_what_would_become_too_long_is_left_alone_and_not_cut_off(site: Site) -> None:
    tight = f"http://{OLD}/".ljust(30, "x")
    site.query("INSERT INTO wp_by_number VALUES (1, %s)", tight)
    site.query("INSERT INTO wp_by_number VALUES (2, %s), (3, %s)", f"http://{OLD}/a", f"http://{NEW}/a")
    result = site.run(new="longer.new.example")
    assert site.value("SELECT url FROM wp_by_number WHERE id = 1") == tight
    assert result["skipped"] == 1
    # A duplicate is refused as well.
    assert site.run(old="longer.new.example", id_="second")["skipped"] == 1


def test_a_value_of_many_megabytes_is_left_alone(site: Site) -> None:
    post = add_post(site, f"http://{OLD}/" + "x" * (5 << 20))
    assert site.run()["skipped"] == 1
    assert OLD in site.value("SELECT LEFT(post_content, 30) FROM wp_posts WHERE ID = %s", post)


def test_memory_does_not_grow_with_the_site(site: Site) -> None:
    body = f"http://{OLD}/ " + "y" * (1 << 20)
    for _ in range(60):
        add_post(site, body)
    assert site.run(memory="48M")["values"] >= 60


def test_a_run_that_was_killed_is_finished_with_the_right_count(site: Site) -> None:
    for number in range(600):
        add_post(site, f"http://{OLD}/{number} ä")
    counted = site.run("--dry-run")["values"]
    process = subprocess.Popen(
        [site.code.php, str(site.code.folder / "rewrite.php")],
        cwd=site.code.folder,
        env=site.environment(),
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not done_of(site) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert site.run()["values"] == counted
    assert site.run("--dry-run")["values"] == 0
    # Again under the same name it tells the same, and under another one there is nothing to do.
    assert site.run()["values"] == counted
    assert site.run(id_="second")["values"] == 0


def done_of(site: Site) -> int:
    """Return how many values a run has changed so far."""
    rows = site.query("SELECT option_value FROM wp_options WHERE option_name = 'frankenpanel_rewrite'")
    return json.loads(rows[0][0])["values"] if rows and rows[0][0] else 0


def test_without_a_site_or_with_hosts_that_are_none_it_fails(site: Site) -> None:
    site.run(old="http://old.example/", code=64)
    site.run(new="", code=64)
    before = site.content()
    site.run("--dryrun", code=64)
    assert site.content() == before
    site.query("DROP TABLE wp_options")
    site.run(code=1)
    site.database = "missing"
    site.run(code=1)
