"""What is looked at again, where the server says that somebody else was faster."""

from __future__ import annotations

import pytest
from frankenpanel_operator.databases import operations
from frankenpanel_operator.databases.operations import MAX_LOOKS
from frankenpanel_operator.databases.statements import Statement
from frankenpanel_operator.errors import DatabaseUnavailableError
from frankenpanel_operator.ports import DatabaseAccount
from pymysql import err

ACCOUNT = DatabaseAccount("fpabcdefgh234567xy", "uid-1", "demo", "shop", "utf8mb4", 3)
OURS = ("uid-1", "uid-1", "demo", 1, 0, "", "", "utf8mb4", "digest", "privileges")
DEADLOCK = 1213


class ScriptedSession:
    """A server on which the first acts end in a deadlock."""

    is_mariadb = True

    def __init__(self, deadlocks: int) -> None:
        self._deadlocks_left = deadlocks
        self.looks, self.acts = 0, 0

    def run(self, *batch: Statement) -> list[tuple[tuple[object, ...], ...]]:
        if batch[0].sql.lstrip().upper().startswith("SELECT"):
            self.looks += 1
            return [(OURS,)]
        if self._deadlocks_left:
            self._deadlocks_left -= 1
            raise err.OperationalError(DEADLOCK, "Deadlock found when trying to get lock")
        self.acts += 1
        return [()]

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("operation", [operations.retain, operations.drop])
def test_what_lost_a_deadlock_is_done_after_another_look(operation) -> None:
    session = ScriptedSession(deadlocks=2)
    operation(session, ACCOUNT)
    assert (session.looks, session.acts) == (3, 1)


@pytest.mark.parametrize("operation", [operations.retain, operations.drop])
def test_what_loses_for_ever_is_not_taken_for_done(operation) -> None:
    session = ScriptedSession(deadlocks=MAX_LOOKS)
    with pytest.raises(DatabaseUnavailableError):
        operation(session, ACCOUNT)
    assert session.acts == 0
