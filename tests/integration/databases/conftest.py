"""Real database servers: one MariaDB for the whole run, and own ones for tests that stop or freeze theirs.

There is no MySQL server in Debian. Name one by FRANKENPANEL_TEST_MYSQL=user:password@host:port, whose account
may do everything, and every test that does not ill-treat its server runs against it too.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from database_servers import ServerUnderTest, mariadb_under_test, mysql_under_test
from frankenpanel_operator.databases.provisioner import PyMySQLProvisioner
from frankenpanel_operator.ports import DatabaseAccount
from mariadb_process import UNSAFE, MariaDBProcess, ServerMissingError, make_data_folder, running_server


@pytest.fixture(scope="session")
def data_template() -> Iterator[Path]:
    """Yield the data folder of a server that was never started."""
    folder = Path(tempfile.mkdtemp(prefix="fp-template-"))
    try:
        make_data_folder(folder / "data")
        yield folder / "data"
    except ServerMissingError as error:
        pytest.skip(str(error))
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def mariadb_server(data_template: Path) -> Iterator[MariaDBProcess]:
    """Yield a running MariaDB; whoever stops or freezes it uses `own_server` instead."""
    with _short_folder() as folder, running_server(folder, data_template, *UNSAFE) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb(mariadb_server: MariaDBProcess) -> ServerUnderTest:
    """Return the shared MariaDB with the admin account that the documentation tells people to make."""
    return mariadb_under_test("mariadb", mariadb_server)


@pytest.fixture
def own_server(data_template: Path) -> Iterator[ServerUnderTest]:
    """Yield a MariaDB of the test's own, which it may stop and freeze."""
    with _short_folder() as folder, running_server(folder, data_template, *UNSAFE) as process:
        yield mariadb_under_test("own", process)


@pytest.fixture(params=["mariadb", "mysql"])
def server(request: pytest.FixtureRequest) -> Iterator[ServerUnderTest]:
    """Yield one server of each engine, empty before and after."""
    is_mysql = request.param == "mysql"
    server = _mysql_of_environment() if is_mysql else request.getfixturevalue("mariadb")
    server.clear()
    yield server
    server.clear()


@pytest.fixture
async def provisioner(server: ServerUnderTest) -> AsyncIterator[PyMySQLProvisioner]:
    provisioner, _ = server.provisioner()
    yield provisioner
    await provisioner.close()


@pytest.fixture
def account() -> DatabaseAccount:
    return DatabaseAccount(
        name="fpabcdefgh234567xy",
        site_uid="uid-1",
        site_namespace="demo",
        site_name="shop",
        charset="utf8mb4",
        max_connections=3,
    )


@contextmanager
def _short_folder() -> Iterator[Path]:
    """Pytest's own folders are too deep for the path of a socket."""
    with tempfile.TemporaryDirectory(prefix="fp-mariadb-") as name:
        yield Path(name)


def _mysql_of_environment() -> ServerUnderTest:
    named = os.environ.get("FRANKENPANEL_TEST_MYSQL")
    if not named:
        pytest.skip("Debian has no MySQL server; name one by FRANKENPANEL_TEST_MYSQL=user:password@host:port")
    match = re.fullmatch(r"(.*?):(.*)@(.*):(\d+)", named)
    assert match is not None, "FRANKENPANEL_TEST_MYSQL is not user:password@host:port"
    user, password, host, port = match.groups()
    return mysql_under_test(host, int(port), (user, password))
