"""Starts Caddy: with the shipped configuration, plus what Caddy cannot take from the environment itself.

The result is written once, before Caddy starts, and is the same for the life of the pod. Run as
`python3 -m frankenpanel_gateway.edge_config`, which becomes Caddy. Standard library only: Caddy waits for it.
"""

from __future__ import annotations

import copy
import ipaddress
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

SHIPPED = Path("/etc/gateway/gateway.json")
IN_USE = Path("/run/gateway/gateway.json")
CADDY = "/usr/bin/caddy"

Config = dict[str, Any]


def main() -> None:
    """Write the configuration and become Caddy."""
    shipped = json.loads(SHIPPED.read_text(encoding="utf-8"))
    text = json.dumps(configured(shipped, os.environ), indent=2)
    descriptor = os.open(IN_USE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    os.execv(CADDY, [CADDY, "run", "--config", str(IN_USE)])  # noqa: S606 (no shell, constant path)


def configured(shipped: Mapping[str, Any], environment: Mapping[str, str]) -> Config:
    """Return the configuration of a pod.

    `FRANKENPANEL_TRUSTED_PROXIES`: networks, joined by commas, whose X-Forwarded-For is believed.
    `FRANKENPANEL_MAX_CONNECTIONS_PER_SITE`: to the pods of one Site, from this pod.

    Raises:
        ValueError: a value is not what it should be.
    """
    config: Config = copy.deepcopy(dict(shipped))
    edge = config["apps"]["http"]["servers"]["edge"]
    proxies = [part.strip() for part in environment.get("FRANKENPANEL_TRUSTED_PROXIES", "").split(",")]
    if networks := [str(ipaddress.ip_network(part, strict=False)) for part in proxies if part]:
        _trust(edge, networks)
    if limit := environment.get("FRANKENPANEL_MAX_CONNECTIONS_PER_SITE"):
        for handler in _reverse_proxies(edge["routes"]):
            handler["transport"]["max_conns_per_host"] = int(limit)
    return config


def _trust(edge: Config, networks: Sequence[str]) -> None:
    """Take the visitor's address from what trusted proxies say, read from the right."""
    edge["trusted_proxies"] = {"source": "static", "ranges": list(networks)}
    edge["trusted_proxies_strict"] = 1
    edge["client_ip_headers"] = ["X-Forwarded-For"]
    # Caddy derives networks from the address of the connection only, which is now that of the proxy.
    blocking = edge["routes"][0]["handle"][0]["routes"]
    blocked = copy.deepcopy(blocking[0])
    (matcher,) = blocked["match"]
    matcher["file"]["try_files"] = ["/{http.regexp.client.1}.0/24", "/{http.regexp.client.2}.0.0/16"]
    address = {"name": "client", "pattern": r"^(([0-9]+\.[0-9]+)\.[0-9]+)\.[0-9]+$"}
    match = [{"vars_regexp": {"{http.vars.client_ip}": address}}]
    blocking.insert(0, {"match": match, "handle": [{"handler": "subroute", "routes": [blocked]}]})


def _reverse_proxies(value: Any) -> Iterator[Config]:
    if isinstance(value, dict):
        if value.get("handler") == "reverse_proxy":
            yield value
        for item in value.values():
            yield from _reverse_proxies(item)
    elif isinstance(value, list):
        for item in value:
            yield from _reverse_proxies(item)


if __name__ == "__main__":
    main()
