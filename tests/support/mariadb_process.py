"""Starts a real MariaDB for tests and benchmarks, in about a second, from Debian's server package."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql
from die_with_parent import DIE_WITH_PARENT

PACKAGE = "mariadb-server-core"
ROOT_PASSWORD = "root's password"
START_SECONDS = 60
STOP_SECONDS = 30
SYSTEM_SQL_FOLDERS = (Path("/usr/share/mariadb"), Path("/usr/share/mysql"))
SYSTEM_SQL_FILES = (
    "{}_system_tables.sql",
    "{}_performance_tables.sql",
    "{}_system_tables_data.sql",
    "maria_add_gis_sp_bootstrap.sql",
)
# Enough to survive the death of the server; only that of the machine needs more.
UNSAFE = ("--innodb-flush-log-at-trx-commit=2", "--skip-innodb-doublewrite")
SMALL = ("--innodb-log-file-size=16M", "--innodb-buffer-pool-size=64M", "--skip-log-bin")


class ServerMissingError(Exception):
    """There is no MariaDB server on this machine, and none may be installed."""


def program() -> str:
    """Return the path of mariadbd; root gets it installed where it is absent.

    Raises:
        ServerMissingError: with the reason, fit for a skipped test.
    """
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))
    if found := shutil.which("mariadbd", path=path):
        return found
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise ServerMissingError(
            f"mariadbd is not installed (Debian: {PACKAGE}), and only root may install it"
        )
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", PACKAGE]
    for command in (["apt-get", "update", "-qq"], install):
        subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if found := shutil.which("mariadbd", path=path):
        return found
    raise ServerMissingError(f"apt-get could not install {PACKAGE}")


def make_data_folder(folder: Path) -> None:
    """Write the system tables of a new server, without the help texts that make it slow."""
    folder.mkdir(parents=True)
    script = b"CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket = NULL;\n"
    script += b"\n".join(_system_sql(name) for name in SYSTEM_SQL_FILES)
    command = [program(), "--no-defaults", "--bootstrap", f"--datadir={folder}", *_user_option(), *SMALL]
    result = subprocess.run(command, input=script, capture_output=True, check=False)
    if result.returncode != 0 or not (folder / "mysql").is_dir():
        raise RuntimeError(f"mariadbd --bootstrap failed:\n{result.stderr.decode(errors='replace')[-2000:]}")


@dataclass
class MariaDBProcess:
    """One server in a folder of its own; it can be stopped, started again and frozen."""

    folder: Path
    port: int
    options: tuple[str, ...] = ()
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        return "127.0.0.1"

    @property
    def socket_path(self) -> Path:
        return self.folder / "socket"

    def start(self) -> None:
        """Start and wait until it answers."""
        command = [
            *(
                program(),
                "--no-defaults",
                f"--datadir={self.folder / 'data'}",
                f"--socket={self.socket_path}",
            ),
            *(f"--port={self.port}", f"--bind-address={self.host}", f"--pid-file={self.folder / 'pid'}"),
            *("--skip-name-resolve", "--local-infile=0", "--max-connections=200", *_user_option(), *SMALL),
            *self.options,
        ]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", DIE_WITH_PARENT, *command], stdout=log, stderr=subprocess.STDOUT
            )
        self._wait_until_ready()

    def stop(self) -> None:
        """Stop in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Stop as a crash does."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it hang: connections stand and nobody answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def connect(self, user: str = "root", password: str = ROOT_PASSWORD, **options: Any) -> Any:
        """Open a plain connection, over TCP as the operator's."""
        options = {"ssl_disabled": True, "autocommit": True, **options}
        return pymysql.connect(host=self.host, port=self.port, user=user, password=password, **options)

    def query(self, sql: str, *parameters: object) -> tuple[tuple[Any, ...], ...]:
        """Run one statement as root."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return tuple(cursor.fetchall())

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(how)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        last: object = "no answer"
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"mariadbd ended:\n{(self.folder / 'log').read_text()[-2000:]}")
            try:
                self._protect_root()
                return
            except pymysql.err.OperationalError as error:
                last = error
            time.sleep(0.05)
        raise TimeoutError(f"mariadbd does not answer after {START_SECONDS} s: {last}")

    def _protect_root(self) -> None:
        """Give root its password, which a new server has not, or find that it has it."""
        try:
            self.connect().close()
        except pymysql.err.OperationalError as error:
            if error.args[0] != pymysql.constants.ER.ACCESS_DENIED_ERROR:
                raise
        else:
            return
        with self.connect(password="") as connection, connection.cursor() as cursor:
            for host in ("localhost", "127.0.0.1"):
                cursor.execute("ALTER USER root@%s IDENTIFIED BY %s", (host, ROOT_PASSWORD))


@contextmanager
def running_server(folder: Path, template: Path | None = None, *options: str) -> Iterator[MariaDBProcess]:
    """Run a new server until the block ends; `template` is a data folder to begin with a copy of."""
    if template is None:
        make_data_folder(folder / "data")
    else:
        shutil.copytree(template, folder / "data")
    server = MariaDBProcess(folder, free_port(), options)
    try:
        server.start()
        yield server
    finally:
        server.kill()


def free_port() -> int:
    """Return a TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _system_sql(name: str) -> bytes:
    for folder in SYSTEM_SQL_FOLDERS:
        for prefix in ("mariadb", "mysql"):
            path = folder / name.format(prefix)
            if path.is_file():
                return path.read_bytes()
    raise ServerMissingError(f"the system tables of MariaDB ({name}) are not in {SYSTEM_SQL_FOLDERS}")


def _user_option() -> tuple[str, ...]:
    """As root, the server insists on being told whom to run as."""
    return ("--user=root",) if os.geteuid() == 0 else ()
