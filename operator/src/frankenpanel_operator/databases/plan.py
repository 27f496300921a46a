"""Decides what to do about one database, from what a server says about it; pure.

Every plan is safe to repeat after a crash between any two of its statements.
The order of a database's coming into being is the order in which a crash does no harm:

1. the ownership row: from now on the name is this Site's, whatever else exists;
2. the database;
3. the account, which may do nothing yet;
4. the row's `provisioned_at`: from now on a missing database is a loss, never a reason to make an empty one;
   with it digests of what was set, by which one query later finds out whether all is still as it was left;
5. the grant, so that nobody could put anything into the database before step 4.

Each change of the row waits for the server's disk, which is most of the time of a new Site: two, not more.

A database or an account without our row is somebody else's. So is a database with tables in it whose row says
that it was not provisioned: step 5 comes after step 4.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import SecretStr

from frankenpanel_operator.databases import statements
from frankenpanel_operator.databases.statements import Identifier, Statement
from frankenpanel_operator.errors import (
    DatabaseLostError,
    DatabaseNameTakenError,
    RetainedDataNotFoundError,
)
from frankenpanel_operator.ports import DatabaseAccount


@dataclass(frozen=True, slots=True)
class Ownership:
    """One row of the ownership table."""

    site_uid: str
    origin_uid: str
    site_namespace: str
    is_provisioned: bool
    is_retained: bool
    settings_digest: str | None
    account_digest: str | None

    def may_pass_to(self, account: DatabaseAccount) -> bool:
        """Say whether this data was kept, and the account's Site asks for it from the same namespace."""
        return (
            self.is_retained
            and account.adopt_uid in (self.site_uid, self.origin_uid)
            and account.site_namespace == self.site_namespace
        )


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """What a server says about one database; a `charset` of None means that there is no such database."""

    owner: Ownership | None
    charset: str | None
    account_digest: str | None
    privileges: str | None
    has_tables: bool = False

    @classmethod
    def of(cls, row: Sequence[object]) -> DatabaseState:
        """Read the row with which `statements.select_state` answers."""
        uid, origin_uid, namespace, is_provisioned, is_retained, settings, account, *found = row
        owner = None
        if uid is not None:
            owner = Ownership(
                str(uid),
                str(origin_uid),
                str(namespace),
                bool(is_provisioned),
                bool(is_retained),
                _text(settings),
                _text(account),
            )
        charset, account_digest, privileges = map(_text, found)
        return cls(owner, charset, account_digest, privileges)

    @property
    def is_suspicious(self) -> bool:
        """Say whether the database exists although its row does not know of it yet."""
        return self.owner is not None and not self.owner.is_provisioned and self.charset is not None


@dataclass(frozen=True, slots=True)
class Target:
    """What one Site's database shall be, on the engine that it is to be on."""

    account: DatabaseAccount
    password: SecretStr
    is_mariadb: bool

    @property
    def name(self) -> Identifier:
        """The name of database and account."""
        return Identifier(self.account.name)

    @property
    def settings_digest(self) -> str:
        """What the account was set to, as `settings_digest` says it."""
        return settings_digest(self.account, self.password)


@dataclass(frozen=True, slots=True)
class Step:
    """Statements to run in order; after the last step nothing remains to be done."""

    statements: tuple[Statement, ...] = ()
    is_last: bool = True


def settings_digest(account: DatabaseAccount, password: SecretStr) -> str:
    """Return a digest that changes when the account has to be set anew.

    It is keyed with the password, so that it says nothing to who does not have that.
    """
    text = f"{account.name}/{account.max_connections}"
    return hmac.new(password.get_secret_value().encode(), text.encode(), hashlib.sha256).hexdigest()


def plan_ensure(state: DatabaseState, target: Target) -> Step:
    """Say what the next step towards the target is.

    Raises:
        DatabaseNameTakenError: the name is another's.
        DatabaseLostError: the database was there and is no more.
        RetainedDataNotFoundError: there is nothing of the Site whose data was asked for.
    """
    owner, account = state.owner, target.account
    if owner is None:
        return _plan_new(state, target)
    if owner.site_uid != account.site_uid:
        if not owner.may_pass_to(account):
            raise _name_taken(account)
        return Step((_adoption(owner, target),), is_last=False)
    if not owner.is_provisioned:
        if state.has_tables:
            raise _name_taken(account)
        return _plan_resumed(target)
    if state.charset is None:
        raise DatabaseLostError(
            f"the database {account.name} was made for this Site and the server has it no more; restore it "
            "from a backup, or delete the Site to begin with an empty one"
        )
    return _plan_repair(owner, state, target)


def plan_retain(state: DatabaseState, account: DatabaseAccount) -> Step:
    """Say how the database is kept without anybody using it; nothing, where it is not this Site's."""
    if state.owner is None or state.owner.site_uid != account.site_uid:
        return Step()
    name = Identifier(account.name)
    return Step((statements.lock_account(name), statements.mark_retained(name, account.site_uid)))


def plan_drop(state: DatabaseState, account: DatabaseAccount) -> Step:
    """Say how the database goes; nothing, where it is not this Site's.

    The row goes last, so that what a crash left behind is found again.
    """
    if state.owner is None or state.owner.site_uid != account.site_uid:
        return Step()
    name = Identifier(account.name)
    release = statements.delete_owner(name, account.site_uid)
    if not state.owner.is_provisioned and state.has_tables:
        # Somebody else's, made in the moment between our row and our database.
        return Step((release,))
    return Step((statements.drop_account(name), statements.drop_database(name), release))


def _plan_new(state: DatabaseState, target: Target) -> Step:
    account = target.account
    if account.adopt_uid is not None:
        raise RetainedDataNotFoundError(
            "the server has no retained database of the Site that spec.bootstrapFrom.retained names"
        )
    if state.charset is not None or state.account_digest is not None:
        raise _name_taken(account)
    name, uid = target.name, account.site_uid
    return Step(
        (
            statements.insert_owner(name, uid, account.site_namespace, account.site_name),
            statements.create_database(name, account.charset, if_absent=False),
            statements.create_account(name, target.password, account.max_connections),
            _record(target),
            statements.grant_database(name),
        )
    )


def _plan_resumed(target: Target) -> Step:
    name, account = target.name, target.account
    return Step(
        (
            statements.clear_retained(name, account.site_uid),
            statements.create_database(name, account.charset, if_absent=True),
            *statements.reset_account(name, target.password, account.max_connections),
            statements.revoke_everything(name),
            _record(target),
            statements.grant_database(name),
        )
    )


def _plan_repair(owner: Ownership, state: DatabaseState, target: Target) -> Step:
    name, account = target.name, target.account
    todo: list[Statement] = []
    if owner.is_retained:
        todo.append(statements.clear_retained(name, account.site_uid))
    if state.charset != account.charset:
        todo.append(statements.alter_database(name, account.charset))
    is_as_left = state.account_digest is not None and state.account_digest == owner.account_digest
    if not is_as_left or owner.settings_digest != target.settings_digest:
        todo.extend(statements.reset_account(name, target.password, account.max_connections))
    if not is_as_left or state.privileges != statements.expected_privileges(name):
        # What a foreign hand granted on all databases shows in the digest only.
        todo.extend((statements.revoke_everything(name), statements.grant_database(name)))
    return Step((*todo, _record(target)) if todo else ())


def _adoption(owner: Ownership, target: Target) -> Statement:
    account = target.account
    return statements.adopt_retained(
        target.name,
        former_uid=owner.site_uid,
        site_uid=account.site_uid,
        site_namespace=account.site_namespace,
        site_name=account.site_name,
    )


def _record(target: Target) -> Statement:
    return statements.record_provisioned(
        target.name, target.account.site_uid, target.settings_digest, is_mariadb=target.is_mariadb
    )


def _name_taken(account: DatabaseAccount) -> DatabaseNameTakenError:
    return DatabaseNameTakenError(
        f"the server has a database or an account {account.name} that is not this Site's; it is left as it is"
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
