"""Keeps whoever needs a dependency that is down from asking it again and again, and disturbs nobody else.

Without it a dead database server with a thousand Sites would cost a thousand backoffs that end at different
times: too many tries while it is down, and up to five minutes of waiting for each Site once it is back. With
it one key at a time asks at short intervals on behalf of all, and the first answer sets all of them free.

The API server is the dependency that every key needs. While it is down the whole queue is held.
"""

from __future__ import annotations

import asyncio
from functools import partial

import structlog

from frankenpanel_operator import metrics
from frankenpanel_operator.engine.backoff import Backoff
from frankenpanel_operator.engine.circuit import Circuit
from frankenpanel_operator.engine.key import Key
from frankenpanel_operator.engine.priority import Priority
from frankenpanel_operator.engine.work_queue import WorkQueue
from frankenpanel_operator.errors import KUBERNETES

log = structlog.stdlib.get_logger(__name__)

PROBE_BASE_SECONDS = 1.0
PROBE_CAP_SECONDS = 10.0
"""Short, because a dependency that is back should serve again within seconds."""


class Circuits:
    """A circuit for each dependency that has failed lately.

    Args:
        queue: where parked keys go once their dependency answers.
        pauses: the time between two probes of a dependency.
    """

    def __init__(self, queue: WorkQueue, pauses: Backoff) -> None:
        self._queue = queue
        self._pauses = pauses
        # Only what is in trouble is in here, so that all others cost one look into an empty dictionary.
        self._circuits: dict[str, Circuit] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._is_any_key_probe = False

    # --- what the dispatcher tells of each pass -------------------------------------------------------------

    def began(self, key: Key) -> None:
        """Take the key out of every park: its pass decides anew where it belongs."""
        for dependency, circuit in self._circuits.items():
            if circuit.parked.pop(key, None) is not None:
                _publish(dependency, circuit)
        if self._is_any_key_probe:
            self._is_any_key_probe = False
            self._circuits[KUBERNETES].probe = key

    def failed(self, dependency: str, key: Key, retry_after_seconds: float | None = None) -> bool:
        """Note that the key's pass failed for the dependency.

        Returns:
            Whether the key is parked; if not, its retry is the caller's to plan.
        """
        circuit = self._circuits.setdefault(dependency, Circuit(self._pauses))
        was_open = circuit.is_open
        is_parked = circuit.fail(key, self._now(), retry_after_seconds or 0.0)
        if is_parked:
            self._queue.count_failure(key)
            self._has_failed(dependency, circuit, was_open=was_open)
        return is_parked

    def ended(self, key: Key) -> None:
        """Note the end of the key's pass, after what else there was to tell of it."""
        for dependency, circuit in list(self._circuits.items()):
            if circuit.end_probe(key, self._now()):
                self._probe_next(dependency, circuit)

    # --- what anybody may have found out --------------------------------------------------------------------

    def down(self, dependency: str) -> None:
        """Note a report that the dependency does not answer; no row of failures is needed then."""
        circuit = self._circuits.setdefault(dependency, Circuit(self._pauses))
        if not circuit.is_open:
            circuit.open(self._now())
            self._has_failed(dependency, circuit, was_open=False)

    def healthy(self, dependency: str) -> None:
        """Note that the dependency answered: a row of failures ends, and who waits for it is set free."""
        circuit = self._circuits.pop(dependency, None)
        if circuit is None or not circuit.is_open:
            return
        log.info("dependency answers again", dependency=dependency, waiting=len(circuit.parked))
        now = self._now()
        for key, not_before in circuit.parked.items():
            self._queue.add_after(key, not_before - now, Priority.RESYNC)
        self._close(dependency, circuit)

    def is_open(self, dependency: str) -> bool:
        """Say whether the dependency counts as down."""
        return dependency in self._circuits and self._circuits[dependency].is_open

    def clear(self) -> None:
        """Forget everything, and let the queue go; at the end of a term, followed by the queue's `clear`."""
        for dependency, circuit in self._circuits.items():
            self._close(dependency, circuit)
        self._circuits.clear()

    # --- how it works ---------------------------------------------------------------------------------------

    def _has_failed(self, dependency: str, circuit: Circuit, *, was_open: bool) -> None:
        if not was_open:
            log.warning("dependency is down, what needs it waits", dependency=dependency)
            if dependency == KUBERNETES:
                self._queue.hold()
        _publish(dependency, circuit)
        self._set_timer(dependency, circuit)

    def _close(self, dependency: str, circuit: Circuit) -> None:
        timer = self._timers.pop(dependency, None)
        if timer is not None:
            timer.cancel()
        circuit.is_open = False
        circuit.parked.clear()
        _publish(dependency, circuit)
        if dependency == KUBERNETES:
            self._is_any_key_probe = False
            self._queue.release()

    def _set_timer(self, dependency: str, circuit: Circuit) -> None:
        """Plan the next probe, if none is under way or planned."""
        if circuit.probe is not None or dependency in self._timers:
            return
        try_next = partial(self._probe_when_due, dependency)
        loop = asyncio.get_running_loop()
        self._timers[dependency] = loop.call_at(circuit.probe_at, try_next)

    def _probe_when_due(self, dependency: str) -> None:
        self._timers.pop(dependency, None)
        circuit = self._circuits[dependency]
        if circuit.probe_at > self._now():
            # Meanwhile the dependency has asked for more time.
            self._set_timer(dependency, circuit)
        elif circuit.probe is None:
            self._probe_next(dependency, circuit)

    def _probe_next(self, dependency: str, circuit: Circuit) -> None:
        if dependency == KUBERNETES:
            self._let_one_through(circuit)
            return
        circuit.probe = circuit.next_candidate()
        if circuit.probe is not None:
            # Live, because everybody who is parked waits for what it will find.
            self._queue.add(circuit.probe, Priority.LIVE)

    def _let_one_through(self, circuit: Circuit) -> None:
        """Let the next key of the held queue try; a parked one, where none is ready.

        Whatever it is, and a fresh change comes first: one object which the API server cannot digest must not
        be the only one that is ever tried.
        """
        candidate = circuit.next_candidate()
        if candidate is not None and not any(self._queue.depth(priority) for priority in Priority):
            self._queue.add(candidate, Priority.LIVE)
        self._is_any_key_probe = True
        self._queue.let_one_through()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _publish(dependency: str, circuit: Circuit) -> None:
    metrics.CIRCUIT_OPEN.labels(dependency).set(circuit.is_open)
    metrics.CIRCUIT_PARKED_KEYS.labels(dependency).set(len(circuit.parked))
