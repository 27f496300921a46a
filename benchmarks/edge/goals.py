"""The goals C1 to C6 in figures, and whether they are met; pure."""

from __future__ import annotations

from measuring.arithmetic import ratio
from measuring.goals import Figure, Goal, at_least, at_most, plain, quotient
from measuring.results import Results

BARE, CONSTANT = "bare", "constant"


def beside_smallest(name: str) -> Figure:
    """Divide a figure by that of the same contender at the smallest size."""

    def figure(results: Results, contender: str, size: int) -> float | None:
        sizes = results.sizes(contender)
        if not sizes or size == sizes[0]:
            return None
        return ratio(results.figure(contender, size, name), results.figure(contender, sizes[0], name))

    return figure


def added_to(baseline: str, name: str) -> Figure:
    """Subtract the baseline's figure at the same size."""

    def figure(results: Results, contender: str, size: int) -> float | None:
        value, base = results.figure(contender, size, name), results.figure(baseline, size, name)
        return None if value is None or base is None or contender == baseline else value - base

    return figure


def either(first: Figure, second: Figure) -> Figure:
    """Take the second figure where the first was not measured."""

    def figure(results: Results, contender: str, size: int) -> float | None:
        value = first(results, contender, size)
        return second(results, contender, size) if value is None else value

    return figure


GOALS = (
    Goal("C1", "new host served after ms, median", "<= 50", plain("change_p50_ms"), at_most(50), 1),
    Goal("C1", "new host served after ms, slowest", "<= 50", plain("change_max_ms"), at_most(50), 1),
    Goal("C1", "reloads for all these changes", "0", plain("reloads"), at_most(0), 0),
    Goal("C2", "memory of the proxy, MB", "<= 120", plain("rss_mb"), at_most(120), 0),
    Goal("C2", "memory of the agent, MB", "-", plain("agent_rss_mb"), None, 0),
    Goal(
        "C3",
        "req/s, in multiples of ten hosts",
        ">= 0.9",
        either(plain("rate_beside_small"), beside_smallest("requests_per_second")),
        at_least(0.9),
    ),
    Goal(
        "C3",
        "p50 ms above a bare proxy",
        "<= 0.05",
        either(plain("above_bare_p50_ms"), added_to(BARE, "one_p50_ms")),
        at_most(0.05),
        3,
    ),
    Goal(
        "C3",
        "of it the lookup: above the same without one",
        "-",
        either(plain("above_constant_p50_ms"), added_to(CONSTANT, "one_p50_ms")),
        None,
        3,
    ),
    Goal("C3", "req/s, first and last host differ by %", "<= 5", plain("spread_percent"), at_most(5), 1),
    Goal("C4", "failed while a domain changes every 100 ms", "0", plain("busy_failures"), at_most(0), 0),
    Goal("C4", "p99 then : p99 in peace", "<= 1.1", quotient("busy_p99_ms", "quiet_p99_ms"), at_most(1.1)),
    Goal("C5", "certificate questions at 1,000/s, p99 ms", "<= 5", plain("permission_p99_ms"), at_most(5)),
    Goal("C5", "of them answered wrongly", "0", plain("permission_wrong"), at_most(0), 0),
    Goal("C5", "handshake for an unknown name refused, p50 ms", "<= 5", plain("refused_p50_ms"), at_most(5)),
    Goal("C5", "handshake for an unknown name refused, p99 ms", "<= 5", plain("refused_p99_ms"), at_most(5)),
    Goal(
        "C6",
        "series of Caddy, in multiples of the smallest number of hosts",
        "1",
        beside_smallest("caddy_metrics_series"),
        at_most(1),
    ),
    Goal(
        "C6",
        "series of the agent, in multiples of the smallest number of hosts",
        "1",
        beside_smallest("agent_metrics_series"),
        at_most(1),
    ),
    Goal("sync", "agent: start to a whole tree, s", "<= 3", plain("sync_seconds"), at_most(3)),
)
