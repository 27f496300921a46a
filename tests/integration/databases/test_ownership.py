"""Whose a database is, who may take it up, and what is never done behind anybody's back."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from database_servers import PASSWORD
from frankenpanel_operator.errors import (
    DatabaseLostError,
    DatabaseNameTakenError,
    RetainedDataNotFoundError,
)


@pytest.fixture
def heir(account):
    """A later Site of the same namespace that asks for the data of the first."""
    return replace(account, site_uid="uid-2", site_name="shop-again", adopt_uid=account.site_uid)


def titles(server, name):
    with server.connect(name, PASSWORD.get_secret_value(), database=name) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT title FROM posts")
        return cursor.fetchall()


async def provision_with_content(server, provisioner, account):
    await provisioner.ensure(server.address, account, PASSWORD)
    with server.connect(account.name, PASSWORD.get_secret_value(), database=account.name) as connection:
        connection.cursor().execute("CREATE TABLE posts (title TEXT)")
        connection.cursor().execute("INSERT INTO posts VALUES ('kept')")


@pytest.mark.parametrize("content", ["empty", "full"])
async def test_a_database_without_our_row_is_never_adopted(server, provisioner, account, content):
    server.query(f"CREATE DATABASE {account.name}")
    if content == "full":
        server.query(f"CREATE TABLE {account.name}.theirs (id INT)")
    for _ in range(2):
        with pytest.raises(DatabaseNameTakenError):
            await provisioner.ensure(server.address, account, PASSWORD)
    await provisioner.retain(server.address, account)
    await provisioner.drop(server.address, account)
    assert server.databases() == {account.name}
    assert server.row(account.name) is None


async def test_it_heals_when_the_foreign_database_is_gone(server, provisioner, account):
    server.query(f"CREATE DATABASE {account.name}")
    with pytest.raises(DatabaseNameTakenError):
        await provisioner.ensure(server.address, account, PASSWORD)
    server.query(f"DROP DATABASE {account.name}")
    await provisioner.ensure(server.address, account, PASSWORD)


async def test_an_account_without_our_row_is_never_adopted(server, provisioner, account):
    server.query("CREATE USER %s@'%%' IDENTIFIED BY 'theirs'", account.name)
    with pytest.raises(DatabaseNameTakenError):
        await provisioner.ensure(server.address, account, PASSWORD)
    server.connect(account.name, "theirs").close()


async def test_another_sites_database_is_refused_and_left_alone(server, provisioner, account):
    await provision_with_content(server, provisioner, account)
    other = replace(account, site_uid="uid-2")
    with pytest.raises(DatabaseNameTakenError) as refused:
        await provisioner.ensure(server.address, other, PASSWORD)
    await provisioner.retain(server.address, other)
    await provisioner.drop(server.address, other)

    assert titles(server, account.name) == (("kept",),)
    assert server.row(account.name)["retained_at"] is None
    for secret in ("uid-1", "demo", "shop"):
        assert secret not in str(refused.value)


async def test_the_same_site_takes_its_retained_data_up_again(server, provisioner, account):
    await provision_with_content(server, provisioner, account)
    await provisioner.retain(server.address, account)
    await provisioner.ensure(server.address, account, PASSWORD)
    assert titles(server, account.name) == (("kept",),)
    assert server.row(account.name)["retained_at"] is None


async def test_an_heir_takes_retained_data_over(server, provisioner, account, heir):
    await provision_with_content(server, provisioner, account)
    await provisioner.retain(server.address, account)
    await provisioner.ensure(server.address, heir, PASSWORD)

    assert titles(server, account.name) == (("kept",),)
    row = server.row(account.name)
    assert (row["site_uid"], row["site_name"], row["retained_at"]) == ("uid-2", "shop-again", None)


async def test_data_is_handed_on_from_heir_to_heir(server, provisioner, account, heir):
    await provision_with_content(server, provisioner, account)
    await provisioner.retain(server.address, account)
    await provisioner.ensure(server.address, heir, PASSWORD)
    await provisioner.retain(server.address, heir)
    await provisioner.ensure(server.address, replace(heir, site_uid="uid-3"), PASSWORD)
    assert titles(server, account.name) == (("kept",),)
    assert server.row(account.name)["site_uid"] == "uid-3"


async def test_the_former_owner_has_no_hold_on_what_was_handed_on(server, provisioner, account, heir):
    await provision_with_content(server, provisioner, account)
    await provisioner.retain(server.address, account)
    await provisioner.ensure(server.address, heir, PASSWORD)
    await provisioner.drop(server.address, account)
    with pytest.raises(DatabaseNameTakenError):
        await provisioner.ensure(server.address, account, PASSWORD)
    assert titles(server, account.name) == (("kept",),)


WRONG_HEIRS = {
    "another namespace": {"site_namespace": "intruders"},
    "another former uid": {"adopt_uid": "uid-9"},
    "no request": {"adopt_uid": None},
}


@pytest.mark.parametrize("difference", WRONG_HEIRS.values(), ids=WRONG_HEIRS.keys())
async def test_nobody_else_takes_retained_data_over(server, provisioner, account, heir, difference):
    await provision_with_content(server, provisioner, account)
    await provisioner.retain(server.address, account)
    before = server.row(account.name)
    with pytest.raises(DatabaseNameTakenError):
        await provisioner.ensure(server.address, replace(heir, **difference), PASSWORD)
    assert server.row(account.name) == before


async def test_data_in_use_is_not_taken_over(server, provisioner, account, heir):
    await provision_with_content(server, provisioner, account)
    with pytest.raises(DatabaseNameTakenError):
        await provisioner.ensure(server.address, heir, PASSWORD)
    assert server.row(account.name)["site_uid"] == "uid-1"


async def test_one_of_many_heirs_wins(server, account, heir):
    operators = [server.provisioner()[0] for _ in range(3)]
    await provision_with_content(server, operators[0], account)
    await operators[0].retain(server.address, account)
    heirs = [replace(heir, site_uid=f"uid-{n}", site_name=f"heir-{n}") for n in range(10, 16)]
    results = await asyncio.gather(
        *(operators[n % 3].ensure(server.address, item, PASSWORD) for n, item in enumerate(heirs)),
        return_exceptions=True,
    )
    for operator in operators:
        await operator.close()

    outcomes = zip(heirs, results, strict=True)
    winners = [item.site_uid for item, result in outcomes if not isinstance(result, BaseException)]
    assert winners == [server.row(account.name)["site_uid"]]
    assert sum(isinstance(result, DatabaseNameTakenError) for result in results) == 5


async def test_nothing_is_made_for_an_heir_of_nothing(server, provisioner, heir):
    with pytest.raises(RetainedDataNotFoundError):
        await provisioner.ensure(server.address, heir, PASSWORD)
    assert server.databases() == set()
    assert server.row(heir.name) is None


async def test_a_lost_database_is_reported_and_not_made_again_empty(server, provisioner, account):
    await provision_with_content(server, provisioner, account)
    server.query(f"DROP DATABASE {account.name}")
    restarted, _ = server.provisioner()
    for _ in range(2):
        with pytest.raises(DatabaseLostError, match="restore it from a backup"):
            await restarted.ensure(server.address, account, PASSWORD)
    await restarted.close()
    assert server.databases() == set()


async def test_a_lost_database_that_was_restored_is_in_order(server, provisioner, account):
    await provision_with_content(server, provisioner, account)
    server.query(f"DROP DATABASE {account.name}")
    restarted, _ = server.provisioner()
    with pytest.raises(DatabaseLostError):
        await restarted.ensure(server.address, account, PASSWORD)
    server.query(f"CREATE DATABASE {account.name}")
    await restarted.ensure(server.address, account, PASSWORD)
    await restarted.close()


async def test_a_site_whose_database_was_lost_can_be_deleted(server, provisioner, account):
    await provision_with_content(server, provisioner, account)
    server.query(f"DROP DATABASE {account.name}")
    await provisioner.drop(server.address, account)
    assert server.row(account.name) is None
