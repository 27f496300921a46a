"""Servers that are away, hang, refuse or take no writes: bounded waits, plain errors, healing by itself."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest
from database_servers import PASSWORD
from frankenpanel_operator.databases.provisioner import PyMySQLProvisioner
from frankenpanel_operator.databases.session import Waits
from frankenpanel_operator.errors import DatabaseUnavailableError
from mariadb_process import free_port

SHORT = Waits(connect_seconds=1, statement_seconds=1, answer_seconds=2, call_seconds=4.0)


async def eventually(call, within_seconds=20.0):
    """Repeat a call until it is not told that the server is unavailable."""
    deadline = time.monotonic() + within_seconds
    while True:
        try:
            return await call()
        except DatabaseUnavailableError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)


async def test_a_server_that_was_restarted_is_used_on_at_once(own_server, account):
    provisioner, counted = own_server.provisioner()
    await provisioner.ensure(own_server.address, account, PASSWORD)
    own_server.process.stop()
    own_server.process.start()
    await provisioner.ensure(own_server.address, replace(account, max_connections=5), PASSWORD)
    await provisioner.close()
    assert counted.connections == 2


async def test_a_stopped_server_is_an_error_and_heals_by_itself(own_server, account):
    provisioner, counted = own_server.provisioner()
    await provisioner.ensure(own_server.address, account, PASSWORD)
    own_server.process.kill()
    other = replace(account, name="fpother", site_uid="uid-2")
    for _ in range(3):
        with pytest.raises(DatabaseUnavailableError) as refused:
            await provisioner.ensure(own_server.address, other, PASSWORD)
    assert refused.value.retry_after_seconds is not None
    assert own_server.address.host not in str(refused.value)

    own_server.process.start()
    await eventually(lambda: provisioner.ensure(own_server.address, other, PASSWORD))
    before = len(counted.batches)
    await provisioner.ensure(own_server.address, account, PASSWORD)
    await provisioner.close()
    assert len(counted.batches) == before + 1, "after an outage one look must show that all is still there"


async def test_a_frozen_server_costs_a_bounded_wait_and_then_none(own_server, account):
    provisioner, _ = own_server.provisioner(SHORT)
    await provisioner.ensure(own_server.address, account, PASSWORD)
    own_server.process.freeze()
    others = [replace(account, name=f"fpother{n}", site_uid=f"uid-{n}") for n in range(12)]

    started = time.monotonic()
    results = await asyncio.gather(
        *(provisioner.ensure(own_server.address, other, PASSWORD) for other in others), return_exceptions=True
    )
    waited = time.monotonic() - started
    assert all(isinstance(result, DatabaseUnavailableError) for result in results), results
    assert waited < SHORT.call_seconds + 1

    started = time.monotonic()
    with pytest.raises(DatabaseUnavailableError):
        await provisioner.ensure(own_server.address, others[0], PASSWORD)
    assert time.monotonic() - started < 0.1

    own_server.process.thaw()
    await eventually(lambda: provisioner.ensure(own_server.address, others[0], PASSWORD))
    await provisioner.close()


async def test_a_frozen_server_is_given_up_within_the_bound_by_default(own_server, account):
    provisioner, _ = own_server.provisioner()
    await provisioner.probe(own_server.address)
    own_server.process.freeze()
    started = time.monotonic()
    with pytest.raises(DatabaseUnavailableError):
        await provisioner.ensure(own_server.address, account, PASSWORD)
    assert time.monotonic() - started < Waits().call_seconds + 1
    own_server.process.thaw()
    await provisioner.close()


async def test_a_frozen_server_does_not_slow_another_one_down(own_server, mariadb, account):
    async def read_secret(name):
        return await own_server.read_secret(name)

    mariadb.clear()
    provisioner = PyMySQLProvisioner(read_secret, waits=SHORT)
    own_server.process.freeze()
    stuck = [
        asyncio.create_task(provisioner.ensure(own_server.address, replace(account, name=f"fp{n}"), PASSWORD))
        for n in range(8)
    ]
    started = time.monotonic()
    await asyncio.gather(
        *(
            provisioner.ensure(
                mariadb.address, replace(account, name=f"fpwell{n}", site_uid=f"uid-{n}"), PASSWORD
            )
            for n in range(4)
        )
    )
    healthy = time.monotonic() - started
    assert not any(task.done() for task in stuck), f"the healthy server took {healthy:.1f} s"
    await asyncio.gather(*stuck, return_exceptions=True)
    own_server.process.thaw()
    await provisioner.close()
    mariadb.clear()


async def test_nobody_listens(own_server, account):
    provisioner, _ = own_server.provisioner()
    nowhere = replace(own_server.address, port=free_port())
    with pytest.raises(DatabaseUnavailableError, match="does not answer"):
        await provisioner.probe(nowhere)
    await provisioner.close()


async def test_an_unknown_host(own_server):
    provisioner, _ = own_server.provisioner()
    with pytest.raises(DatabaseUnavailableError, match="does not answer"):
        await provisioner.probe(replace(own_server.address, host="no-such-host.invalid"))
    await provisioner.close()


async def test_a_server_that_moved_is_found_at_its_new_address(own_server, account):
    provisioner, _ = own_server.provisioner()
    nowhere = replace(own_server.address, port=free_port())
    with pytest.raises(DatabaseUnavailableError):
        await provisioner.probe(nowhere)
    await provisioner.ensure(own_server.address, account, PASSWORD)
    await provisioner.close()


async def test_a_wrong_admin_password_is_told_without_secrets_and_read_again(own_server, account):
    provisioner, _ = own_server.provisioner()
    user, right = own_server.admin
    own_server.admin = (user, "wrong-secret")
    with pytest.raises(DatabaseUnavailableError, match="administrator has to correct it") as refused:
        await provisioner.ensure(own_server.address, account, PASSWORD)
    for secret in (user, "wrong-secret", own_server.address.host):
        assert secret not in str(refused.value)
    assert refused.value.__cause__ is None

    own_server.admin = (user, right)
    await provisioner.ensure(own_server.address, account, PASSWORD)
    await provisioner.close()


async def test_a_rotated_admin_password_is_noticed_without_an_error(own_server, account):
    provisioner, _ = own_server.provisioner()
    await provisioner.ensure(own_server.address, account, PASSWORD)
    user, _ = own_server.admin
    own_server.query("ALTER USER %s@'%%' IDENTIFIED BY 'rotated'", user)
    own_server.admin = (user, "rotated")
    own_server.process.stop()
    own_server.process.start()
    await provisioner.ensure(own_server.address, replace(account, max_connections=5), PASSWORD)
    await provisioner.close()


async def test_an_incomplete_admin_secret(own_server, account):
    async def read_secret(name):
        return {"password": b"x"}

    provisioner = PyMySQLProvisioner(read_secret)
    with pytest.raises(DatabaseUnavailableError, match="username and password"):
        await provisioner.ensure(own_server.address, account, PASSWORD)


async def test_a_read_only_server_serves_what_is_in_order_and_refuses_the_rest(own_server, account):
    provisioner, _ = own_server.provisioner()
    await provisioner.ensure(own_server.address, account, PASSWORD)
    own_server.query("SET GLOBAL read_only = 1")

    restarted, _ = own_server.provisioner()
    await restarted.ensure(own_server.address, account, PASSWORD)
    other = replace(account, name="fpother", site_uid="uid-2")
    for call in (
        lambda: restarted.ensure(own_server.address, other, PASSWORD),
        lambda: restarted.retain(own_server.address, account),
        lambda: restarted.drop(own_server.address, account),
    ):
        with pytest.raises(DatabaseUnavailableError, match="read-only"):
            await call()

    own_server.query("SET GLOBAL read_only = 0")
    await restarted.ensure(own_server.address, other, PASSWORD)
    await restarted.close()
    await provisioner.close()


async def test_an_account_without_the_rights_is_told_so(own_server, account):
    own_server.query("REVOKE CREATE USER ON *.* FROM %s@'%%'", own_server.admin[0])
    provisioner, _ = own_server.provisioner()
    with pytest.raises(DatabaseUnavailableError, match="lacks a privilege"):
        await provisioner.ensure(own_server.address, account, PASSWORD)
    own_server.query("GRANT CREATE USER ON *.* TO %s@'%%'", own_server.admin[0])
    await provisioner.ensure(own_server.address, account, PASSWORD)
    await provisioner.close()


async def test_close_ends_what_is_under_way_with_an_error(own_server, account):
    provisioner, _ = own_server.provisioner(SHORT)
    await provisioner.probe(own_server.address)
    own_server.process.freeze()
    calls = [asyncio.create_task(provisioner.probe(own_server.address)) for _ in range(8)]
    await asyncio.sleep(0)
    await provisioner.close()
    results = await asyncio.gather(*calls, return_exceptions=True)
    own_server.process.thaw()
    assert all(isinstance(result, DatabaseUnavailableError) for result in results), results
