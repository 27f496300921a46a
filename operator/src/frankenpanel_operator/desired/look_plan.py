"""When to look at a host again: often while somebody waits for it, seldom when all is well."""

from __future__ import annotations

_HOUR = 3600.0
# Until this age of the claim, this long from one look to the next.
_STEPS = ((60.0, 10.0), (300.0, 30.0), (900.0, 60.0), (_HOUR, 300.0), (24 * _HOUR, 900.0))
_LAST_STEP = _HOUR
# A resolver repeats what it remembers, so asking before that expires tells nothing new. Many forget sooner
# than they must, and a person who has set a record waits for us.
_MOST_PATIENCE_WITH_TTL = 300.0


def next_look_seconds(
    *, age_seconds: float, is_settled: bool, ttl_seconds: int | None, recheck_seconds: float
) -> float:
    """Return how long the answers of a look are good for.

    Args:
        age_seconds: since when the host is claimed or wanted.
        is_settled: it is proven, leads here, and was heard of.
        ttl_seconds: how long resolvers remember what was found; None where nobody said.
        recheck_seconds: how often it is looked whether a settled host is so still.
    """
    if is_settled:
        return recheck_seconds
    step = next((pause for age, pause in _STEPS if age_seconds < age), _LAST_STEP)
    return min(max(step, min(ttl_seconds or 0, _MOST_PATIENCE_WITH_TTL)), max(recheck_seconds, step))
