"""What one pass over a Site writes, in which order, and what an error lets happen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from frankenpanel_crds.labels import FINALIZER_DATA
from frankenpanel_operator.errors import (
    ClusterRefusedError,
    ClusterUnavailableError,
    ConflictError,
    DatabaseNameTakenError,
    DatabaseUnavailableError,
    FrankenPanelError,
    ObjectNameTakenError,
)
from frankenpanel_operator.observed import ObjectRef

SITE = ObjectRef("Site", "demo", "shop")
DEPLOYMENT = ObjectRef("Deployment", "demo", "shop")
REFUSED = ClusterRefusedError("services is forbidden", status=403)


def kinds(writes: list[Any]) -> list[str]:
    return [write.kind for write in writes]


@pytest.mark.usefixtures("site")
class TestCreation:
    async def test_finalizer_first_then_preparation_then_installation(self, world: Any) -> None:
        writes = await world.writes_of()
        assert [f"{write.verb} {write.kind}" for write in writes] == [
            "finalizer Site",
            "create ServiceAccount",
            "create NetworkPolicy",
            "create PersistentVolumeClaim",
            "write Secret",
            "write Secret",
            "write Secret",
            "create ConfigMap",
            "create Service",
            "create Job",
            "status Site",
        ]
        assert world.cluster.read(SITE)["metadata"]["finalizers"] == [FINALIZER_DATA]
        assert world.databases.calls == ["ensure"]
        assert world.reasons()["Installed"] == "False Installing"

    async def test_pods_come_once_the_application_is_installed(self, world: Any) -> None:
        await world.reconcile()
        assert await world.writes_of() == []
        world.finish_job()
        assert kinds(await world.writes_of()) == ["Deployment", "Site"]
        assert world.reasons()["Installed"] == "True Installed"

    async def test_every_object_but_data_is_owned_by_the_site(self, world: Any) -> None:
        await world.reconcile()
        for kind in ("ServiceAccount", "NetworkPolicy", "ConfigMap", "Service", "Job"):
            (body,) = world.cache.list(kind)
            assert [owner["name"] for owner in body["metadata"]["ownerReferences"]] == ["shop"], kind
        (claim,) = world.cache.list("PersistentVolumeClaim")
        assert "ownerReferences" not in claim["metadata"]

    async def test_other_finalizers_stay(self, world: Any) -> None:
        world.cluster.edit(SITE, metadata={**world.cluster.read(SITE)["metadata"], "finalizers": ["other"]})
        await world.reconcile()
        assert world.cluster.read(SITE)["metadata"]["finalizers"] == ["other", FINALIZER_DATA]


@pytest.mark.usefixtures("site")
class TestNothingToDo:
    async def test_a_settled_site_is_left_alone(self, world: Any) -> None:
        await world.settle()
        assert await world.writes_of() == []

    async def test_after_a_restart_the_deployment_proves_that_the_secrets_exist(self, world: Any) -> None:
        await world.settle()
        world.cluster.forget_memory()
        assert await world.writes_of() == []

    async def test_without_pods_the_proof_does_not_hold(self, world: Any) -> None:
        await world.settle()
        before = dict(world.cluster.secrets)
        world.cluster.forget_memory()
        world.cluster.secrets.clear()
        world.roll_out(available=0)
        assert kinds(await world.writes_of())[:3] == ["Secret"] * 3
        assert world.cluster.secrets == before

    async def test_nor_with_other_secrets(self, world: Any, make_domain: Callable[..., Any]) -> None:
        await world.settle()
        world.cluster.forget_memory()
        world.cluster.add(make_domain().to_manifest())
        written = kinds(await world.writes_of())
        assert written.index("Deployment") > max(i for i, kind in enumerate(written) if kind == "Secret")

    async def test_time_alone_changes_no_status(self, world: Any) -> None:
        await world.settle()
        world.clock.time = world.clock.time.replace(year=2027)
        assert await world.writes_of() == []

    async def test_a_site_that_is_gone_needs_nothing(self, world: Any) -> None:
        assert await world.writes_of(name="gone") == []


@pytest.mark.usefixtures("site")
class TestDatabaseErrors:
    @pytest.mark.parametrize(
        ("error", "reason"),
        [
            (DatabaseUnavailableError("down"), "DatabaseServerUnreachable"),
            (DatabaseNameTakenError("taken"), "DatabaseNameTaken"),
        ],
    )
    async def test_the_rest_goes_on_and_the_error_is_raised(
        self, world: Any, error: FrankenPanelError, reason: str
    ) -> None:
        world.databases.error = error
        with pytest.raises(type(error)):
            await world.reconcile()
        assert kinds(world.cluster.writes)[-3:] == ["ConfigMap", "Service", "Site"]
        assert world.names("Job") == []
        assert world.reasons()["DatabaseReady"] == f"False {reason}"
        assert world.status()["database"]["serverName"] == "embedded"

    async def test_what_runs_stays_and_is_kept_up_to_date(self, world: Any, make_preset: Any) -> None:
        await world.settle()
        world.databases.error = DatabaseUnavailableError("down")
        preset = make_preset(spec={"defaultVersion": "6.7"}).to_manifest()
        world.cluster.edit(ObjectRef("SitePreset", "", "wordpress"), spec=preset["spec"])
        with pytest.raises(DatabaseUnavailableError):
            await world.reconcile()
        assert "Deployment" in kinds(world.cluster.writes)
        world.databases.error = None
        assert kinds(await world.writes_of()) == ["Site"]

    async def test_no_installation_while_there_is_no_server(self, world: Any) -> None:
        world.cache.remove(world.cluster.read(ObjectRef("DatabaseServer", "", "embedded")))
        await world.reconcile()
        assert world.names("Job") == []
        assert world.databases.calls == []
        assert world.reasons()["DatabaseReady"] == "False DatabaseServerNotFound"


@pytest.mark.usefixtures("site")
class TestRefusals:
    async def test_the_first_is_told_and_no_pods_change(self, world: Any) -> None:
        world.cluster.refusals["create", "PersistentVolumeClaim"] = ObjectNameTakenError("Claim", "x")
        world.cluster.refusals["create", "Service"] = REFUSED
        with pytest.raises(ObjectNameTakenError):
            await world.reconcile()
        assert "ConfigMap" in kinds(world.cluster.writes), "the rest of the preparation goes on"
        assert world.names("Job") == []

    async def test_a_running_deployment_is_not_touched(self, world: Any, make_preset: Any) -> None:
        await world.settle()
        world.cluster.refusals["patch", "ConfigMap"] = REFUSED
        before = world.cluster.read(DEPLOYMENT)
        preset = make_preset(spec={"defaultVersion": "6.7", "documentRoot": "public"}).to_manifest()
        world.cluster.edit(ObjectRef("SitePreset", "", "wordpress"), spec=preset["spec"])
        with pytest.raises(ClusterRefusedError):
            await world.reconcile()
        assert world.cluster.read(DEPLOYMENT) == before
        assert world.reasons()["WorkloadAvailable"] == "False ObjectRefused"
        world.cluster.refusals.clear()
        assert kinds(await world.writes_of()) == ["ConfigMap", "Deployment", "Site"]

    async def test_of_two_errors_the_one_that_passes_is_raised(self, world: Any) -> None:
        """What needs a person is tried again after minutes only, and the server may be back in seconds."""
        world.databases.error = DatabaseUnavailableError("down")
        world.cluster.refusals["create", "Service"] = REFUSED
        with pytest.raises(DatabaseUnavailableError):
            await world.reconcile()
        assert world.reasons()["DatabaseReady"] == "False DatabaseServerUnreachable"

    async def test_a_conflict_ends_the_pass(self, world: Any) -> None:
        world.cluster.refusals["create", "ServiceAccount"] = ConflictError("changed")
        with pytest.raises(ConflictError):
            await world.reconcile()
        assert kinds(world.cluster.writes) == ["Site"], "the finalizer, and no status"

    async def test_no_object_is_written_before_the_finalizer(self, world: Any) -> None:
        world.cluster.refusals["finalizer", "Site"] = ClusterUnavailableError("down")
        with pytest.raises(ClusterUnavailableError):
            await world.reconcile()
        assert (world.cluster.writes, world.databases.calls) == ([], [])

    async def test_what_is_no_site_to_this_release_is_told_once(self, world: Any) -> None:
        spec = world.cluster.read(SITE)["spec"]
        world.cluster.edit(SITE, spec={**spec, "scaling": {"replicas": "many"}})
        assert kinds(await world.writes_of()) == ["Site"]
        assert world.reasons()["Ready"] == "False SpecInvalid"
        assert await world.writes_of() == []


class TestPaused:
    async def test_only_the_status_is_written(self, world: Any, add_site: Any) -> None:
        add_site(spec={"paused": True})
        assert [(write.verb, write.kind) for write in await world.writes_of()] == [("status", "Site")]
        assert world.databases.calls == []
        assert world.reasons()["Paused"] == "True Paused"
        assert await world.writes_of() == []

    async def test_a_running_site_keeps_its_conditions(self, world: Any, add_site: Any) -> None:
        add_site()
        await world.settle()
        before = world.reasons()
        world.cluster.edit(SITE, spec={**world.cluster.read(SITE)["spec"], "paused": True})
        (ref,) = {ObjectRef.of(body) for body in world.cache.list("ConfigMap")}
        world.cluster.edit(ref, data={})
        assert kinds(await world.writes_of()) == ["Site"]
        after = world.reasons()
        assert after["DatabaseReady"] == before["DatabaseReady"]
        assert after["WorkloadAvailable"] == before["WorkloadAvailable"]
        assert world.databases.calls == []


@pytest.mark.usefixtures("site")
class TestPruning:
    async def test_an_installation_that_is_out_of_date_goes_before_the_new_one(self, world: Any) -> None:
        await world.reconcile()
        (old,) = world.names("Job")
        site = world.cluster.read(SITE)["spec"]
        install = {**site["source"]["preset"], "install": {"title": "Another title"}}
        world.cluster.edit(SITE, spec={**site, "source": {"preset": install}})
        await world.reconcile()
        assert world.names("Job") == []
        await world.reconcile()
        (new,) = world.names("Job")
        assert new != old

    async def test_a_finished_installation_goes_and_data_stays(self, world: Any, make_preset: Any) -> None:
        await world.settle()
        preset = make_preset().to_manifest()["spec"]
        world.cluster.edit(ObjectRef("SitePreset", "", "wordpress"), spec={**preset, "persistentPaths": []})
        await world.reconcile()
        assert len(world.names("PersistentVolumeClaim")) == 1

    async def test_an_object_with_a_copied_label_is_left_alone(self, world: Any) -> None:
        await world.settle()
        (config,) = world.cache.list("ConfigMap")
        metadata = {key: config["metadata"][key] for key in ("namespace", "labels")}
        world.cluster.add({**config, "metadata": {**metadata, "name": "copied", "uid": "other"}})
        assert await world.writes_of() == []

    async def test_nothing_undecided_is_pruned(self, world: Any) -> None:
        await world.settle()
        world.cache.remove(world.cluster.read(ObjectRef("RuntimeCatalog", "", "default")))
        world.cache.remove(world.cluster.read(ObjectRef("SitePreset", "", "wordpress")))
        assert kinds(await world.writes_of()) == ["Site"]
        assert world.names("Deployment") == ["shop"]
