from __future__ import annotations

import pytest
from frankenpanel_operator.engine.backoff import Backoff


def test_delays_double_until_the_cap() -> None:
    backoff = Backoff(random=lambda: 0.0, base_seconds=0.5, cap_seconds=300)
    assert [backoff.delay_seconds(n) for n in (1, 2, 3, 10, 11, 5000)] == [0.5, 1, 2, 256, 300, 300]


@pytest.mark.parametrize("draw", [0.0, 0.5, 0.999])
def test_jitter_only_lengthens(draw: float) -> None:
    backoff = Backoff(random=lambda: draw, base_seconds=1, cap_seconds=8, jitter=0.25)
    assert 8 <= backoff.delay_seconds(9) < 10
    assert backoff.spread(100) == 100 * (1 + 0.25 * draw)
