"""What a scrape tells about certificates."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from frankenpanel_crds.domain_settings import TlsMode
from frankenpanel_crds.domainclaim import ClaimTls
from frankenpanel_crds.reasons import DomainReason
from frankenpanel_operator import metrics
from frankenpanel_operator.cluster.cache import MemoryObjectCache
from frankenpanel_operator.findings import Certificate
from frankenpanel_operator.handlers import gauges
from frankenpanel_operator.observed import ObjectRef
from frankenpanel_operator.reconcilers.certificate_memory import CertificateMemory

END = datetime(2026, 8, 15, tzinfo=UTC)
LATER = datetime(2026, 9, 15, tzinfo=UTC)


@pytest.fixture
def cache() -> MemoryObjectCache:
    return MemoryObjectCache()


@pytest.fixture
def memory(cache: MemoryObjectCache) -> CertificateMemory:
    memory = CertificateMemory()
    gauges.publish_certificates(memory, cache)
    return memory


def _add(cache: MemoryObjectCache, name: str) -> Any:
    metadata = {"name": name, "namespace": "demo", "uid": name, "resourceVersion": "1"}
    body = {"apiVersion": "frankenpanel.io/v1alpha1", "kind": "Domain", "metadata": metadata, "spec": {}}
    cache.put(body)
    return body


def _certificate(end: datetime, *, soon: bool = False) -> Certificate:
    return Certificate(
        is_ready=True,
        reason=DomainReason.ISSUED,
        message="",
        tls=ClaimTls(mode=TlsMode.SECRET),
        expires_soon=soon,
        not_after=end,
    )


def _scraped() -> dict[str, float]:
    lines = metrics.render().decode().splitlines()
    return {
        name: float(value)
        for name, _, value in (line.rpartition(" ") for line in lines)
        if name.startswith("frankenpanel_certificate")
    }


def test_certificates_are_counted_by_state_and_never_named(
    memory: CertificateMemory, cache: MemoryObjectCache
) -> None:
    for name, end, soon in (("one", LATER, False), ("two", LATER, False), ("three", END, True)):
        _add(cache, name)
        memory.note(ObjectRef("Domain", "demo", name), _certificate(end, soon=soon))
    assert _scraped() == {
        'frankenpanel_certificates{state="pending"}': 0,
        'frankenpanel_certificates{state="valid"}': 2,
        'frankenpanel_certificates{state="expiring"}': 1,
        'frankenpanel_certificates{state="expired"}': 0,
        'frankenpanel_certificates{state="failed"}': 0,
        "frankenpanel_certificate_earliest_end_timestamp_seconds": END.timestamp(),
    }


def test_a_domain_that_is_gone_alarms_nobody(memory: CertificateMemory, cache: MemoryObjectCache) -> None:
    body = _add(cache, "one")
    memory.note(ObjectRef("Domain", "demo", "one"), _certificate(END, soon=True))
    cache.remove(body)
    assert _scraped()["frankenpanel_certificate_earliest_end_timestamp_seconds"] == float("inf")
    assert _scraped()['frankenpanel_certificates{state="expiring"}'] == 0


def test_whoever_leads_no_more_counts_nothing(memory: CertificateMemory, cache: MemoryObjectCache) -> None:
    _add(cache, "one")
    memory.note(ObjectRef("Domain", "demo", "one"), _certificate(END))
    memory.clear()
    assert _scraped()["frankenpanel_certificate_earliest_end_timestamp_seconds"] == float("inf")
    assert _scraped()['frankenpanel_certificates{state="valid"}'] == 0
