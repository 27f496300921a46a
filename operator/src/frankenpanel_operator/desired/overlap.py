"""What a host above means for the hosts below it, where they may belong to somebody else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from frankenpanel_crds.hosts import WILDCARD

from frankenpanel_operator.desired.holding import holding_of
from frankenpanel_operator.findings import Proof
from frankenpanel_operator.observed import Manifest


@dataclass(frozen=True, slots=True)
class Overlap:
    """What it takes to prove a host, and the host above which is the reason; no host where there is none."""

    proof: Proof = Proof.ANY
    above: str = ""


def overlap_of(namespace: str, claims: Iterable[tuple[str, Manifest]]) -> Overlap:
    """Return what the nearest host above that somebody has proven means for a host of a namespace.

    Args:
        namespace: whose host it is to be.
        claims: the claims of hosts above, each with its host, nearest first, as `hosts_above` orders them.
    """
    for name, level in groupby(claims, key=lambda item: item[0].removeprefix(WILDCARD)):
        proofs = set(_proofs(namespace, (claim for _, claim in level)))
        if Proof.RECORD in proofs:
            return Overlap(Proof.RECORD, name)
        if proofs:
            return Overlap(Proof.NOTHING, name)
    return Overlap()


def _proofs(namespace: str, claims: Iterable[Manifest]) -> Iterator[Proof]:
    for claim in claims:
        holding = holding_of(claim)
        if not holding.is_proven:
            continue
        if holding.namespace != namespace:
            # Also while it cools down: names below it lead here just as it does.
            yield Proof.RECORD
        elif not holding.is_released:
            yield Proof.NOTHING
