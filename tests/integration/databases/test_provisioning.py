"""What a Site gets on a real server, that it is got only once, and that nobody else gets at it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pymysql
import pytest
from database_servers import PASSWORD
from frankenpanel_operator.databases.session import Waits
from frankenpanel_operator.errors import DatabaseUnavailableError
from pydantic import SecretStr

ACCESS_DENIED = {1044, 1045, 1142}
LOCKED = {3118, 4151}


def errno(error) -> int:
    return error.value.args[0]


async def test_probe_says_the_version(server, provisioner):
    version = await provisioner.probe(server.address)
    assert version == server.query("SELECT VERSION()")[0][0]


async def test_the_site_can_use_its_database(server, provisioner, account):
    await provisioner.ensure(server.address, account, PASSWORD)

    with server.connect(account.name, PASSWORD.get_secret_value(), database=account.name) as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE TABLE posts (id INT PRIMARY KEY, title TEXT)")
        cursor.execute("INSERT INTO posts VALUES (1, 'Hällo 🐘')")
        cursor.execute("CREATE TEMPORARY TABLE scratch SELECT * FROM posts")
        cursor.execute("CREATE VIEW titles AS SELECT title FROM posts")
        cursor.execute("SELECT title FROM titles")
        assert cursor.fetchall() == (("Hällo 🐘",),)


async def test_the_ownership_row_names_the_site(server, provisioner, account):
    await provisioner.ensure(server.address, account, PASSWORD)

    row = server.row(account.name)
    assert (row["site_uid"], row["site_namespace"], row["site_name"]) == ("uid-1", "demo", "shop")
    assert row["provisioned_at"] is not None
    assert row["retained_at"] is None


async def test_nothing_is_asked_when_nothing_changed(server, account):
    provisioner, counted = server.provisioner()
    await provisioner.ensure(server.address, account, PASSWORD)
    before = len(counted.batches)
    for _ in range(5):
        await provisioner.ensure(server.address, account, PASSWORD)
    await provisioner.close()
    assert len(counted.batches) == before
    assert counted.connections == 1


async def test_one_query_and_no_write_after_a_restart_of_the_operator(server, provisioner, account):
    await provisioner.ensure(server.address, account, PASSWORD)
    row = server.row(account.name)

    restarted, counted = server.provisioner()
    await restarted.ensure(server.address, account, PASSWORD)
    await restarted.close()

    assert [[item.sql.split()[0] for item in batch] for batch in counted.batches] == [["SELECT"]]
    assert server.row(account.name) == row


async def test_two_round_trips_for_a_new_site(server, provisioner, account):
    await provisioner.ensure(server.address, account, PASSWORD)
    other, counted = server.provisioner()
    await other.ensure(server.address, replace(account, name="fpother", site_uid="uid-2"), PASSWORD)
    await other.close()
    assert len(counted.batches) == 2


async def test_a_new_password_replaces_the_old_one(server, provisioner, account):
    await provisioner.ensure(server.address, account, PASSWORD)
    await provisioner.ensure(server.address, account, SecretStr("another"))

    server.connect(account.name, "another").close()
    with pytest.raises(pymysql.err.OperationalError) as refused:
        server.connect(account.name, PASSWORD.get_secret_value())
    assert errno(refused) in ACCESS_DENIED


FOREIGN_CHANGES = {
    "password": "ALTER USER {user} IDENTIFIED BY 'stolen'",
    "lock": "ALTER USER {user} ACCOUNT LOCK",
    "limit": "ALTER USER {user} WITH MAX_USER_CONNECTIONS 77",
    "missing privilege": "REVOKE INSERT ON {name}.* FROM {user}",
    "no privilege": "REVOKE ALL PRIVILEGES, GRANT OPTION FROM {user}",
    "foreign database": "GRANT SELECT ON fpelsewhere.* TO {user}",
    "wildcard": "GRANT SELECT ON `fp%%`.* TO {user}",
    "all databases": "GRANT SELECT, FILE ON *.* TO {user}",
    "grant option": "GRANT SELECT ON {name}.* TO {user} WITH GRANT OPTION",
    "dropped account": "DROP USER {user}",
    "character set": "ALTER DATABASE {name} CHARACTER SET latin1",
}


def account_facts(server, name):
    limit = server.query("SELECT max_user_connections FROM mysql.user WHERE User = %s", name)
    charset = server.query(
        "SELECT DEFAULT_CHARACTER_SET_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s", name
    )
    grants = {grant.split(" IDENTIFIED ")[0] for (grant,) in server.query(f"SHOW GRANTS FOR '{name}'@'%'")}
    return limit, charset, grants


@pytest.mark.parametrize("change", FOREIGN_CHANGES.values(), ids=FOREIGN_CHANGES.keys())
async def test_what_a_hand_changed_is_put_right(server, provisioner, account, change):
    await provisioner.ensure(server.address, account, PASSWORD)
    before = account_facts(server, account.name)
    server.query(change.format(user=f"'{account.name}'@'%'", name=account.name).replace("%%", "%"))

    restarted, counted = server.provisioner()
    await restarted.ensure(server.address, account, PASSWORD)
    writes = len(counted.batches)
    await restarted.close()
    again, counted = server.provisioner()
    await again.ensure(server.address, account, PASSWORD)
    await again.close()

    assert account_facts(server, account.name) == before
    server.connect(account.name, PASSWORD.get_secret_value(), database=account.name).close()
    assert writes == 2
    assert len(counted.batches) == 1, "the repair did not last"


async def test_the_limit_of_connections_holds(server, provisioner, account):
    await provisioner.ensure(server.address, account, PASSWORD)
    connections = [server.connect(account.name, PASSWORD.get_secret_value()) for _ in range(3)]
    try:
        with pytest.raises(pymysql.err.OperationalError) as refused:
            server.connect(account.name, PASSWORD.get_secret_value())
        assert errno(refused) in {1203, 1226}
    finally:
        for connection in connections:
            connection.close()


async def test_a_changed_limit_takes_effect_without_new_grants(server, provisioner, account):
    await provisioner.ensure(server.address, account, PASSWORD)
    await provisioner.ensure(server.address, replace(account, max_connections=9), PASSWORD)
    limit, _, _ = account_facts(server, account.name)
    assert limit == ((9,),)


@pytest.mark.parametrize("charset", ["utf8mb4", "utf8mb3", "latin1"])
async def test_the_character_set_is_that_of_new_tables(server, provisioner, account, charset):
    await provisioner.ensure(server.address, replace(account, charset=charset), PASSWORD)
    with server.connect(account.name, PASSWORD.get_secret_value(), database=account.name) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT @@character_set_database")
        assert cursor.fetchall() == ((charset,),)


async def test_other_databases_stay_invisible_also_those_a_wildcard_would_match(server, provisioner, account):
    other = replace(account, name="fpabcdefgh234567xz", site_uid="uid-2", site_name="other")
    await provisioner.ensure(server.address, account, PASSWORD)
    await provisioner.ensure(server.address, other, PASSWORD)
    server.query("CREATE DATABASE `fpabcdefgh234567x_`")
    with server.connect(other.name, PASSWORD.get_secret_value(), database=other.name) as connection:
        connection.cursor().execute("CREATE TABLE secrets (id INT)")

    with server.connect(account.name, PASSWORD.get_secret_value(), database=account.name) as connection:
        cursor = connection.cursor()
        cursor.execute("SHOW DATABASES")
        seen = {name for (name,) in cursor.fetchall()} - {"information_schema", "performance_schema"}
        assert seen == {account.name}
        for attack in (
            f"SHOW TABLES FROM {other.name}",
            f"SELECT * FROM {other.name}.secrets",  # noqa: S608  an attack
            f"CREATE TABLE {other.name}.planted (id INT)",
            "USE `fpabcdefgh234567x_`",
            "SELECT * FROM frankenpanel.site_databases",
            "SELECT * FROM mysql.user",
            "CREATE DATABASE fpabcdefgh234567x0",
            f"GRANT SELECT ON {account.name}.* TO '{other.name}'@'%'",
            "CREATE USER fpintruder",
            "SELECT 'x' INTO OUTFILE '/tmp/fp-outfile'",
            f"CREATE EVENT {account.name}.forever ON SCHEDULE EVERY 1 DAY DO SELECT 1",
            "SET GLOBAL max_connections = 1",
        ):
            with pytest.raises(pymysql.err.Error) as refused:
                cursor.execute(attack)
            assert errno(refused) in {1044, 1045, 1142, 1227, 1290, 1410}, attack


async def test_twenty_sites_at_once(server, provisioner, account):
    accounts = [replace(account, name=f"fpsite{n}", site_uid=f"uid-{n}") for n in range(20)]
    await asyncio.gather(*(provisioner.ensure(server.address, item, PASSWORD) for item in accounts))
    assert server.databases() == {item.name for item in accounts}
    for item in accounts:
        server.connect(item.name, PASSWORD.get_secret_value(), database=item.name).close()


async def test_twenty_ensures_of_one_site_by_four_operators_at_once(server, account):
    operators = [server.provisioner()[0] for _ in range(4)]

    async def ensure(operator):
        """Ask again where the server is too busy, as the queue does."""
        async with asyncio.timeout(60):
            while True:
                try:
                    return await operator.ensure(server.address, account, PASSWORD)
                except DatabaseUnavailableError:
                    await asyncio.sleep(0.1)

    for _ in range(3):
        await asyncio.gather(*(ensure(operators[n % 4]) for n in range(20)))
        server.connect(account.name, PASSWORD.get_secret_value(), database=account.name).close()
        assert server.row(account.name)["provisioned_at"] is not None
        await asyncio.gather(*(operator.drop(server.address, account) for operator in operators))
        assert server.databases() == set()
    for operator in operators:
        await operator.close()


async def test_retained_data_stays_and_its_account_is_locked(server, provisioner, account):
    await provisioner.ensure(server.address, account, PASSWORD)
    await provisioner.retain(server.address, account)
    first = server.row(account.name)["retained_at"]
    await provisioner.retain(server.address, account)

    assert first is not None
    assert server.row(account.name)["retained_at"] == first
    assert server.databases() == {account.name}
    with pytest.raises(pymysql.err.OperationalError) as refused:
        server.connect(account.name, PASSWORD.get_secret_value())
    assert errno(refused) in LOCKED


async def test_drop_leaves_nothing_and_can_be_repeated(server, provisioner, account):
    await provisioner.ensure(server.address, account, PASSWORD)
    await provisioner.drop(server.address, account)
    await provisioner.drop(server.address, account)

    assert server.databases() == set()
    assert server.row(account.name) is None
    assert server.query("SELECT COUNT(*) FROM mysql.user WHERE User = %s", account.name) == ((0,),)


async def test_retain_and_drop_on_a_server_that_never_saw_a_site(server, provisioner, account):
    await provisioner.retain(server.address, account)
    await provisioner.drop(server.address, account)
    assert server.databases() == set()


async def test_a_dropped_database_can_be_made_again(server, provisioner, account):
    await provisioner.ensure(server.address, account, PASSWORD)
    await provisioner.drop(server.address, account)
    await provisioner.ensure(server.address, account, PASSWORD)
    server.connect(account.name, PASSWORD.get_secret_value(), database=account.name).close()


async def test_a_database_in_use_is_dropped_later_and_not_waited_for(server, account):
    provisioner, _ = server.provisioner(Waits(statement_seconds=1, answer_seconds=3, call_seconds=6))
    await provisioner.ensure(server.address, account, PASSWORD)
    with server.connect(account.name, PASSWORD.get_secret_value(), database=account.name) as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE TABLE posts (id INT)")
        cursor.execute("BEGIN")
        cursor.execute("SELECT * FROM posts")
        with pytest.raises(DatabaseUnavailableError, match="too busy"):
            await provisioner.drop(server.address, account)
        assert server.row(account.name) is not None
    await provisioner.drop(server.address, account)
    await provisioner.close()
    assert server.databases() == set()
