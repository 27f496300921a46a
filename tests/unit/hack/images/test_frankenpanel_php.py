"""The entry point of the PHP runtime, with a stand-in for the program it starts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[4] / "images" / "frankenphp" / "frankenpanel-php"
FAKE = """#!/bin/sh
if [ "$1 $2" = "php-cli -r" ]; then echo "$FAKE_ZTS"; exit; fi
if [ "$1" = list-modules ]; then echo "$FAKE_MODULES"; exit; fi
echo "args=$*"
echo "threads=$FRANKENPHP_NUM_THREADS/$FRANKENPHP_MAX_THREADS"
echo "scan=$PHP_INI_SCAN_DIR"
"""

# Waits for a signal, and says which came and what the accounts were then.
TELLS_SIGNALS = """
for name in USR1 USR2; do
  trap "echo $name \\$(cat $FRANKENPANEL_ACCOUNTS); exit" $name
done
: > "$FRANKENPANEL_ACCOUNTS.started"
for _ in $(seq 600); do sleep 0.05; done
"""
# Does as the kubelet does, once the server runs.
EXCHANGE = """
import pathlib, sys, time
users, other = map(pathlib.Path, sys.argv[1:])
while not users.with_name("accounts.started").exists():
    time.sleep(0.01)
link = users / "..data_new"
link.symlink_to(other)
link.rename(users / "..data")
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    fake = tmp_path / "frankenphp"
    fake.write_text(FAKE)
    fake.chmod(0o755)
    (tmp_path / "php-cli").symlink_to(SCRIPT)
    return tmp_path


def run(programs: Path, *command: str, zts: str = "1", **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "FAKE_ZTS": zts,
        "FRANKENPANEL_USERS": str(programs / "users"),
        "FRANKENPANEL_ACCOUNTS": str(programs / "accounts"),
        "FRANKENPANEL_FOLLOW_SECONDS": "0.05",
        **variables,
    }
    return subprocess.run(list(command), env=environment, capture_output=True, text=True, check=False)


def test_a_thread_safe_php_gets_the_threads_of_the_site(programs: Path) -> None:
    lines = run(programs, str(SCRIPT), SITE_THREADS="6").stdout.splitlines()
    assert lines[:2] == ["args=run --config /etc/frankenpanel/Caddyfile", "threads=6/6"]
    assert not lines[2].endswith("/nts.d")


def test_a_php_without_thread_safety_gets_one_thread_and_no_stack_limit(programs: Path) -> None:
    lines = run(programs, str(SCRIPT), "serve", zts="0", SITE_THREADS="6").stdout.splitlines()
    assert lines[1] == "threads=1/1"
    assert lines[2].endswith(":/usr/local/share/frankenpanel/nts.d")


def test_settings_of_the_site_come_after_ours_and_phps_own(programs: Path) -> None:
    scan = run(programs, str(SCRIPT)).stdout.splitlines()[2].removeprefix("scan=")
    assert scan.split(":") == ["", "/usr/local/share/frankenpanel/php.d", "/etc/frankenpanel"]


@pytest.mark.parametrize("name", ["entry point", "symlink"])
def test_a_script_runs_with_the_same_settings(programs: Path, name: str) -> None:
    command = [str(SCRIPT), "php-cli"] if name == "entry point" else [str(programs / "php-cli")]
    lines = run(programs, *command, "/app/install.php", "a b", zts="0").stdout.splitlines()
    assert lines[0] == "args=php-cli /app/install.php a b"
    assert lines[2].endswith("/nts.d")


@pytest.mark.parametrize("threads", ["0", "-1", "03", "two", "1 2"])
def test_a_wrong_number_of_threads_is_refused(programs: Path, threads: str) -> None:
    done = run(programs, str(SCRIPT), SITE_THREADS=threads)
    assert done.returncode == 64
    assert "SITE_THREADS" in done.stderr
    assert done.stdout == ""


def test_an_unknown_command_is_refused(programs: Path) -> None:
    done = run(programs, str(SCRIPT), "sh")
    assert (done.returncode, done.stdout) == (64, "")


HASH = "$2y$05$" + "a.B/9" * 10 + "abc"


def accounts(programs: Path, users: str | None) -> tuple[list[str], str]:
    """Return the accounts that the server is given for the tenant's lines, and what the log says."""
    if users is not None:
        (programs / "users").mkdir()
        (programs / "users" / "auth").write_text(users)
    done = run(programs, str(SCRIPT))
    assert done.returncode == 0, done.stderr
    return (programs / "accounts").read_text().splitlines(), done.stderr


def test_users_become_accounts(programs: Path) -> None:
    found, log = accounts(programs, f"# staff\nalice:{HASH}\r\n\nbob@example.com:{HASH}")
    assert found == [f"alice {HASH}", f"bob@example.com {HASH}"]
    assert "line" not in log


@pytest.mark.parametrize("users", [None, "", "# nobody yet\n", "alice:secret\n"])
def test_without_a_valid_user_nobody_can_log_in(programs: Path, users: str | None) -> None:
    [account], _ = accounts(programs, users)
    name, password_hash = account.split()
    assert name == "nobody"
    assert re.fullmatch(r"\$2y\$10\$\.{53}", password_hash)


@pytest.mark.parametrize(
    "line",
    [
        "alice:secret-password",
        f"alice {HASH}",
        f"{{env.SECRET}}:{HASH}",
        f"a}}\x0brespond 200 {{:{HASH}",
        f"alice:{HASH}x",
        f"alice:{HASH[:-1]}",
        f"alice:{HASH}:more",
        "alice:" + HASH.replace("$05$", "$31$"),
        "alice:" + HASH.replace("$2y$", "$1$aa"),
        f'"alice:{HASH}',
        f"{'a' * 65}:{HASH}",
        f":{HASH}",
        f"alice:{HASH[:-1]}}}",
        f"import /etc/passwd:{HASH}",
    ],
)
def test_a_line_that_is_no_account_is_left_out_and_named_by_its_number(programs: Path, line: str) -> None:
    found, log = accounts(programs, f"bob:{HASH}\n{line}\n")
    assert found == [f"bob {HASH}"]
    assert "line 2 of the users" in log
    assert "secret-password" not in log


def test_a_name_that_comes_twice_is_its_first(programs: Path) -> None:
    other = HASH.replace("a", "z")
    assert accounts(programs, f"alice:{HASH}\nalice:{other}\n")[0] == [f"alice {HASH}"]


def test_routes_are_live_where_the_server_can(programs: Path) -> None:
    done = run(programs, str(SCRIPT), FAKE_MODULES="http.handlers.live_routes")
    assert done.stdout.splitlines()[0] == "args=run --config /etc/frankenpanel/Caddyfile --adapter live"


def test_a_rate_limit_without_its_module_is_refused_with_the_reason(programs: Path) -> None:
    (programs / "Caddyfile").write_text(":80 {\n\trate_limit {\n\t}\n}\n")
    folder = str(programs)
    done = run(programs, str(SCRIPT), FRANKENPANEL_CONFIG=folder)
    assert done.returncode == 64
    assert "spec.http.rateLimit" in done.stderr
    assert run(
        programs, str(SCRIPT), FRANKENPANEL_CONFIG=folder, FAKE_MODULES="http.handlers.rate_limit"
    ).stdout


@pytest.mark.parametrize(("modules", "signal"), [("", "USR1"), ("http.handlers.live_routes", "USR2")])
def test_a_change_is_taken_up_without_a_new_start(programs: Path, modules: str, signal: str) -> None:
    (programs / "frankenphp").write_text(FAKE + TELLS_SIGNALS)
    for version in ("one", "two"):
        (programs / version).mkdir()
        (programs / version / "auth").write_text(f"{version}:{HASH}\n")
    users = programs / "users"
    users.mkdir()
    (users / "..data").symlink_to(programs / "one")
    (users / "auth").symlink_to("..data/auth")
    with subprocess.Popen([sys.executable, "-c", EXCHANGE, str(users), str(programs / "two")]) as exchange:
        done = run(programs, str(SCRIPT), FAKE_MODULES=modules)
    assert exchange.returncode == 0
    assert done.stdout.splitlines()[-1] == f"{signal} two {HASH}"
