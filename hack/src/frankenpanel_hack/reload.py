"""`reload`: put edited programs into the running cluster, and nothing else."""

from __future__ import annotations

from frankenpanel_hack import release
from frankenpanel_hack.choice import Way
from frankenpanel_hack.errors import UserError
from frankenpanel_hack.host.containerd import Containerd
from frankenpanel_hack.host.node_images import load_image
from frankenpanel_hack.host.places import HostPlaces
from frankenpanel_hack.images.catalogue import build_images
from frankenpanel_hack.images.commands import OnOutput
from frankenpanel_hack.session import Session
from frankenpanel_hack.steps import Step
from frankenpanel_hack.up import chart_values, kind_cluster

RELOADED = ("operator", "gateway", "dashboard-api")


def reload_steps(session: Session) -> list[Step]:
    """Return the steps of `reload`.

    Raises:
        UserError: when there is no cluster of ours.
    """
    if session.way is Way.GIVEN:
        raise UserError(
            "`make reload` changes only a cluster that `make up` made, and KUBECONFIG names another."
        )
    session.require_cluster()
    # Before anything is built, so that it takes the running images of those that are not rebuilt.
    values = chart_values(session)
    return [
        Step(
            "reload-images",
            f"Images {', '.join(RELOADED)}",
            lambda say: _build(session, say),
            is_done=lambda: _is_built(session),
        ),
        Step("reload-load", "Images into the cluster", lambda say: _load(session, say), ("reload-images",)),
        Step(
            "reload-platform",
            "Rollout",
            lambda say: release.install(session.helm, session.kubectl, session.layout, values, say),
            ("reload-load",),
            is_done=lambda: release.is_installed(session.helm, session.kubectl, session.layout, values),
        ),
    ]


def _wanted(session: Session) -> dict[str, str]:
    return {name: session.references[name] for name in RELOADED if name in session.references}


def _is_built(session: Session) -> bool:
    return all(session.engine.exists(reference) for reference in _wanted(session).values())


def _build(session: Session, say: OnOutput) -> None:
    build_images(
        _wanted(session), session.engine, session.layout.repository, lambda name, line: say(f"{name}: {line}")
    )


def _load(session: Session, say: OnOutput) -> None:
    if session.way is Way.KIND:
        kind_cluster(session).load(_wanted(session), say)
        return
    containerd = Containerd(HostPlaces(session.layout))
    present = containerd.image_names()
    for reference in _wanted(session).values():
        if reference not in present:
            load_image(reference, session.engine, containerd, session.layout.build_dir / "tmp", say)
