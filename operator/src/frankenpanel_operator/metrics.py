"""Every Prometheus metric of the operator; few labels, and never a Site's name among them."""

from __future__ import annotations

import math
import platform
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

# Reconciles that find nothing to do take well under a millisecond, a new Site's first pass some tens of them.
_RECONCILE_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120)

RECONCILE_SECONDS = Histogram(
    "frankenpanel_reconcile_duration_seconds",
    "Duration of one reconcile, by kind and by what its end meant.",
    ("kind", "outcome"),
    buckets=_RECONCILE_BUCKETS,
    registry=REGISTRY,
)
QUEUE_WAIT_SECONDS = Histogram(
    "frankenpanel_queue_wait_seconds",
    "Time that a ready key waited for a worker.",
    ("priority",),
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300),
    registry=REGISTRY,
)
QUEUE_DEPTH = Gauge(
    "frankenpanel_queue_depth",
    "Keys in the work queue: ready (live, resync) or waiting for their time (planned).",
    ("place",),
    registry=REGISTRY,
)
QUEUE_AGE_SECONDS = Gauge(
    "frankenpanel_queue_oldest_age_seconds",
    "How long the oldest ready key has waited for a worker; 0 where none waits.",
    ("priority",),
    registry=REGISTRY,
)
CIRCUIT_OPEN = Gauge(
    "frankenpanel_circuit_open",
    "1 while a dependency (kubernetes, database/<server>) does not answer and what needs it waits.",
    ("dependency",),
    registry=REGISTRY,
)
CIRCUIT_PARKED_KEYS = Gauge(
    "frankenpanel_circuit_parked_keys",
    "Keys that wait for a dependency to answer again.",
    ("dependency",),
    registry=REGISTRY,
)
IS_LEADER = Gauge(
    "frankenpanel_leader",
    "1 while this replica holds the Lease and reconciles, 0 while it stands by.",
    registry=REGISTRY,
)
LEADER_TERMS = Counter(
    "frankenpanel_leader_terms_total",
    "Terms of leadership that this replica began.",
    registry=REGISTRY,
)
FENCED_WRITES = Counter(
    "frankenpanel_fenced_writes_total",
    "Writes that were held back in the last moment because the term had ended.",
    registry=REGISTRY,
)
WRITE_LIMIT = Gauge(
    "frankenpanel_write_limit",
    "How many writes may be under way at once; falls when the API server slows down or refuses.",
    registry=REGISTRY,
)
WRITES_IN_FLIGHT = Gauge(
    "frankenpanel_writes_in_flight",
    "Writes that are under way.",
    registry=REGISTRY,
)
WRITE_WAIT_SECONDS = Histogram(
    "frankenpanel_write_wait_seconds",
    "Time that a write waited for its turn before it was sent.",
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30),
    registry=REGISTRY,
)
API_REQUESTS = Counter(
    "frankenpanel_api_requests_total",
    "Requests to the Kubernetes API server; result is the HTTP status, or 'network' where none came.",
    ("verb", "kind", "result"),
    registry=REGISTRY,
)
DRIFT_REPAIRED = Counter(
    "frankenpanel_drift_repaired_total",
    "Owned objects that a foreign hand had changed and that were put right.",
    ("kind",),
    registry=REGISTRY,
)
CACHED_OBJECTS = Gauge(
    "frankenpanel_cached_objects",
    "Objects in the operator's memory, by kind.",
    ("kind",),
    registry=REGISTRY,
)
CACHE_BYTES = Gauge(
    "frankenpanel_cache_bytes",
    "Size of the objects in the operator's memory as they are kept, by kind.",
    ("kind",),
    registry=REGISTRY,
)
EVENTS_DROPPED = Counter(
    "frankenpanel_events_dropped_total",
    "Kubernetes Events that were not posted because an object or the operator had posted too many.",
    registry=REGISTRY,
)
CANARY_AGE_SECONDS = Gauge(
    "frankenpanel_canary_age_seconds",
    "Time since a write of the operator's own came back through its watch.",
    registry=REGISTRY,
)
WATCH_AGE_SECONDS = Gauge(
    "frankenpanel_watch_age_seconds",
    "Time since a watch last brought anything, a bookmark included; the server sends one every minute.",
    ("kind",),
    registry=REGISTRY,
)
WATCH_RELISTS = Counter(
    "frankenpanel_watch_relists_total",
    "Complete lists that a watch had to begin with, the first one included.",
    ("kind",),
    registry=REGISTRY,
)
DNS_QUESTIONS = Counter(
    "frankenpanel_dns_questions_total",
    "Questions about hosts by what name servers said; 'unreachable': nothing that can be used.",
    ("kind", "outcome"),
    registry=REGISTRY,
)
HTTP_PROOFS = Counter(
    "frankenpanel_http_proofs_total",
    "Web servers that should have shown the proof of a host; 'refused': their address is not public.",
    ("outcome",),
    registry=REGISTRY,
)
HOST_LOOKS_IN_FLIGHT = Gauge(
    "frankenpanel_host_looks_in_flight",
    "Hosts about which name servers or web servers are being asked.",
    registry=REGISTRY,
)
CERTIFICATES = Gauge(
    "frankenpanel_certificates",
    "Certificates of hosts (ordered, or brought by tenants) by state; 'expiring': ends within three weeks.",
    ("state",),
    registry=REGISTRY,
)
EARLIEST_CERTIFICATE_END = Gauge(
    "frankenpanel_certificate_earliest_end_timestamp_seconds",
    "When the first of the certificates ends, or ended, in seconds since 1970; +Inf where there is none.",
    registry=REGISTRY,
)
EARLIEST_CERTIFICATE_END.set(math.inf)
BUILD_INFO = Gauge(
    "frankenpanel_operator_build_info",
    "Always 1; the labels say what runs.",
    ("version", "python"),
    registry=REGISTRY,
)


def operator_version() -> str:
    """Return the installed version of the operator."""
    try:
        return version("frankenpanel-operator")
    except PackageNotFoundError:
        return "unknown"


BUILD_INFO.labels(operator_version(), platform.python_version()).set(1)


def render() -> bytes:
    """Return all metrics in Prometheus' text format."""
    return generate_latest(REGISTRY)
