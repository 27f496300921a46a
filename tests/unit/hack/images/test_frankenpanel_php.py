"""The entry point of the PHP runtime, with a stand-in for the program it starts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[4] / "images" / "frankenphp" / "frankenpanel-php"
FAKE = """#!/bin/sh
if [ "$1 $2" = "php-cli -r" ]; then echo "$FAKE_ZTS"; exit; fi
echo "args=$*"
echo "threads=$FRANKENPHP_NUM_THREADS/$FRANKENPHP_MAX_THREADS"
echo "scan=$PHP_INI_SCAN_DIR"
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    fake = tmp_path / "frankenphp"
    fake.write_text(FAKE)
    fake.chmod(0o755)
    (tmp_path / "php-cli").symlink_to(SCRIPT)
    return tmp_path


def run(programs: Path, *command: str, zts: str = "1", **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "FAKE_ZTS": zts, **variables}
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
