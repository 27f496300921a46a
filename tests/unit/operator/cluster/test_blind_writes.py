from __future__ import annotations

from frankenpanel_operator.cluster.blind_writes import BlindWrites
from frankenpanel_operator.observed import ObjectRef

REF = ObjectRef("Secret", "demo", "shop-admin")


def test_a_write_is_trusted_for_its_digest_and_for_a_while() -> None:
    now = 0.0
    writes = BlindWrites(lambda: now, trust_seconds=60)
    assert not writes.is_known(REF)
    writes.note(REF, "one")
    assert writes.is_fresh(REF, "one")
    assert not writes.is_fresh(REF, "two")
    now = 60.0
    assert not writes.is_fresh(REF, "one")
    assert writes.is_known(REF)
    writes.forget(REF)
    assert not writes.is_known(REF)
