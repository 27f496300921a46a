"""The goals O1 to O11 in figures, and whether they are met; pure."""

from __future__ import annotations

from collections.abc import Callable

from measuring.arithmetic import ratio
from measuring.goals import Goal, at_least, at_most, plain, quotient
from measuring.results import Results

OWNED_OBJECTS, DOMAINS_PER_SITE = 5, 5
GROWING = (
    "burst_seconds",
    "domains_seconds",
    "restart_cpu_seconds",
    "resync_cpu_seconds",
    "rss_mb",
    "site_p50_ms",
)
"""What must not grow faster than the number of Sites."""
MAX_SLOPE = 1.05


def of_ceiling(results: Results, contender: str, sites: int) -> float | None:
    """Return Sites a second in percent of what plain requests reach at the same size."""
    rate = results.figure(contender, sites, "burst_sites_per_second")
    share = ratio(rate, results.figure("ceiling", sites, "burst_sites_per_second"))
    return None if share is None else 100 * share


def of_twin(results: Results, contender: str, sites: int) -> float | None:
    """Return Sites a second in multiples of the twin's at the same size."""
    rate = results.figure(contender, sites, "burst_sites_per_second")
    return ratio(rate, results.figure("twin", sites, "burst_sites_per_second"))


def steepest(results: Results, contender: str, _: int) -> float | None:
    found = [value for name in GROWING if (value := results.slope(contender, name)) is not None]
    return max(found, default=None)


def memory_budget_mb(sites: int) -> float:
    """Return 70 MB + 6 KB per Site + 1.5 KB per Domain."""
    return 70 + (6 * sites + 1.5 * sites * DOMAINS_PER_SITE) / 1024


def per_linear_cpu(limit: float) -> Callable[[float, Results, int], bool]:
    """Scale a bound that is given for 10,000 Sites to fewer; it never falls below a fifth of a second."""
    return lambda value, _, sites: value <= max(limit * min(1.0, sites / 10_000), 0.2)


# A conflict or a second status in a thousand Sites is chance; one in every hundred would be a flaw.
_SEVEN_WRITES = OWNED_OBJECTS + 2.005

GOALS = (
    Goal(
        "O1",
        "writes per new Site",
        f"<= {OWNED_OBJECTS + 2}",
        plain("writes_per_site"),
        at_most(_SEVEN_WRITES),
    ),
    Goal("O1", "reads per new Site", "0", plain("reads_per_site"), at_most(0.0)),
    Goal("O2", "CPU ms per event that needs nothing", "<= 0.05", plain("event_cpu_ms"), at_most(0.05), 3),
    Goal("O2", "calls per such event", "0", plain("event_calls"), at_most(0.0), 3),
    Goal(
        "O2", "CPU ms per foreign annotation", "<= 0.05", plain("annotation_event_cpu_ms"), at_most(0.05), 3
    ),
    Goal("O2", "calls per foreign annotation", "0", plain("annotation_event_calls"), at_most(0.0), 3),
    Goal("O3", "CPU s per resync", "<= 2 at 10,000", plain("resync_cpu_seconds"), per_linear_cpu(2.0)),
    Goal("O3", "calls per resync", "0", plain("resync_calls"), at_most(0.0), 0),
    Goal("O4", "new Site, p50 ms", "<= 60", plain("site_p50_ms"), at_most(60), 0),
    Goal("O4", "new Site, p99 ms", "<= 200", plain("site_p99_ms"), at_most(200), 0),
    Goal("O5", "burst, Sites/s in % of the ceiling", ">= 60", of_ceiling, at_least(60), 0),
    Goal("O5", "burst, Sites/s in multiples of the twin", ">= 5", of_twin, at_least(5), 1),
    Goal("O6", "steepest slope of any curve", "<= 1.05", steepest, at_most(MAX_SLOPE)),
    Goal("O7", "CPU s of a restart", "<= 6", plain("restart_cpu_seconds"), at_most(6)),
    Goal("O7", "writes of a restart", "0", plain("restart_writes"), at_most(0), 0),
    Goal(
        "O8", "p99 in a mass resync : idle", "<= 2", quotient("mass_site_p99_ms", "site_p99_ms"), at_most(2)
    ),
    Goal(
        "O9",
        "memory, MB",
        "70 + 6 KB/Site + 1.5 KB/Domain",
        plain("rss_mb"),
        lambda value, _, sites: value <= memory_budget_mb(sites),
        0,
    ),
    Goal("O10", "takeover after a kill, s", "<= 5", plain("takeover_seconds"), at_most(5), 1),
    Goal("O10", "writes while another wrote", "0", plain("overlapping_writes"), at_most(0), 0),
    Goal("O11", "answers 429", "0", plain("refused_429"), at_most(0), 0),
    Goal("O11", "connections", "<= 32", plain("connections_max"), at_most(32), 0),
    Goal(
        "O11",
        "others' p99 in a burst : idle",
        "<= 2",
        quotient("others_burst_p99_ms", "others_idle_p99_ms"),
        at_most(2),
        1,
    ),
)
