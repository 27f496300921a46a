"""The two Caddy configurations that are compared: ours, and one route per host in the same settings."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frankenpanel_gateway.store import TreeStore
from frankenpanel_gateway.tree import proxy_record

GATEWAY = Path(__file__).parents[2] / "images" / "gateway"
SITE = "demo.shop"
Config = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where a gateway under test lives."""

    folder: Path
    http_port: int
    https_port: int
    local_port: int
    permission_port: int

    @property
    def routes(self) -> Path:
        return self.folder / "routes"

    @property
    def admin_socket(self) -> Path:
        return self.folder / "admin.sock"


def our_config(place: Place) -> Config:
    """Return the shipped configuration, moved to other ports and folders; the access log is off."""
    text = (GATEWAY / "gateway.json").read_text()
    for before, after in {
        "/srv/routes": str(place.routes),
        "/run/gateway": str(place.folder),
        "/etc/gateway/pages": str(GATEWAY / "pages"),
        "/data/caddy": str(place.folder / "data"),
        '":8080"': f'"127.0.0.1:{place.http_port}"',
        '":8443"': f'"127.0.0.1:{place.https_port}"',
        '":19180"': f'"127.0.0.1:{place.local_port}"',
        "127.0.0.1:19191": f"127.0.0.1:{place.permission_port}",
        '"http_port": 8080': f'"http_port": {place.http_port}',
        '"https_port": 8443': f'"https_port": {place.https_port}',
    }.items():
        text = text.replace(before, after)
    config: Config = json.loads(text)
    # What a terminal or a pipe costs would hide what is compared.
    config["logging"]["logs"]["access"]["writer"] = {"output": "discard"}
    return config


def route_per_host_config(place: Place, hosts: Iterable[str], upstream: str) -> Config:
    """Return the same edge with the usual layout: every host a route of its own, constant upstream."""
    config = our_config(place)
    edge = config["apps"]["http"]["servers"]["edge"]
    handlers = edge["routes"][1]["handle"][0]["routes"][0]["handle"]
    text = json.dumps(handlers)
    text = text.replace("{http.regexp.record.1}", SITE).replace("{http.regexp.record.2}", upstream)
    not_found = edge["routes"][-1]
    edge["routes"] = [
        {"match": [{"host": [host]}], "handle": json.loads(text), "terminal": True} for host in hosts
    ]
    edge["routes"].append(copy.deepcopy(not_found))
    return config


def write_tree(place: Place, hosts: Iterable[str], upstream: str) -> TreeStore:
    """Write our routing tree and return the store that can change it."""
    store = TreeStore(place.routes)
    store.open()
    record = proxy_record(SITE, upstream)
    store.replace_all(dict.fromkeys(hosts, record))
    return store
