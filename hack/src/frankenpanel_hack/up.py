"""`up`: what to do, in which order, for each kind of cluster."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from frankenpanel_hack import demo, release
from frankenpanel_hack.choice import Way
from frankenpanel_hack.errors import UserError
from frankenpanel_hack.go_programs import CLIENT_PACKAGES, KIND_PACKAGES, go_build, require_go
from frankenpanel_hack.host import packages, removal
from frankenpanel_hack.host.places import HostPlaces
from frankenpanel_hack.host.plan import HostCluster, announcement, host_steps
from frankenpanel_hack.host.preflight import is_port_taken, owner_of_cluster, refuse_foreign_cluster
from frankenpanel_hack.host.state import read_state
from frankenpanel_hack.images.catalogue import build_images
from frankenpanel_hack.images.commands import OnOutput
from frankenpanel_hack.kind_cluster import KindCluster, kind_program
from frankenpanel_hack.layout import Layout
from frankenpanel_hack.ports import LISTEN_ADDRESS, PublicPorts
from frankenpanel_hack.session import Session
from frankenpanel_hack.steps import Step

# Images that are only a foundation have no value in the chart.
_NOT_IN_CHART = frozenset({"base"})


def plan(session: Session) -> list[Step]:
    """Return every step of `up`."""
    if session.way is Way.HOST:
        return [*host_steps(_host_cluster(session)), *_platform_steps(session, ("addons", "load-images"))]
    if session.way is Way.KIND:
        return [
            *_kind_steps(session),
            *_platform_steps(session, ("cluster", "client-programs", "load-images")),
        ]
    return [*_client_steps(session), *_platform_steps(session, ("client-programs",))]


def _host_cluster(session: Session) -> HostCluster:
    return HostCluster(session.layout, session.engine, session.references)


def _client_steps(session: Session) -> list[Step]:
    wanted = {package: name for package, name in CLIENT_PACKAGES.items() if session.lacks_program(name)}
    build = go_build(session.layout, "node", wanted)
    return [Step("client-programs", "kubectl, helm", build.run, is_done=build.is_done, compiles=True)]


def _kind_steps(session: Session) -> list[Step]:
    wanted = KIND_PACKAGES if session.lacks_program("kind") else {}
    build = go_build(session.layout, "kind", wanted)
    cluster = kind_cluster(session)

    def build_all(on_output: OnOutput) -> None:
        repository = session.layout.repository
        build_images(
            session.references, session.engine, repository, lambda name, line: on_output(f"{name}: {line}")
        )

    return [
        *_client_steps(session),
        Step("kind-program", "kind", build.run, is_done=build.is_done, compiles=True),
        Step("cluster", "Cluster", cluster.create, ("kind-program",)),
        Step("images", "Images", build_all),
        Step(
            "load-images",
            "Images into the cluster",
            lambda say: cluster.load(session.references, say),
            ("cluster", "images"),
        ),
    ]


def kind_cluster(session: Session) -> KindCluster:
    """Return the kind cluster of this build folder."""
    program = "kind" if not session.lacks_program("kind") else str(kind_program(session.layout))
    return KindCluster(program, session.layout, session.ports)


def _platform_steps(session: Session, after: tuple[str, ...]) -> list[Step]:
    values = chart_values(session)
    steps = [
        Step(
            "platform",
            "FrankenPanel: operator, gateway, database",
            lambda say: release.install(session.helm, session.kubectl, session.layout, values, say),
            after,
            is_done=lambda: release.is_installed(session.helm, session.kubectl, session.layout, values),
        ),
        Step(
            "demo",
            f"Site {demo.NAMESPACE}/{demo.SITE} Ready",
            lambda say: demo.apply_demo(session.kubectl, session.layout.repository, say),
            ("platform",),
        ),
    ]
    if session.way is not Way.GIVEN:
        url = session.ports.url(demo.HOST)
        steps.append(
            Step("page", f"{url} answers", lambda say: demo.check_page(session.ports, say), ("demo",))
        )
    return steps


def chart_values(session: Session) -> dict[str, Any]:
    """Return the values for the chart; a given cluster pulls released images and has its own ways in."""
    if session.way is Way.GIVEN:
        return {}
    known = frozenset(session.references) - _NOT_IN_CHART
    ports = release.host_port_values if session.way is Way.HOST else release.kind_port_values
    return {
        **release.image_values(session.references, known),
        **ports(session.ports),
        **release.local_domain_values(),
    }


def prepare(session: Session, *, replace: bool, say: OnOutput) -> list[str]:
    """Look for what is in the way, and return what will be changed on this host.

    Args:
        session: this run.
        replace: remove the cluster of another build folder that is on this host.
        say: given what is done meanwhile.

    Raises:
        UserError: for what is in the way, with the cure.
    """
    if session.way is Way.GIVEN:
        return [f"Nothing: FrankenPanel is installed into the cluster of {session.kubeconfig_variable}"]
    if session.way is Way.KIND:
        if session.lacks_program("kind") or not kind_cluster(session).exists():
            refuse_taken_ports(session.ports)
        return [
            "One Docker container, frankenpanel-control-plane, and its images",
            f"Files: {session.layout.build_dir}",
        ]
    if replace:
        _remove_other_cluster(session, say)
    cluster = _host_cluster(session)
    state = read_state(cluster.places.state_file)
    refuse_foreign_cluster(session.layout.build_dir, state)
    require_go()
    # Host ports of pods are rules and not listeners, so whoever listens is somebody else.
    refuse_taken_ports(session.ports)
    missing = packages.missing_packages(packages.is_installed)
    return announcement(cluster, missing, state)


def _remove_other_cluster(session: Session, say: OnOutput) -> None:
    owner = owner_of_cluster()
    if owner is not None and owner != session.layout.build_dir:
        say(f"removing the cluster of {owner}")
        removal.remove_cluster(HostPlaces(Layout(session.layout.repository, owner)), say)


def refuse_taken_ports(ports: PublicPorts) -> None:
    """Refuse to take a port from another program.

    Raises:
        UserError: with the variable that names another port.
    """
    for port, variable in ports.named():
        if is_port_taken(LISTEN_ADDRESS, port):
            raise UserError(
                f"Another program on this host listens on {LISTEN_ADDRESS}:{port}. "
                f"Stop it, or choose another port: `{variable}={port + 8000} make up`."
            )


def environment_replaces(environment: Mapping[str, str]) -> bool:
    """Tell whether another build folder's cluster may be removed: asked for, or on a CI machine."""
    return bool(environment.get("REPLACE") or environment.get("CI"))


def final_words(session: Session) -> list[str]:
    """Return what to know and to try when everything runs; the password itself is never printed."""
    kubeconfig, url = session.kubeconfig, session.ports.url(demo.HOST)
    secret = f"--namespace {demo.NAMESPACE} get secret {demo.ADMIN_SECRET}"
    password = f"kubectl {secret} --output=go-template='{{{{.data.password | base64decode}}}}'"
    here = os.path.relpath(session.layout.bin_dir)
    return [
        f"Site        {demo.NAMESPACE}/{demo.SITE} is Ready",
        f"URL         {url}  (sign in: {url}wp-login.php, user admin)",
        f"kubeconfig  export KUBECONFIG={kubeconfig} PATH={here}:$PATH",
        f"password    {password}",
        "",
        "Next:",
        "  kubectl get sites,domains --all-namespaces",
        "  kubectl explain site.spec --recursive",
        "  kubectl apply --filename=examples/second-site.yaml",
    ]
