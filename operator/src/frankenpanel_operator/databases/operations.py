"""Carries out plans on a session: look, decide, act, and look again where somebody else was faster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pydantic import SecretStr
from pymysql import err

from frankenpanel_operator.databases import error_codes, statements
from frankenpanel_operator.databases.plan import (
    DatabaseState,
    Step,
    Target,
    plan_drop,
    plan_ensure,
    plan_retain,
)
from frankenpanel_operator.databases.session import Session
from frankenpanel_operator.databases.statements import Identifier
from frankenpanel_operator.errors import DatabaseUnavailableError, SpecError
from frankenpanel_operator.failpoints import Failpoint, reached
from frankenpanel_operator.ports import DatabaseAccount

# Adoption, a lost race and a doubtful verdict each cost one look; they do not all come at once, twice.
MAX_LOOKS = 6


def probe(session: Session) -> str:
    """Return the server's version text."""
    return str(session.run(statements.select_version())[0][0][0])


def ensure(session: Session, account: DatabaseAccount, password: SecretStr) -> None:
    """Bring database and account to the desired state.

    Raises:
        SpecError: as `plan.plan_ensure` says.
        DatabaseUnavailableError: the state changes faster than it can be followed.
        pymysql.err.Error: the server is at fault.
    """
    target = Target(account, password, session.is_mariadb)
    is_doubted = False
    for _ in range(MAX_LOOKS):
        state = _look(session, target.name, may_create=True)
        try:
            step = plan_ensure(state, target)
        except SpecError:
            # A look is not one instant: while it was taken, another replica may have gone on from one step
            # to the next. Only what is seen twice is true.
            if is_doubted:
                raise
            is_doubted = True
            continue
        if _act(session, step) and step.is_last:
            return
    raise _too_fast()


def retain(session: Session, account: DatabaseAccount) -> None:
    """Lock the account and mark the ownership row."""
    _carry_out(session, account, plan_retain)


def drop(session: Session, account: DatabaseAccount) -> None:
    """Delete database, account and ownership row."""
    _carry_out(session, account, plan_drop)


def _carry_out(
    session: Session, account: DatabaseAccount, plan: Callable[[DatabaseState, DatabaseAccount], Step]
) -> None:
    """Run the one step that a plan has; look again where somebody else was faster.

    Raises:
        DatabaseUnavailableError: the state changes faster than it can be followed.
    """
    for _ in range(MAX_LOOKS):
        if _act(session, plan(_look(session, Identifier(account.name)), account)):
            return
    raise _too_fast()


def _look(session: Session, name: Identifier, *, may_create: bool = False) -> DatabaseState:
    """Read the state; the ownership table is made where the server has none and `may_create`."""
    query = statements.select_state(name, is_mariadb=session.is_mariadb)
    try:
        row = session.run(query)[0][0]
    except err.Error as error:
        if not error_codes.is_missing_table(error):
            raise
        if not may_create:
            return DatabaseState(None, None, None, None)
        session.run(*statements.create_ownership_table())
        reached(Failpoint.OWNERSHIP_TABLE_CREATED)
        row = session.run(query)[0][0]
    state = DatabaseState.of(row)
    if state.is_suspicious:
        return replace(state, has_tables=bool(session.run(statements.select_has_tables(name))[0][0][0]))
    return state


def _act(session: Session, step: Step) -> bool:
    """Run a step; False says that somebody else was faster and that it takes another look."""
    if not step.statements:
        return True
    try:
        session.run(*step.statements)
    except err.Error as error:
        if error_codes.is_race(error):
            return False
        raise
    reached(Failpoint.DATABASE_STEP_TAKEN)
    return True


def _too_fast() -> DatabaseUnavailableError:
    return DatabaseUnavailableError("the database changes faster than it can be followed")
