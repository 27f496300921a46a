import pytest
from frankenpanel_operator.databases import error_codes
from frankenpanel_operator.databases.error_codes import AdminRefusedError, ServerOutageError
from frankenpanel_operator.errors import DatabaseUnavailableError
from pymysql import err

SECRET = "near 'IDENTIFIED BY 'hunter2'' for 'root'@'10.0.0.7'"


@pytest.mark.parametrize("code", [0, 1053, 1129, 1927, 2002, 2003, 2005, 2006, 2012, 2013, 4031])
def test_no_answer_is_an_outage(code):
    assert type(error_codes.translate(err.OperationalError(code, SECRET), "main")) is ServerOutageError


@pytest.mark.parametrize("code", [1045, 1130, 3118, 4151])
def test_a_refused_account_is_told_apart(code):
    assert type(error_codes.translate(err.OperationalError(code, SECRET), "main")) is AdminRefusedError


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1044, "lacks a privilege"),
        (1142, "lacks a privilege"),
        (1227, "lacks a privilege"),
        (1290, "read-only"),
        (1836, "read-only"),
        (1040, "no free connection"),
        (1226, "no free connection"),
        (1205, "too busy"),
        (1969, "too busy"),
        (3024, "too busy"),
        (1021, "no space left"),
        (1064, "error 1064"),
    ],
)
def test_everything_else_has_a_reason_or_its_number(code, words):
    error = error_codes.translate(err.ProgrammingError(code, SECRET), "main")
    assert isinstance(error, DatabaseUnavailableError)
    assert words in str(error)


@pytest.mark.parametrize("error", [err.OperationalError(1064, SECRET), err.Error(SECRET), err.Error()])
def test_the_servers_words_go_no_further(error):
    text = str(error_codes.translate(error, "main"))
    for secret in ("hunter2", "root", "10.0.0.7", "IDENTIFIED"):
        assert secret not in text


def test_a_closed_connection_is_worth_a_second_try_and_silence_is_not():
    assert error_codes.is_lost_connection(err.OperationalError(2013, "Lost connection to MySQL server"))
    assert error_codes.is_lost_connection(err.InterfaceError(0, ""))
    silence = err.OperationalError(2013, "Lost connection to MySQL server during query (timed out)")
    assert not error_codes.is_lost_connection(silence)
    assert not error_codes.is_lost_connection(err.OperationalError(1205, "Lock wait timeout exceeded"))


def test_races_and_missing_tables_are_recognised():
    assert all(error_codes.is_race(err.OperationalError(code, "")) for code in (1007, 1062, 1396))
    assert all(error_codes.is_missing_table(err.ProgrammingError(code, "")) for code in (1049, 1146))
    assert not error_codes.is_race(err.OperationalError(1045, ""))


@pytest.mark.parametrize("code", [1040, 1045, 1203, 2003, 2013, 4151])
def test_what_would_fail_a_mere_sign_in_concerns_everybody(code):
    assert error_codes.translate(err.OperationalError(code, ""), "main").dependency == "database/main"


@pytest.mark.parametrize("code", [1021, 1044, 1064, 1205, 1290, 3024])
def test_what_concerns_some_statements_makes_nobody_else_wait(code):
    assert error_codes.translate(err.OperationalError(code, ""), "main").dependency is None
