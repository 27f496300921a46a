"""C3 where microseconds count: ours and what it is compared with, running at once and visited in turn.

Two runs of the same program minutes apart differ by more than what is asked for here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from statistics import median

from measuring.results import Figures

from edge import layouts
from edge.contenders import CONTENDERS, Contender, Fixed, new_place
from edge.stages import CONNECTIONS, Bench
from edge.wrk import Visitors

SMALL_HOSTS = 10
_BASELINES = ("bare", "constant")
Rounds = dict[str, list[float]]


class Tree(Fixed):
    """Ours with a tree that nobody changes."""

    def start(self) -> None:
        layouts.write_tree(self.place, self.hosts, self.upstreams[0])
        super().start()


def beside(bench: Bench) -> None:
    """Visit ours, a bare proxy, ours without lookup and ours with ten hosts in turn."""
    with ExitStack() as stack:
        parties = {"ours": bench.contender}
        for number, name in enumerate((*_BASELINES, "small")):
            parties[name] = stack.enter_context(_running(bench, name, str(number)))
        visitors = {
            name: Visitors(party.place.http_port, party.place.folder) for name, party in parties.items()
        }
        p50_ms = _in_turn(bench, parties, visitors, ("ours", *_BASELINES), connections=1)
        rates = _in_turn(bench, parties, visitors, ("ours", "small"), connections=CONNECTIONS)
    bench.figures |= comparison(p50_ms, rates)


def comparison(p50_ms: Mapping[str, list[float]], rates: Mapping[str, list[float]]) -> Figures:
    """Return medians, and medians of what each turn showed: turns share what the machine does meanwhile."""

    def above(name: str) -> float:
        return median(ours - other for ours, other in zip(p50_ms["ours"], p50_ms[name], strict=True))

    return {
        "beside_p50_ms": median(p50_ms["ours"]),
        **{f"beside_{name}_p50_ms": median(p50_ms[name]) for name in _BASELINES},
        "above_bare_p50_ms": above("bare"),
        "above_constant_p50_ms": above("constant"),
        "rate_beside_small": median(
            ours / small for ours, small in zip(rates["ours"], rates["small"], strict=True)
        ),
    }


def _in_turn(
    bench: Bench,
    parties: Mapping[str, Contender],
    visitors: Mapping[str, Visitors],
    names: tuple[str, ...],
    *,
    connections: int,
) -> Rounds:
    found: Rounds = {name: [] for name in names}
    for turn in range(bench.effort.turns):
        # The order changes, so that nobody is always the first after a pause.
        for name in names if turn % 2 == 0 else reversed(names):
            load = visitors[name].run(parties[name].hosts, connections, 1)
            found[name].append(load.p50_ms if connections == 1 else load.requests_per_second)
    return found


@contextmanager
def _running(bench: Bench, name: str, folder_name: str) -> Iterator[Contender]:
    folder = bench.contender.place.folder / folder_name
    folder.mkdir()
    place, upstreams = new_place(folder), bench.contender.upstreams
    party: Contender
    if name == "small":
        party = Tree(place, SMALL_HOSTS, upstreams, config=lambda where, _: layouts.shipped_config(where))
    else:
        party = CONTENDERS[name](place, len(bench.contender.hosts), upstreams)
    party.start()
    try:
        party.wait()
        yield party
    finally:
        party.stop()
