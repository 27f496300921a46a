"""What becomes of objects that nobody can judge: unreadable ones, and those that hit a defect of ours."""

from __future__ import annotations

from typing import Any

import pytest
from frankenpanel_operator.errors import ClusterUnavailableError, ConflictError
from frankenpanel_operator.observed import ObjectRef

DOMAIN = ObjectRef("Domain", "demo", "shop-localhost")


async def test_a_defect_shows_in_the_status_once_and_is_passed_on(world: Any, site: Any) -> None:
    world.databases.error = ZeroDivisionError("division by zero")
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await world.reconcile()
    assert world.reasons()["Ready"] == "False InternalError"
    assert "zero" not in str(world.status())
    assert [write.verb for write in world.cluster.writes] == ["finalizer", "status"]


async def test_a_defect_leaves_the_other_conditions_as_they_were(world: Any, site: Any) -> None:
    await world.settle()
    before = world.reasons()
    world.databases.error = ZeroDivisionError("division by zero")
    with pytest.raises(ZeroDivisionError):
        await world.reconcile()
    assert world.reasons()["WorkloadAvailable"] == before["WorkloadAvailable"]
    world.databases.error = None
    await world.reconcile()
    assert world.reasons() == before


@pytest.mark.parametrize("error", [ConflictError("changed"), TimeoutError("late")])
async def test_what_was_foreseen_is_no_defect(world: Any, site: Any, error: Exception) -> None:
    world.cluster.refusals["create", "ServiceAccount"] = error
    with pytest.raises(type(error)):
        await world.reconcile()
    assert "InternalError" not in str(world.status())


async def test_the_defect_is_raised_even_where_the_status_cannot_be_written(world: Any, site: Any) -> None:
    world.databases.error = ZeroDivisionError("division by zero")
    world.cluster.refusals["status", "Site"] = ClusterUnavailableError("down")
    with pytest.raises(ZeroDivisionError):
        await world.reconcile()


async def test_a_defect_about_a_database_server_shows(world: Any) -> None:
    world.databases.error = ZeroDivisionError("division by zero")
    with pytest.raises(ZeroDivisionError):
        await world.reconcile("DatabaseServer", "embedded")
    assert world.reasons("DatabaseServer", "embedded")["Ready"] == "False InternalError"


@pytest.mark.parametrize(
    ("ref", "change"),
    [
        (DOMAIN, {"role": "Mirror"}),
        (ObjectRef("DatabaseServer", "", "embedded"), {"engine": "Oracle"}),
    ],
)
async def test_what_a_newer_release_stored_is_told_once(
    world: Any, add_domain: Any, ref: ObjectRef, change: dict[str, str]
) -> None:
    add_domain("shop.localhost")
    world.cluster.edit(ref, spec={**world.cluster.read(ref)["spec"], **change})
    assert [write.verb for write in await world.writes_of(ref.kind, ref.name)] == ["status"]
    assert world.reasons(ref.kind, ref.name)["Ready"] == "False SpecInvalid"
    assert await world.writes_of(ref.kind, ref.name) == []
    assert world.databases.calls == []
