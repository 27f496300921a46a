"""What each contender is configured with; pure but for reading the shipped configuration.

All Caddy layouts but the bare one are the shipped configuration with other routes: the same limits, header
rules, log and metrics. `SLOT` stands in a layout where the hosts come that change, so that a push costs no
new rendering of all others.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frankenpanel_gateway.store import TreeStore
from frankenpanel_gateway.tree import proxy_record

from edge.population import SITE

GATEWAY = Path(__file__).parents[2] / "images" / "gateway"
SLOT = "@changing-hosts@"
# Above a hundred hosts Caddy's matcher searches binarily.
BUCKET_MIN_HOSTS = 128
NGINX_GROUP = "site"
Config = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where a gateway under test lives."""

    folder: Path
    http_port: int
    https_port: int
    local_port: int
    permission_port: int
    probes_port: int

    @property
    def routes(self) -> Path:
        return self.folder / "routes"

    @property
    def admin_socket(self) -> Path:
        return self.folder / "admin.sock"


def shipped_config(place: Place) -> Config:
    """Return the shipped configuration, moved to other ports and folders.

    The access log is made and thrown away: what a terminal or a pipe costs would hide what is compared.

    Raises:
        ValueError: the shipped configuration no longer has what is to be moved.
    """
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
        '"alternate_port": 8080': f'"alternate_port": {place.http_port}',
        '"http_port": 8080': f'"http_port": {place.http_port}',
        '"https_port": 8443': f'"https_port": {place.https_port}',
    }.items():
        if before not in text:
            raise ValueError(f"gateway.json no longer has {before}")
        text = text.replace(before, after)
    config: Config = json.loads(text)
    config["logging"]["logs"]["access"]["writer"] = {"output": "discard"}
    return config


def write_tree(place: Place, hosts: Iterable[str], upstream: str) -> None:
    """Write the tree of ours, as the agent would."""
    store = TreeStore(place.routes)
    store.open()
    store.replace_all(dict.fromkeys(hosts, proxy_record(SITE, upstream)))


def bare_config(place: Place, upstream: str) -> Config:
    """Return a reverse proxy with one upstream and nothing else: no limits, no log, no metrics."""
    server = {
        "listen": [f"127.0.0.1:{place.http_port}"],
        "automatic_https": {"disable": True},
        "routes": [{"handle": [_proxy_to(upstream)]}],
    }
    admin = {"listen": f"unix/{place.admin_socket}", "config": {"persist": False}}
    return {"admin": admin, "apps": {"http": {"servers": {"edge": server}}}}


def constant_config(place: Place, upstream: str) -> Config:
    """Return the shipped configuration with one upstream for all: everything but the lookup."""
    config = shipped_config(place)
    _edge(config)["routes"] = [{"handle": handlers_for(config, upstream), "terminal": True}]
    return config


def route_per_host_text(place: Place, hosts: Iterable[str], upstream: str) -> str:
    """Return the usual layout: the shared handlers, then a route with a proxy of its own for every host."""
    config = shipped_config(place)
    before, not_found = handlers_for(config, upstream)[:-1], _edge(config)["routes"][-1]
    routes = [host_route(host, upstream) for host in hosts]
    _edge(config)["routes"] = [{"handle": before}, *routes, SLOT, not_found]
    return json.dumps(config)


def host_route(host: str, upstream: str) -> Config:
    return {"match": [{"host": [host]}], "handle": [_proxy_to(upstream)], "terminal": True}


def bucketed_map_text(place: Place, hosts: Iterable[str], upstream: str) -> str:
    """Return about as many routes as each has hosts, a small map in each, and one proxy for all."""
    config = shipped_config(place)
    handlers, not_found = handlers_for(config, "{upstream}"), _edge(config)["routes"][-1]
    known = {"match": [{"vars": {"is_known": ["1"]}}], "handle": handlers, "terminal": True}
    filled = [bucket_route(dict.fromkeys(names, upstream)) for names in buckets(sorted(hosts))]
    _edge(config)["routes"] = [*filled, SLOT, known, not_found]
    return json.dumps(config)


def bucket_route(upstreams: Mapping[str, str]) -> Config:
    mappings = [{"input": host, "outputs": [upstream]} for host, upstream in upstreams.items()]
    lookup = {
        "handler": "map",
        "source": "{http.request.host}",
        "destinations": ["{upstream}"],
        "mappings": mappings,
    }
    known = {"handler": "vars", "is_known": "1"}
    return {"match": [{"host": list(upstreams)}], "handle": [lookup, known], "group": "bucket"}


def buckets(hosts: Sequence[str]) -> list[Sequence[str]]:
    """Cut hosts into about the square root of their number of parts."""
    size = max(BUCKET_MIN_HOSTS, math.isqrt(len(hosts)))
    return [hosts[start : start + size] for start in range(0, len(hosts), size)]


def nginx_text(place: Place, hosts: Sequence[str], upstream: str, user: str) -> str:
    """Return the usual layout of nginx: one server block per host."""
    folder = place.folder
    folders = "\n".join(
        f"  {name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    blocks = "\n".join(server_block(place, host, NGINX_GROUP) for host in hosts)
    return f"""{user}
worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn;
worker_rlimit_nofile 8192;
events {{ worker_connections 2048; }}
http {{
{folders}
  access_log /dev/null combined;
  server_names_hash_max_size {max(1024, 4 * len(hosts))};
  server_names_hash_bucket_size 1024;
  keepalive_requests 100000000;
  client_max_body_size 512m;
  upstream {NGINX_GROUP} {{ server {upstream}; keepalive 32; keepalive_requests 100000000; }}
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $host;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto $scheme;
  server {{ listen 127.0.0.1:{place.http_port} default_server; return 404; }}
{blocks}
{SLOT}
}}
"""


def server_block(place: Place, host: str, target: str) -> str:
    """Return the block of one host; the target is an address, or the group that keeps connections."""
    listen = f"listen 127.0.0.1:{place.http_port};"
    return f"  server {{ {listen} server_name {host}; location / {{ proxy_pass http://{target}; }} }}"


def responder_text(ports: Sequence[int], bodies: Sequence[str], folder: Path, user: str) -> str:
    """Return nginx as a site: one port for each body, answered from its configuration."""
    quoted = [json.dumps(body) for body in bodies]
    servers = "\n".join(
        f"  server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 {body}; }} }}"
        for port, body in zip(ports, quoted, strict=True)
    )
    return f"""{user}
worker_processes 1;
pid {folder}/responder.pid;
error_log {folder}/responder.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/responder;
  keepalive_requests 100000000;
  keepalive_timeout 600s;
{servers}
}}
"""


def handlers_for(config: Config, upstream: str) -> list[Config]:
    """Return what the shipped configuration does with a request that has a site, the proxy last."""
    found = _handlers_with_proxy(_edge(config)["routes"])
    if found is None:
        raise ValueError("gateway.json has no reverse proxy any more")
    handlers = [handler for handler in copy.deepcopy(found) if handler["handler"] != "log_append"]
    handlers[-1]["upstreams"] = [{"dial": upstream}]
    return [{"handler": "log_append", "key": "site", "value": SITE, "early": True}, *handlers]


def _handlers_with_proxy(node: Any) -> list[Config] | None:
    if isinstance(node, list):
        if node and isinstance(node[-1], dict) and node[-1].get("handler") == "reverse_proxy":
            return node
        parts: Iterable[Any] = node
    elif isinstance(node, dict):
        parts = node.values()
    else:
        return None
    return next((found for part in parts if (found := _handlers_with_proxy(part)) is not None), None)


def _proxy_to(upstream: str) -> Config:
    return {"handler": "reverse_proxy", "upstreams": [{"dial": upstream}]}


def _edge(config: Config) -> Config:
    edge: Config = config["apps"]["http"]["servers"]["edge"]
    return edge
