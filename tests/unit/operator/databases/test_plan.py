from __future__ import annotations

from dataclasses import replace

import pytest
from frankenpanel_operator.databases import statements
from frankenpanel_operator.databases.plan import (
    DatabaseState,
    Ownership,
    Target,
    plan_drop,
    plan_ensure,
    plan_retain,
    settings_digest,
)
from frankenpanel_operator.databases.statements import Identifier
from frankenpanel_operator.errors import (
    DatabaseLostError,
    DatabaseNameTakenError,
    RetainedDataNotFoundError,
)
from frankenpanel_operator.ports import DatabaseAccount
from pydantic import SecretStr

ACCOUNT = DatabaseAccount("fpsite", "uid-1", "demo", "shop", "utf8mb4", 20)
HEIR = replace(ACCOUNT, site_uid="uid-2", adopt_uid="uid-1")
PASSWORD = SecretStr("password")
TARGET = Target(ACCOUNT, PASSWORD, is_mariadb=True)
OWNER = Ownership(
    site_uid="uid-1",
    origin_uid="uid-1",
    site_namespace="demo",
    is_provisioned=True,
    is_retained=False,
    settings_digest=TARGET.settings_digest,
    account_digest="as left",
)
NOTHING = DatabaseState(None, None, None, None)
IN_ORDER = DatabaseState(OWNER, "utf8mb4", "as left", statements.expected_privileges(Identifier("fpsite")))


def verbs(step) -> list[str]:
    return [" ".join(statement.sql.split()[:2]) for statement in step.statements]


def owned(**changes) -> DatabaseState:
    return replace(IN_ORDER, owner=replace(OWNER, **changes))


def test_nothing_is_done_when_all_is_in_order():
    step = plan_ensure(IN_ORDER, TARGET)
    assert step.statements == ()
    assert step.is_last


def test_the_row_comes_first_and_the_grant_after_the_mark():
    assert verbs(plan_ensure(NOTHING, TARGET)) == [
        "INSERT INTO",
        "CREATE DATABASE",
        "CREATE USER",
        "UPDATE frankenpanel.site_databases",
        "GRANT SELECT,",
    ]


@pytest.mark.parametrize("found", [{"charset": "utf8mb4"}, {"account_digest": "theirs"}])
def test_what_has_no_row_is_somebody_elses(found):
    with pytest.raises(DatabaseNameTakenError):
        plan_ensure(replace(NOTHING, **found), TARGET)


def test_an_interrupted_creation_goes_on():
    state = DatabaseState(replace(OWNER, is_provisioned=False), None, None, None)
    order = verbs(plan_ensure(state, TARGET))
    assert order.index("CREATE DATABASE") < order.index("ALTER USER")
    assert order[-3:] == ["REVOKE ALL", "UPDATE frankenpanel.site_databases", "GRANT SELECT,"]


def test_an_unfinished_database_with_tables_is_somebody_elses():
    state = DatabaseState(replace(OWNER, is_provisioned=False), "utf8mb4", None, None, has_tables=True)
    assert state.is_suspicious
    with pytest.raises(DatabaseNameTakenError):
        plan_ensure(state, TARGET)
    assert verbs(plan_drop(state, ACCOUNT)) == ["DELETE FROM"]


def test_a_vanished_database_is_lost():
    with pytest.raises(DatabaseLostError):
        plan_ensure(replace(IN_ORDER, charset=None), TARGET)


REPAIRS = {
    "account changed": (
        replace(IN_ORDER, account_digest="other"),
        {"CREATE USER", "ALTER USER", "REVOKE ALL"},
    ),
    "account gone": (replace(IN_ORDER, account_digest=None), {"CREATE USER", "ALTER USER", "REVOKE ALL"}),
    "never recorded": (
        replace(owned(account_digest=None), account_digest=None),
        {"CREATE USER", "ALTER USER", "REVOKE ALL"},
    ),
    "settings changed": (owned(settings_digest="other"), {"CREATE USER", "ALTER USER"}),
    "privileges changed": (replace(IN_ORDER, privileges="fp%/Y"), {"REVOKE ALL", "GRANT SELECT,"}),
    "no privileges": (replace(IN_ORDER, privileges=None), {"REVOKE ALL", "GRANT SELECT,"}),
    "character set changed": (replace(IN_ORDER, charset="latin1"), {"ALTER DATABASE"}),
    "retained": (owned(is_retained=True), {"UPDATE frankenpanel.site_databases"}),
}


@pytest.mark.parametrize(("state", "expected"), REPAIRS.values(), ids=REPAIRS.keys())
def test_what_differs_is_repaired_and_nothing_is_made_anew(state, expected):
    step = plan_ensure(state, TARGET)
    assert expected <= set(verbs(step))
    assert "CREATE DATABASE" not in verbs(step)
    assert verbs(step)[-1] == "UPDATE frankenpanel.site_databases"


def test_new_settings_take_no_privilege_away_meanwhile():
    assert "REVOKE ALL" not in verbs(plan_ensure(owned(settings_digest="other"), TARGET))


def test_an_heir_takes_over_and_looks_again():
    step = plan_ensure(owned(is_retained=True), replace(TARGET, account=HEIR))
    assert verbs(step) == ["UPDATE frankenpanel.site_databases"]
    assert not step.is_last


REFUSED_HEIRS = {
    "in use": (owned(), HEIR),
    "other namespace": (owned(is_retained=True), replace(HEIR, site_namespace="other")),
    "other data": (owned(is_retained=True), replace(HEIR, adopt_uid="uid-9")),
    "not asked for": (owned(is_retained=True), replace(HEIR, adopt_uid=None)),
}


@pytest.mark.parametrize(("state", "account"), REFUSED_HEIRS.values(), ids=REFUSED_HEIRS.keys())
def test_nobody_else_takes_over(state, account):
    with pytest.raises(DatabaseNameTakenError):
        plan_ensure(state, replace(TARGET, account=account))


def test_data_keeps_its_origin_through_several_heirs():
    state = owned(is_retained=True, site_uid="uid-2")
    assert not plan_ensure(state, replace(TARGET, account=replace(HEIR, site_uid="uid-3"))).is_last


def test_an_heir_of_nothing_gets_nothing():
    with pytest.raises(RetainedDataNotFoundError):
        plan_ensure(NOTHING, replace(TARGET, account=HEIR))


def test_only_the_owner_retains_and_drops():
    for plan in (plan_retain, plan_drop):
        assert plan(IN_ORDER, HEIR).statements == ()
        assert plan(NOTHING, ACCOUNT).statements == ()
    assert verbs(plan_retain(IN_ORDER, ACCOUNT)) == ["ALTER USER", "UPDATE frankenpanel.site_databases"]
    assert verbs(plan_drop(IN_ORDER, ACCOUNT)) == ["DROP USER", "DROP DATABASE", "DELETE FROM"]


def test_the_digest_changes_with_what_it_stands_for():
    digests = {
        settings_digest(ACCOUNT, PASSWORD),
        settings_digest(ACCOUNT, SecretStr("other")),
        settings_digest(replace(ACCOUNT, max_connections=21), PASSWORD),
        settings_digest(replace(ACCOUNT, name="fpother"), PASSWORD),
    }
    assert len(digests) == 4
    assert settings_digest(replace(ACCOUNT, site_name="renamed"), PASSWORD) in digests


def test_a_row_is_read_as_the_query_gives_it():
    row = ("uid-1", "uid-1", "demo", 1, 0, "s" * 64, b"x".decode(), "utf8mb4", None, None)
    state = DatabaseState.of(row)
    assert state.owner is not None
    assert (state.owner.is_provisioned, state.owner.is_retained) == (True, False)
    assert (state.charset, state.account_digest, state.privileges) == ("utf8mb4", None, None)
    assert DatabaseState.of((None,) * 10) == NOTHING
