"""The operator dies between any two statements; the next one finishes what was begun."""

from __future__ import annotations

from dataclasses import replace

import pytest
from database_servers import PASSWORD
from frankenpanel_operator.errors import DatabaseNameTakenError


class Killed(BaseException):
    """No error handling sees it, as none sees a SIGKILL."""


class Failpoint:
    """Lets a number of statements through and dies then, also in the middle of a batch."""

    def __init__(self, survived: int) -> None:
        self.left = survived
        self.is_dying = False

    def before(self, batch):
        if len(batch) <= self.left:
            self.left -= len(batch)
            return batch
        if self.left == 0:
            raise Killed
        self.is_dying = True
        return batch[: self.left]

    def after(self):
        if self.is_dying:
            raise Killed


async def is_killed(server, survived, call) -> bool:
    """Make a call with an operator that dies after so many statements; say whether it did."""
    operator, counted = server.provisioner()
    failpoint = Failpoint(survived)
    counted.before, counted.after = failpoint.before, failpoint.after
    try:
        await call(operator)
    except Killed:
        return True
    finally:
        await operator.close()
    return False


async def kill_everywhere(server, prepare, call, check) -> int:
    """Kill an operator after 0, 1, 2 ... statements of a call, each time from the beginning, and check."""
    survived = 0
    while True:
        server.clear()
        await prepare()
        was_killed = await is_killed(server, survived, call)
        await check()
        if not was_killed:
            return survived
        survived += 1


def assert_in_order(server, account):
    with server.connect(account.name, PASSWORD.get_secret_value(), database=account.name) as connection:
        connection.cursor().execute("CREATE TABLE IF NOT EXISTS posts (id INT)")
    row = server.row(account.name)
    assert row["site_uid"] == account.site_uid
    assert row["provisioned_at"] is not None
    assert row["retained_at"] is None
    assert server.databases() == {account.name}


async def test_ensure_is_finished_by_the_next_operator(server, provisioner, account):
    async def nothing():
        pass

    async def check():
        operator, _ = server.provisioner()
        await operator.ensure(server.address, account, PASSWORD)
        await operator.close()
        assert_in_order(server, account)

    steps = await kill_everywhere(
        server, nothing, lambda operator: operator.ensure(server.address, account, PASSWORD), check
    )
    assert steps == 9, "the failpoints did not reach every statement"


async def test_what_a_crash_left_can_be_deleted(server, account):
    async def nothing():
        pass

    async def check():
        operator, _ = server.provisioner()
        await operator.drop(server.address, account)
        await operator.close()
        assert server.databases() == set()
        assert server.query("SELECT COUNT(*) FROM mysql.user WHERE User = %s", account.name) == ((0,),)

    await kill_everywhere(
        server, nothing, lambda operator: operator.ensure(server.address, account, PASSWORD), check
    )


async def test_adoption_is_finished_by_the_next_operator(server, account):
    heir = replace(account, site_uid="uid-2", adopt_uid="uid-1")

    async def prepare():
        operator, _ = server.provisioner()
        await operator.ensure(server.address, account, PASSWORD)
        await operator.retain(server.address, account)
        await operator.close()

    async def check():
        operator, _ = server.provisioner()
        await operator.ensure(server.address, heir, PASSWORD)
        await operator.close()
        assert_in_order(server, heir)

    steps = await kill_everywhere(
        server, prepare, lambda operator: operator.ensure(server.address, heir, PASSWORD), check
    )
    assert steps >= 5


@pytest.mark.parametrize("call", ["retain", "drop"])
async def test_deletion_is_finished_by_the_next_operator(server, account, call):
    async def prepare():
        operator, _ = server.provisioner()
        await operator.ensure(server.address, account, PASSWORD)
        await operator.close()

    async def check():
        operator, _ = server.provisioner()
        await getattr(operator, call)(server.address, account)
        await operator.close()
        row = server.row(account.name)
        if call == "retain":
            assert row["retained_at"] is not None
            assert server.databases() == {account.name}
        else:
            assert row is None
            assert server.databases() == set()

    steps = await kill_everywhere(
        server, prepare, lambda operator: getattr(operator, call)(server.address, account), check
    )
    assert steps >= 3


async def test_a_foreign_database_made_in_the_gap_of_a_crash_is_left_alone(server, account):
    # Two looks and the two statements of the ownership table come before the row.
    assert await is_killed(server, 5, lambda operator: operator.ensure(server.address, account, PASSWORD))
    assert server.row(account.name)["provisioned_at"] is None
    server.query(f"CREATE DATABASE IF NOT EXISTS {account.name}")
    server.query(f"CREATE TABLE {account.name}.theirs (id INT)")

    operator, _ = server.provisioner()
    with pytest.raises(DatabaseNameTakenError):
        await operator.ensure(server.address, account, PASSWORD)
    await operator.drop(server.address, account)
    await operator.close()
    assert server.databases() == {account.name}
    assert server.row(account.name) is None
