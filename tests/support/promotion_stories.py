"""What happens when a Site gets another address, and after which steps of it the operator dies."""

from __future__ import annotations

from failpoint_stage import Scene
from failpoint_story import Story, kills_at
from frankenpanel_operator.failpoints import Failpoint


class Promotion(Story):
    """Another Domain becomes the Primary, and has stored addresses rewritten."""

    kills = kills_at(
        Failpoint.SITE_STATUS_WRITTEN,
        *((Failpoint.REWRITE_JOB_CREATED, nth) for nth in (1, 2)),
        Failpoint.DOMAIN_STATUS_WRITTEN,
    )
    mode = "Always"
    end = "Rewritten"

    def prepare(self, scene: Scene) -> None:
        scene.create_site()
        scene.installation.create_domain("shop")
        scene.settle(scene.serves, "the Site serves")
        on_promote = {"rewriteContent": self.mode}
        scene.installation.create_domain("shop", "new", label="new", role="Alias", onPromote=on_promote)
        ready = ("new", "Ready", "domains")
        scene.settle(lambda: scene.installation.condition(*ready) == "True Ready", "the new one is ready")

    def act(self, scene: Scene) -> None:
        scene.installation.edit("domains", "shop", {"role": "Alias"})
        scene.installation.edit("domains", "new", {"role": "Primary"})

    def is_over(self, scene: Scene) -> bool:
        return scene.installation.rewrite_phase("new") == self.end


class ChangeOfMind(Promotion):
    """Stored addresses were counted, and are to be left alone after all."""

    kills = kills_at(Failpoint.REWRITE_JOB_DELETED)
    mode = "Ask"

    def prepare(self, scene: Scene) -> None:
        super().prepare(scene)
        super().act(scene)
        scene.settle(lambda: scene.installation.rewrite_phase("new") == "Counted", "they are counted")

    def act(self, scene: Scene) -> None:
        scene.installation.edit("domains", "new", {"onPromote": {"rewriteContent": "Never"}})

    def is_over(self, scene: Scene) -> bool:
        jobs = [item for item in scene.installation.children("shop") if item["kind"] == "Job"]
        names = [item["metadata"]["name"] for item in jobs]
        return scene.installation.rewrite_phase("new") == "" and not any("rewrite" in name for name in names)


PROMOTION_STORIES: tuple[Story, ...] = (Promotion(), ChangeOfMind())
