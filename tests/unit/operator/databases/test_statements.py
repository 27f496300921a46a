from __future__ import annotations

import inspect
import re

import pytest
from frankenpanel_operator.databases import statements
from frankenpanel_operator.databases.statements import (
    Identifier,
    Statement,
    quote_grant_pattern,
    quote_identifier,
)
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import SecretStr

NAME = Identifier("fpabcdefgh234567xy")
PASSWORD = SecretStr("hunter2'; DROP DATABASE mysql; --")

HOSTILE = [
    "",
    "a" * 33,
    "Shop",
    "fp_",
    "fp%",
    "fp`",
    "fp`; DROP DATABASE mysql; --",
    "fp\n",
    "fp\x00",
    "fp'",
    'fp"',
    "fp\\",
    "fp.mysql",
    "fp-1",
    " fp",
    "fp ",
    "fp/**/",
    "fpä",
    "fp１",
    "fpſ",
    "fp\u200b",
    "fp\udcff",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_no_identifiers(text):
    with pytest.raises(ValueError, match="identifier"):
        Identifier(text)


@pytest.mark.parametrize("value", [None, 7, b"fp", ["fp"]])
def test_only_text_is_an_identifier(value):
    with pytest.raises(ValueError, match="identifier"):
        Identifier(value)


@given(st.text(max_size=40))
@example("fp")
def test_whatever_becomes_an_identifier_is_plain(text):
    try:
        identifier = Identifier(text)
    except ValueError:
        assert re.fullmatch("[a-z0-9]{1,32}", text) is None
    else:
        assert quote_identifier(identifier) == f"`{text}`"
        assert quote_grant_pattern(identifier) == f"`{text}`"


def test_an_error_does_not_repeat_the_hostile_name():
    with pytest.raises(ValueError, match="identifier") as refused:
        Identifier("secret`")
    assert "secret" not in str(refused.value)


def test_quoting_would_hold_even_if_the_alphabet_grew():
    identifier = object.__new__(Identifier)
    object.__setattr__(identifier, "value", r"a`_%\b")
    assert quote_identifier(identifier) == r"`a``_%\b`"
    assert quote_grant_pattern(identifier) == r"`a``\_\%\\b`"


@pytest.mark.parametrize("charset", ["utf8", "utf8mb4; DROP DATABASE mysql", "UTF8MB4", "", "binary"])
def test_other_character_sets_are_refused(charset):
    assert not statements.is_charset(charset)
    for build in (
        lambda: statements.create_database(NAME, charset, if_absent=True),
        lambda: statements.alter_database(NAME, charset),
    ):
        with pytest.raises(ValueError, match="character set"):
            build()


@pytest.mark.parametrize("limit", [0, -1, 100_001, True])
def test_no_limit_of_connections_that_means_unlimited(limit):
    with pytest.raises(ValueError, match="connections"):
        statements.create_account(NAME, PASSWORD, limit)
    with pytest.raises(ValueError, match="connections"):
        statements.reset_account(NAME, PASSWORD, limit)


def every_statement(*, is_mariadb: bool) -> list[Statement]:
    return [
        statements.limit_session(5, is_mariadb=is_mariadb),
        statements.select_version(),
        *statements.create_ownership_table(),
        statements.select_state(NAME, is_mariadb=is_mariadb),
        statements.select_has_tables(NAME),
        statements.insert_owner(NAME, "uid", "namespace", "site"),
        statements.record_provisioned(NAME, "uid", "digest", is_mariadb=is_mariadb),
        statements.adopt_retained(
            NAME, former_uid="old", site_uid="uid", site_namespace="namespace", site_name="site"
        ),
        statements.mark_retained(NAME, "uid"),
        statements.clear_retained(NAME, "uid"),
        statements.delete_owner(NAME, "uid"),
        statements.create_database(NAME, "utf8mb4", if_absent=True),
        statements.create_database(NAME, "utf8mb4", if_absent=False),
        statements.alter_database(NAME, "latin1"),
        statements.drop_database(NAME),
        statements.create_account(NAME, PASSWORD, 20),
        *statements.reset_account(NAME, PASSWORD, 20),
        statements.grant_database(NAME),
        statements.revoke_everything(NAME),
        statements.lock_account(NAME),
        statements.drop_account(NAME),
    ]


@pytest.fixture(params=[True, False], ids=["mariadb", "mysql"])
def everything(request) -> list[Statement]:
    return every_statement(is_mariadb=request.param)


def test_every_builder_is_tested_here(everything):
    builders = {
        name
        for name, function in inspect.getmembers(statements, inspect.isfunction)
        if function.__module__ == statements.__name__
        and "Statement" in str(function.__annotations__["return"])
    }
    called = set(re.findall(r"statements\.([a-z_]+)\(", inspect.getsource(every_statement)))
    assert builders == called


def test_placeholders_and_parameters_agree(everything):
    for statement in everything:
        rest = statement.sql.replace("%s", "")
        assert "%" not in rest, statement.sql
        assert statement.sql.count("%s") == len(statement.parameters)


def test_each_is_one_statement(everything):
    assert [statement.sql for statement in everything if ";" in statement.sql] == []


def test_passwords_are_parameters_and_are_never_shown(everything):
    assert any(PASSWORD in statement.parameters for statement in everything)
    for statement in everything:
        assert "hunter2" not in statement.sql
        assert "hunter2" not in repr(statement)


def test_what_a_tenant_names_is_never_text():
    site = "shop'; DROP DATABASE mysql; --"
    built = statements.insert_owner(NAME, site, site, site)
    assert site not in built.sql
    assert site in built.parameters


def test_the_grant_is_for_one_database_and_cannot_be_passed_on():
    sql = statements.grant_database(NAME).sql
    assert f" ON `{NAME}`.* TO " in sql
    for word in ("GRANT OPTION", "ALL", "*.*", "EVENT", "FILE", "SUPER", "PROCESS"):
        assert word not in sql


def test_expected_privileges_are_those_that_are_granted():
    granted = statements.grant_database(NAME).sql.removeprefix("GRANT ").split(" ON ")[0].split(", ")
    assert statements.expected_privileges(NAME) == f"{NAME}/{'Y' * len(granted)}NN"
