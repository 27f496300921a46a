"""Replicas of one operator, each a process and a user of its own, and whose turn it was when one wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from api_audit import Write
from api_server_process import kubeconfig_of
from killable_operator import KillableOperator, Nursery

_LEASES = "leases"
# Every replica writes its own to see whether its watches hear; no term is needed for it.
_CANARY = "frankenpanel-operator-canary"


@dataclass
class Replicas:
    """The pods of one Deployment; `platform` is their namespace."""

    nursery: Nursery
    kubeconfig: Path
    platform: str
    _pods: list[KillableOperator] = field(default_factory=list)

    def start(self, name: str, kubeconfig: Path | None = None, **changes: str) -> KillableOperator:
        """Start a replica; its name is its user's and what the Lease knows it by."""
        environment = {
            "KUBECONFIG": str(kubeconfig or kubeconfig_of(name, self.kubeconfig)),
            "FRANKENPANEL_PLATFORM_NAMESPACE": self.platform,
            "FRANKENPANEL_IDENTITY": name,
            "FRANKENPANEL_METRICS_PORT": "0",
            "FRANKENPANEL_EMBEDDED_MARIADB": "false",
            **changes,
        }
        pod = self.nursery.start(environment)
        self._pods.append(pod)
        return pod

    def end(self) -> None:
        for pod in self._pods:
            pod.kill()


@dataclass(frozen=True)
class Term:
    """A time during which one replica held the Lease, from when the server heard of it."""

    user: str
    number: int
    begin: Write


def terms(writes: Sequence[Write]) -> list[Term]:
    """Return the terms in order, as the Lease tells them."""
    found: list[Term] = []
    for write in writes:
        spec = write.body["spec"] if write.resource == _LEASES else {}
        is_new = not found or found[-1].number != spec.get("leaseTransitions")
        if spec.get("holderIdentity") and is_new:
            found.append(Term(write.user, spec["leaseTransitions"], write))
    return found


def strays(writes: Sequence[Write]) -> Iterator[str]:
    """Yield the writes of replicas whose term had not begun, or was over because another one's had begun."""
    found = terms(writes)
    for write in writes:
        if write.resource == _LEASES or write.name.startswith(_CANARY):
            continue
        leader = next((term.user for term in reversed(found) if term.begin.received <= write.received), "")
        if leader != write.user:
            yield f"{write}, while {leader or 'nobody'} led"


def last_holder_before(writes: Sequence[Write], term: Term) -> str:
    """Return whom the Lease named when a term began; "" where it had been given back."""
    before = [write for write in writes if write.resource == _LEASES and write.received < term.begin.received]
    return str(before[-1].body["spec"]["holderIdentity"]) if before else ""


def written_by(writes: Sequence[Write]) -> Mapping[str, int]:
    """Return how much each replica wrote, Leases and canaries apart."""
    counts: dict[str, int] = {}
    for write in writes:
        if write.resource != _LEASES and not write.name.startswith(_CANARY):
            counts[write.user] = counts.get(write.user, 0) + 1
    return counts
