"""The contenders: each serves the same hosts in its own way and can be told of hosts that change."""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path

from measuring.processes import Program, cpu_seconds_of, free_ports

from edge import layouts
from edge.layouts import SLOT, Place
from edge.population import BODIES, hosts_of
from edge.servers import (
    AdminSocket,
    answer,
    family,
    nginx_user,
    pss_mb,
    start_caddy,
    start_nginx,
    wait_for_body,
    wait_for_status,
)

LINGER_SECONDS = 10.0


class Contender(ABC):
    """One layout, serving `count` hosts from the first upstream."""

    can_change = True
    server: Program

    def __init__(self, place: Place, count: int, upstreams: list[str]) -> None:
        self.place, self.hosts, self.upstreams = place, hosts_of(count), upstreams

    @abstractmethod
    def start(self) -> None:
        """Begin to serve."""

    @abstractmethod
    def put(self, changing: Mapping[str, str]) -> None:
        """Let exactly these hosts (to upstreams) exist besides the fixed ones; return once they are told."""

    def wait(self) -> None:
        """Return once the first and the last host are served."""
        for host in (self.hosts[0], self.hosts[-1]):
            wait_for_body(self.place.http_port, host, BODIES[0])

    def pids(self) -> list[int]:
        """Return the processes whose work is the layout's."""
        return [self.server.pid]

    def cpu_seconds(self) -> float:
        return sum(map(cpu_seconds_of, self.pids()))

    def rss_mb(self) -> float:
        return self.server.rss_mb()

    def peak_mb(self) -> float | None:
        return self.server.peak_mb()

    def loaded_at(self) -> float | None:
        """Return when the configuration was loaded last, None where nobody knows."""
        return None

    def stop(self) -> None:
        self.server.kill()


class Fixed(Contender):
    """One upstream for all hosts: what there is to compare with."""

    can_change = False

    def __init__(
        self,
        place: Place,
        count: int,
        upstreams: list[str],
        *,
        config: Callable[[Place, str], layouts.Config],
    ) -> None:
        super().__init__(place, count, upstreams)
        self._config = config

    def start(self) -> None:
        config = json.dumps(self._config(self.place, self.upstreams[0]))
        self.server = start_caddy(config, self.place.folder)

    def put(self, changing: Mapping[str, str]) -> None:
        raise NotImplementedError("there is nothing to change")


class Pushed(Contender):
    """A Caddy that gets every change as a new configuration."""

    def __init__(
        self,
        place: Place,
        count: int,
        upstreams: list[str],
        *,
        text: Callable[[Place, list[str], str], str],
        parts: Callable[[Mapping[str, str]], list[layouts.Config]],
    ) -> None:
        super().__init__(place, count, upstreams)
        self._text, self._parts = text, parts
        self._before = self._after = ""

    def start(self) -> None:
        text = self._text(self.place, self.hosts, self.upstreams[0])
        self._before, self._after = text.split(f'"{SLOT}", ')
        self.server = start_caddy(self._before + self._after, self.place.folder)

    def put(self, changing: Mapping[str, str]) -> None:
        parts = "".join(f"{json.dumps(part)}, " for part in self._parts(changing))
        AdminSocket(self.place.admin_socket).load(self._before + parts + self._after)


class Nginx(Contender):
    """nginx, which reads its files again at a signal."""

    def __init__(self, place: Place, count: int, upstreams: list[str]) -> None:
        super().__init__(place, count, upstreams)
        self._before = self._after = ""

    def start(self) -> None:
        text = layouts.nginx_text(self.place, self.hosts, self.upstreams[0], nginx_user())
        self._before, self._after = text.split(SLOT)
        self.server = start_nginx(self._before + self._after, self.place.folder)

    def put(self, changing: Mapping[str, str]) -> None:
        blocks = [layouts.server_block(self.place, host, address) for host, address in changing.items()]
        (self.place.folder / "nginx.conf").write_text(self._before + "\n".join(blocks) + self._after)
        self.server.send(signal.SIGHUP)

    def pids(self) -> list[int]:
        return family(self.server.pid)

    def rss_mb(self) -> float:
        """Return the memory once the workers of former configurations are gone."""
        deadline = time.monotonic() + LINGER_SECONDS
        while len(pids := self.pids()) > 1 + (os.cpu_count() or 1) and time.monotonic() < deadline:
            time.sleep(0.1)
        return pss_mb(pids)

    def peak_mb(self) -> float | None:
        return None

    def stop(self) -> None:
        # A killed master would leave its workers behind.
        self.server.stop()


class Ours(Contender):
    """The shipped Caddy and agent; changes are watch events of an API server."""

    agent: Program

    def __init__(self, place: Place, count: int, upstreams: list[str]) -> None:
        super().__init__(place, count, upstreams)
        (self._api_port,) = free_ports(1)
        self._known: dict[str, str] = {}
        self._programs: list[Program] = []
        self.sync_seconds = self.sync_cpu_seconds = 0.0

    def start(self) -> None:
        """Start all three; the agent last, once the listing is made: its first tree is timed."""
        folder = self.place.folder
        self.place.routes.mkdir()
        listing = [str(self._api_port), str(len(self.hosts)), self.upstreams[0]]
        self._run(Program([sys.executable, "-m", "edge.claim_server", *listing], folder / "api.log"))
        self.server = self._run(start_caddy(json.dumps(layouts.shipped_config(self.place)), folder))
        wait_for_status(self._api_port, "/readyz")
        wait_for_status(self.place.local_port, "/livez")
        command = [sys.executable, "-m", "frankenpanel_gateway"]
        self.agent = self._run(Program(command, folder / "agent.log", self._settings()))
        wait_for_status(self.place.local_port, "/readyz")
        self.sync_seconds, self.sync_cpu_seconds = self.agent.age_seconds(), self.agent.cpu_seconds()

    def _run(self, program: Program) -> Program:
        self._programs.append(program)
        return program

    def pids(self) -> list[int]:
        return [self.server.pid, self.agent.pid]

    def stop(self) -> None:
        for program in self._programs:
            program.kill()

    def _settings(self) -> dict[str, str]:
        place = self.place
        settings = {
            "ROUTES_ROOT": place.routes,
            "PERMISSION_PORT": place.permission_port,
            "PROBES_HOST": "127.0.0.1",
            "PROBES_PORT": place.probes_port,
            "API_SERVER": f"http://127.0.0.1:{self._api_port}",
            "API_TOKEN": "unused",
            "UPSTREAM_NETWORKS": "127.0.0.0/8",
            "CERTIFICATES_ROOT": place.folder / "certificates",
        }
        return {f"FRANKENPANEL_GATEWAY_{name}": str(value) for name, value in settings.items()}

    def put(self, changing: Mapping[str, str]) -> None:
        events = [("DELETED", host, self._known[host]) for host in self._known.keys() - changing.keys()]
        for host, upstream in changing.items():
            if (before := self._known.get(host)) != upstream:
                events.append(("ADDED" if before is None else "MODIFIED", host, upstream))
        self._known = dict(changing)
        connection = http.client.HTTPConnection("127.0.0.1", self._api_port, timeout=30)
        connection.request("POST", "/change", json.dumps(events))
        status = connection.getresponse().status
        connection.close()
        if status != 200:
            raise RuntimeError("the agent does not watch")

    def loaded_at(self) -> float | None:
        """Return the time stamp that Caddy moves with each configuration it loads."""
        name = "caddy_config_last_reload_success_timestamp_seconds "
        for line in answer(self.place.local_port, "/metrics")[1].splitlines():
            if line.startswith(name):
                return float(line.removeprefix(name))
        return None


def _one_bucket(upstreams: Mapping[str, str]) -> list[layouts.Config]:
    return [layouts.bucket_route(upstreams)] if upstreams else []


def _routes(upstreams: Mapping[str, str]) -> list[layouts.Config]:
    return [layouts.host_route(host, upstream) for host, upstream in upstreams.items()]


CONTENDERS: dict[str, Callable[[Place, int, list[str]], Contender]] = {
    "bare": lambda *parts: Fixed(*parts, config=layouts.bare_config),
    "constant": lambda *parts: Fixed(*parts, config=layouts.constant_config),
    "ours": Ours,
    "routes": lambda *parts: Pushed(*parts, text=layouts.route_per_host_text, parts=_routes),
    "map": lambda *parts: Pushed(*parts, text=layouts.bucketed_map_text, parts=_one_bucket),
    "nginx": Nginx,
}
"""In the order in which they run: what is compared most closely stands side by side."""


def new_place(folder: Path) -> Place:
    return Place(folder, *free_ports(5))
