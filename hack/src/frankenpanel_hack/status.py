"""`status`: what runs, where, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.table import Table

from frankenpanel_hack import demo, release
from frankenpanel_hack.choice import Way
from frankenpanel_hack.host.node import supervisor_runs
from frankenpanel_hack.images.commands import CommandFailedError
from frankenpanel_hack.session import Session


def summary(session: Session) -> list[str]:
    """Return the lines above the tables."""
    lines = [f"Cluster     {session.way.value}", f"kubeconfig  {session.kubeconfig}"]
    if session.way is Way.HOST:
        lines.append(f"Processes   {'running' if supervisor_runs() else 'not running: `make up`'}")
    if session.way is not Way.GIVEN:
        wrong = demo.wrong_answer(session.ports.http, demo.HOST)
        lines.append(f"URL         {session.ports.url(demo.HOST)}  {wrong or 'answers 200'}")
    return lines


def tables(session: Session) -> list[Table]:
    """Return a table of nodes, one of the platform's pods and one of the sites.

    Raises:
        CommandFailedError: when the cluster does not answer.
    """
    kubectl = session.kubectl
    nodes = kubectl.json("get", "nodes", "--request-timeout=5s")["items"]
    pods = kubectl.json("get", "pods", f"--namespace={release.NAMESPACE}")["items"]
    return [
        _table("Nodes", ("name", "ready", "version"), (node_row(node) for node in nodes)),
        _table(
            f"Pods of {release.NAMESPACE}",
            ("name", "phase", "ready", "restarts"),
            (pod_row(pod) for pod in pods),
        ),
        _table(
            "Sites",
            ("namespace", "name", "ready", "url", "why not"),
            (site_row(site) for site in _sites(session)),
        ),
    ]


def _sites(session: Session) -> list[dict[str, Any]]:
    try:
        items: list[dict[str, Any]] = session.kubectl.json("get", "sites", "--all-namespaces")["items"]
    except CommandFailedError:
        # The definitions are not installed yet.
        return []
    return items


def node_row(node: dict[str, Any]) -> tuple[str, ...]:
    """Return the cells of one node."""
    ready = next(
        (c["status"] for c in node["status"].get("conditions", ()) if c["type"] == "Ready"), "Unknown"
    )
    return node["metadata"]["name"], ready, node["status"]["nodeInfo"]["kubeletVersion"]


def pod_row(pod: dict[str, Any]) -> tuple[str, ...]:
    """Return the cells of one pod."""
    containers = pod["status"].get("containerStatuses", [])
    ready = sum(container["ready"] for container in containers)
    restarts = sum(container["restartCount"] for container in containers)
    return (
        pod["metadata"]["name"],
        pod["status"]["phase"],
        f"{ready}/{len(pod['spec']['containers'])}",
        str(restarts),
    )


def site_row(site: dict[str, Any]) -> tuple[str, ...]:
    """Return the cells of one site."""
    reason = demo.not_ready_reason(site)
    url = (site.get("status") or {}).get("url", "")
    name = site["metadata"]
    return name["namespace"], name["name"], "False" if reason else "True", url, reason or ""


def _table(title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Table:
    table = Table(title=title, title_justify="left", box=None)
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*row)
    return table
