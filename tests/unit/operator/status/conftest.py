"""A Site in any stage of its life, observed as a cluster shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from frankenpanel_crds.conditions import Condition, find_condition
from frankenpanel_crds.site import Site
from frankenpanel_crds.site_status import SiteStatus
from frankenpanel_operator.desired.resolution import Resolution
from frankenpanel_operator.desired.site import desired_site
from frankenpanel_operator.observed import ObjectRef, ObservedSite, OwnedKind
from frankenpanel_operator.status.facts import Progress
from frankenpanel_operator.status.site import site_status


@dataclass
class Life:
    """One Site with what is observed of it; each method moves it on, `status` says what is reported."""

    site: Site
    resolution: Resolution
    now: datetime
    objects: dict[ObjectRef, dict[str, Any]] = field(default_factory=dict)
    pods: list[dict[str, Any]] = field(default_factory=list)
    progress: dict[str, Any] = field(default_factory=lambda: {"is_database_ready": True})

    def observe(self, kind: OwnedKind, status: dict[str, Any], **parts: Any) -> Life:
        """Let the cluster have the desired objects of a kind, with this status."""
        for manifest in desired_site(self.site, self.resolution.inputs).all(kind):
            self.objects[ObjectRef.of(manifest)] = {**manifest, **parts, "status": status}
        return self

    def bound(self) -> Life:
        return self.observe(
            OwnedKind.PERSISTENT_VOLUME_CLAIM, {"phase": "Bound", "capacity": {"storage": "1Gi"}}
        )

    def installed(self) -> Life:
        return self.observe(OwnedKind.JOB, {"conditions": [{"type": "Complete", "status": "True"}]})

    def deployed(self, *, ready: int = 1, **status: Any) -> Life:
        counts = {"replicas": 1, "updatedReplicas": 1, "readyReplicas": ready, "availableReplicas": ready}
        return self.observe(OwnedKind.DEPLOYMENT, {"observedGeneration": 1, **counts, **status})

    def pod(self, component: str = "web", **status: Any) -> Life:
        metadata = {"name": "pod", "labels": {"app.kubernetes.io/component": component}}
        self.pods.append({"kind": "Pod", "metadata": metadata, "status": status})
        return self

    def running(self) -> Life:
        return self.bound().installed().deployed().pod()

    def tried(self, **progress: Any) -> Life:
        self.progress = progress
        return self

    @property
    def status(self) -> SiteStatus:
        observed = ObservedSite(objects=self.objects, pods=tuple(self.pods))
        return site_status(self.site, self.resolution, observed, Progress(**self.progress), now=self.now)

    def condition(self, type_: str) -> Condition | None:
        return find_condition(self.status.conditions, type_)

    def says(self, type_: str) -> tuple[str, str]:
        """Return status and reason of a condition."""
        found = self.condition(type_)
        assert found is not None, f"no condition {type_}"
        return found.status.value, found.reason

    def message(self, type_: str = "Ready") -> str:
        found = self.condition(type_)
        assert found is not None, f"no condition {type_}"
        return found.message


@pytest.fixture
def life(
    make_site: Callable[..., Site], resolved: Callable[..., Resolution], now: datetime
) -> Callable[..., Life]:
    """Return a function that starts a Site's life: changes of the Site, then of its surroundings."""

    def start(
        spec: dict[str, Any] | None = None, *, status: dict[str, Any] | None = None, **references: Any
    ) -> Life:
        site = make_site(spec or {}, status=status or {})
        return Life(site, resolved(site, **references), now)

    return start
