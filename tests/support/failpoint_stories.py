"""What happens to a tenant, and after which steps of the operator it dies in the middle of it.

Every story has an end that does not depend on whether anybody died: what a `Scene` looks like then.
"""

from __future__ import annotations

from certificate_stories import CERTIFICATE_STORIES
from failpoint_stage import Scene
from failpoint_story import Story, kills_at
from frankenpanel_operator.failpoints import Failpoint
from killable_operator import Kill
from promotion_stories import PROMOTION_STORIES


class Creation(Story):
    """A Site and its Domain come into being."""

    kills = kills_at(
        Failpoint.SITE_FINALIZER_ADDED,
        Failpoint.DATABASE_STEP_TAKEN,
        Failpoint.DATABASE_ENSURED,
        Failpoint.SERVICE_ACCOUNT_APPLIED,
        Failpoint.NETWORK_POLICY_APPLIED,
        Failpoint.VOLUME_CLAIM_APPLIED,
        *((Failpoint.SECRET_CREATED, nth) for nth in (1, 2, 3)),
        Failpoint.CONFIG_MAP_APPLIED,
        Failpoint.SERVICE_APPLIED,
        Failpoint.JOB_APPLIED,
        Failpoint.DEPLOYMENT_APPLIED,
        *((Failpoint.SITE_STATUS_WRITTEN, nth) for nth in (1, 2)),
        Failpoint.DOMAIN_FINALIZER_ADDED,
        Failpoint.CLAIM_CREATED,
        Failpoint.DOMAIN_STATUS_WRITTEN,
    )

    def act(self, scene: Scene) -> None:
        scene.create_site()
        scene.installation.create_domain("shop")

    def is_over(self, scene: Scene) -> bool:
        return scene.serves()


class FirstCreation(Creation):
    """The first Site on its database server."""

    kills = kills_at(Failpoint.OWNERSHIP_TABLE_CREATED)

    def prepare(self, scene: Scene) -> None:
        scene.installation.database.clear()


class SecondAttempt(Creation):
    """An operator has died over a new Site before, with all Secrets written and no proof of it."""

    kills = kills_at(
        Failpoint.DATABASE_ENSURED,
        *((point, nth) for point in (Failpoint.SECRET_FOUND, Failpoint.SECRET_OVERWRITTEN) for nth in (1, 2)),
        Failpoint.JOB_APPLIED,
    )
    while_down = True

    def prepare(self, scene: Scene) -> None:
        operator = scene.operator
        operator.wait_until(operator.is_idle, "it reconciles")
        operator.arm(Kill(Failpoint.SECRET_CREATED, 3))
        super().act(scene)
        operator.wait_until_dead()

    def act(self, scene: Scene) -> None:
        """Nobody needs to do anything."""


class Update(Story):
    """A running Site gets other settings, in everything that depends on them."""

    kills = kills_at(
        Failpoint.DATABASE_STEP_TAKEN,
        Failpoint.DATABASE_ENSURED,
        Failpoint.VOLUME_CLAIM_APPLIED,
        Failpoint.SECRET_OVERWRITTEN,
        Failpoint.CONFIG_MAP_APPLIED,
        Failpoint.DEPLOYMENT_APPLIED,
        Failpoint.SITE_STATUS_WRITTEN,
    )

    def prepare(self, scene: Scene) -> None:
        scene.create_site()
        scene.installation.create_domain("shop")
        scene.settle(scene.serves, "the Site serves")

    def act(self, scene: Scene) -> None:
        spec = {
            "source": {"preset": {"install": {"adminUser": "somebody-else"}}},
            "runtime": {"ini": {"memory_limit": "200M"}},
            "storage": [{"name": "more", "mountPath": "more", "size": "1Gi"}],
            "database": {"maxConnections": 7},
            "env": [{"name": "COLOUR", "value": "blue"}],
        }
        scene.installation.edit("sites", "shop", spec)

    def is_over(self, scene: Scene) -> bool:
        body = scene.installation.site("shop")
        observed = body.get("status", {}).get("observedGeneration")
        return observed == body["metadata"]["generation"] and scene.serves()


class UpdateWhileDown(Update):
    """The same, seen by an operator that starts after it."""

    kills = kills_at(
        Failpoint.SECRET_FOUND,
        Failpoint.SECRET_OVERWRITTEN,
        Failpoint.CONFIG_MAP_APPLIED,
        Failpoint.DEPLOYMENT_APPLIED,
    )
    while_down = True


class OtherInstallation(Story):
    """A Site is set up otherwise than was said at first, before it is set up."""

    kills = kills_at(Failpoint.OBJECT_PRUNED, Failpoint.JOB_APPLIED)

    def prepare(self, scene: Scene) -> None:
        scene.controllers.may_work.clear()
        scene.create_site()
        scene.settle(lambda: self._job(scene), "the Job waits for its controller")

    def act(self, scene: Scene) -> None:
        old, operator = self._job(scene), scene.operator
        spec = {"source": {"preset": {"install": {"title": "Another shop"}}}}
        scene.installation.edit("sites", "shop", spec)
        operator.wait_until(
            lambda: not operator.is_alive() or self._job(scene) not in ("", old), "another Job, or death"
        )

    def go_on(self, scene: Scene) -> None:
        scene.controllers.may_work.set()

    def is_over(self, scene: Scene) -> bool:
        return scene.installation.condition("shop", "Ready") == "True Ready"

    @staticmethod
    def _job(scene: Scene) -> str:
        job = scene.installation.child("Job", "shop")
        return str(job["metadata"]["name"]) if job is not None else ""


class Deletion(Story):
    """A Site goes with its data and its Domain."""

    kills = kills_at(
        Failpoint.DATABASE_STEP_TAKEN,
        Failpoint.DATABASE_DROPPED,
        Failpoint.VOLUME_CLAIM_DELETED,
        Failpoint.DATABASE_SECRET_DELETED,
        Failpoint.SITE_FINALIZER_RELEASED,
        Failpoint.CLAIM_DELETED,
        Failpoint.DOMAIN_FINALIZER_RELEASED,
    )
    data = "Delete"

    def prepare(self, scene: Scene) -> None:
        scene.create_site(deletion={"data": self.data})
        scene.installation.create_domain("shop")
        scene.settle(scene.serves, "the Site serves")

    def act(self, scene: Scene) -> None:
        for plural in ("domains", "sites"):
            scene.installation.delete(plural, "shop")

    def is_over(self, scene: Scene) -> bool:
        return all(scene.installation.is_gone("shop", plural) for plural in ("sites", "domains"))


class Retention(Deletion):
    """A Site goes, and its data is kept."""

    kills = kills_at(
        Failpoint.DATABASE_STEP_TAKEN,
        Failpoint.DATABASE_RETAINED,
        Failpoint.VOLUME_CLAIM_RETAINED,
        Failpoint.DATABASE_SECRET_RETAINED,
        Failpoint.EVENT_POSTED,
        Failpoint.SITE_FINALIZER_RELEASED,
    )
    data = "Retain"


class DeletionWhileDown(Deletion):
    """An operator has died over a new Site, before it could say that there is a database."""

    kills = kills_at(Failpoint.DATABASE_DROPPED, Failpoint.SITE_FINALIZER_RELEASED)
    while_down = True

    def prepare(self, scene: Scene) -> None:
        operator = scene.operator
        operator.wait_until(operator.is_idle, "it reconciles")
        operator.arm(Kill(Failpoint.DATABASE_ENSURED))
        scene.create_site(deletion={"data": self.data})
        operator.wait_until_dead()

    def act(self, scene: Scene) -> None:
        scene.installation.delete("sites", "shop")


class BlockedDeletion(Deletion):
    """A Site goes while its database server is away."""

    kills = kills_at(Failpoint.BLOCKED_STATUS_WRITTEN)

    def act(self, scene: Scene) -> None:
        process, operator = scene.installation.database.process, scene.operator
        assert process is not None
        process.kill()
        scene.installation.delete("sites", "shop")
        operator.wait_until(
            lambda: (
                not operator.is_alive() or scene.installation.condition("shop", "Ready") == "False Deleting"
            ),
            "it says that it waits, or dies",
        )

    def go_on(self, scene: Scene) -> None:
        process = scene.installation.database.process
        assert process is not None
        process.start()
        scene.installation.delete("domains", "shop")


class Adoption(Story):
    """A new Site takes up the data that another one has left."""

    kills = kills_at(
        *((Failpoint.DATABASE_STEP_TAKEN, nth) for nth in (1, 2)),
        Failpoint.VOLUME_CLAIM_APPLIED,
        Failpoint.SECRET_CREATED,
        Failpoint.DEPLOYMENT_APPLIED,
    )

    def prepare(self, scene: Scene) -> None:
        installation = scene.installation
        scene.create_site(deletion={"data": "Retain"})
        scene.settle(lambda: installation.condition("shop", "Ready") == "True Ready", "the Site runs")
        installation.delete("sites", "shop")
        scene.settle(lambda: installation.is_gone("shop"), "the Site is gone")

    def act(self, scene: Scene) -> None:
        scene.create_site("heir", bootstrapFrom={"retained": {"uid": scene.uids["shop"]}})

    def is_over(self, scene: Scene) -> bool:
        return scene.installation.condition("heir", "Ready") == "True Ready"


class Move(Story):
    """A Domain moves to another Site."""

    kills = kills_at(Failpoint.CLAIM_PATCHED, Failpoint.DOMAIN_STATUS_WRITTEN, Failpoint.SITE_STATUS_WRITTEN)

    def prepare(self, scene: Scene) -> None:
        for name in ("shop", "other"):
            scene.create_site(name)
            scene.installation.create_domain(name)
        scene.settle(lambda: scene.serves("shop") and scene.serves("other"), "both Sites serve")

    def act(self, scene: Scene) -> None:
        scene.installation.edit("domains", "shop", {"siteRef": {"name": "other"}, "role": "Alias"})

    def is_over(self, scene: Scene) -> bool:
        routed = [scene.installation.condition(name, "RouteReady") for name in ("shop", "other")]
        return routed == ["False NoDomain", "True Routed"]


class Inheritance(Story):
    """A Domain was torn out while no operator ran, and another one waits for its host."""

    kills = kills_at(Failpoint.CLAIM_PATCHED, Failpoint.DOMAIN_STATUS_WRITTEN)
    while_down = True

    def prepare(self, scene: Scene) -> None:
        scene.create_site()
        scene.installation.create_domain("shop", "first")
        scene.settle(lambda: self._ready(scene, "first") == "True Ready", "the first has the host")
        scene.installation.create_domain("shop", "second")
        scene.settle(lambda: self._ready(scene, "second").startswith("False"), "the second has it not")

    def act(self, scene: Scene) -> None:
        scene.installation.tear_out("domains", "first")

    def is_over(self, scene: Scene) -> bool:
        return self._ready(scene, "second") == "True Ready"

    @staticmethod
    def _ready(scene: Scene, domain: str) -> str:
        return scene.installation.condition(domain, "Ready", "domains")


class Usurpation(Story):
    """Another namespace's Domain reserved the host, showed nothing, and was torn out."""

    kills = kills_at(Failpoint.RIVAL_CLAIM_DELETED, Failpoint.CLAIM_CREATED)

    def prepare(self, scene: Scene) -> None:
        scene.create_site()
        scene.settle(lambda: scene.installation.condition("shop", "Ready") == "True Ready", "the Site runs")
        scene.installation.leave_claim("shop", "nobody-knows-them")

    def act(self, scene: Scene) -> None:
        scene.installation.create_domain("shop")

    def is_over(self, scene: Scene) -> bool:
        return scene.serves()


class Pair(Story):
    """A Domain gets another one for the form of its host with www."""

    kills = kills_at(Failpoint.WWW_DOMAIN_APPLIED, Failpoint.DOMAIN_FINALIZER_ADDED, Failpoint.CLAIM_CREATED)

    def prepare(self, scene: Scene) -> None:
        scene.create_site()
        scene.installation.create_domain("shop")
        scene.settle(scene.serves, "the Site serves")

    def act(self, scene: Scene) -> None:
        scene.installation.edit("domains", "shop", {"www": "Redirect"})

    def is_over(self, scene: Scene) -> bool:
        installation = scene.installation
        is_there = not installation.is_gone("shop-www", "domains")
        return is_there and installation.condition("shop-www", "Ready", "domains") == "True Ready"


class Parting(Pair):
    """And loses it again."""

    kills = kills_at(Failpoint.WWW_DOMAIN_DELETED, Failpoint.CLAIM_DELETED)

    def prepare(self, scene: Scene) -> None:
        super().prepare(scene)
        super().act(scene)
        scene.settle(lambda: super(Parting, self).is_over(scene), "the other form is there")

    def act(self, scene: Scene) -> None:
        scene.installation.edit("domains", "shop", {"www": "Ignore"})

    def is_over(self, scene: Scene) -> bool:
        return scene.installation.is_gone("shop-www", "domains")


STORIES: tuple[Story, ...] = (
    FirstCreation(),
    Creation(),
    SecondAttempt(),
    Update(),
    UpdateWhileDown(),
    OtherInstallation(),
    Deletion(),
    Retention(),
    DeletionWhileDown(),
    BlockedDeletion(),
    Adoption(),
    Move(),
    Inheritance(),
    Usurpation(),
    Pair(),
    Parting(),
    *CERTIFICATE_STORIES,
    *PROMOTION_STORIES,
)
