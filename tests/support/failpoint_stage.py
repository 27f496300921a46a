"""Where stories are played: one installation, one operator at a time, and a namespace for each story."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from installation import Installation
from killable_operator import DEADLINE_SECONDS, Kill, KillableOperator, Nursery
from namespace_snapshot import snapshot


@dataclass
class Company:
    """At most one operator, hired when it is needed: two at a time would do each other's work."""

    nursery: Nursery
    environment: Mapping[str, str]
    _operator: KillableOperator | None = field(default=None, repr=False)

    @property
    def operator(self) -> KillableOperator:
        """The one who works; a new one where nobody lives."""
        if self._operator is None or not self._operator.is_alive():
            self.start()
        assert self._operator is not None
        return self._operator

    @property
    def victim(self) -> KillableOperator:
        """The one who began last, dead or alive."""
        assert self._operator is not None
        return self._operator

    def start(self, kill: Kill | None = None, **changes: str) -> None:
        """Let a new one begin, with nothing in mind."""
        self.stop()
        self._operator = self.nursery.start({**self.environment, **changes}, kill)

    def stop(self) -> None:
        if self._operator is not None:
            self._operator.stop()


class Controllers:
    """A thread in which the controllers of one tenant work."""

    def __init__(self, installation: Installation) -> None:
        self._installation, self._is_over = installation, threading.Event()
        self.may_work = threading.Event()
        self.may_work.set()
        self._thread = threading.Thread(target=self._run, name="controllers")

    def __enter__(self) -> Controllers:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self.may_work.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(0.05):
            self.may_work.wait()
            self._installation.play_once()


@dataclass
class Scene:
    """One tenant, in whose namespace a story is played."""

    installation: Installation
    company: Company
    controllers: Controllers
    uids: dict[str, str] = field(default_factory=dict)

    @property
    def operator(self) -> KillableOperator:
        return self.company.operator

    @property
    def victim(self) -> KillableOperator:
        return self.company.victim

    def create_site(self, name: str = "shop", **spec: Any) -> None:
        """Create a Site, and remember who it was."""
        self.uids[name] = self.installation.create_site(name, **spec)["metadata"]["uid"]

    def settle(self, condition: Callable[[], Any], what: str) -> None:
        """Wait until something is so, and the operator has nothing to do."""
        operator = self.operator
        operator.wait_until(condition, what)
        operator.wait_until(operator.is_idle, f"{what}, and nothing is left to do")

    def serves(self, site: str = "shop") -> bool:
        """Say whether visitors reach a Site by its Domain, or reach all that it has."""
        return self.installation.serves(site)

    def look(self) -> dict[str, Any]:
        return snapshot(self.installation, self.uids)

    def look_twice(self) -> dict[str, Any]:
        """Return what is there once it stays the same for a while."""
        deadline, last, same = time.monotonic() + DEADLINE_SECONDS, self.look(), 0
        while same < 3:
            assert time.monotonic() < deadline, "it changes all the time"
            time.sleep(0.2)
            now = self.look()
            same = same + 1 if now == last else 0
            last = now
        return last
