"""Hosts and their claims; pure."""

from __future__ import annotations

from typing import Any

SITE = "demo.shop"
BODIES = ("one\n", "two\n")
"""What the two upstreams answer: a wrong body is a visitor in the wrong place."""


def host_name(number: int) -> str:
    return f"www.site{number}.customer{number % 97}.example"


def hosts_of(count: int) -> list[str]:
    return [host_name(number) for number in range(count)]


def is_orderable(number: int) -> bool:
    """Say whether a certificate may be ordered for a host; the others have one of our own."""
    return number % 2 == 0


def claim(host: str, upstream: str, version: int) -> dict[str, Any]:
    """Return a claim about as large as a real one with its managed fields."""
    may_order = is_orderable(version)
    return {
        "apiVersion": "frankenpanel.io/v1alpha1",
        "kind": "DomainClaim",
        "metadata": {
            "name": host,
            "uid": f"6f1c9a52-0000-4000-8000-{version:012d}",
            "resourceVersion": str(version),
            "generation": 1,
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "managedFields": [{"manager": "frankenpanel-operator", "fieldsV1": {"f:spec": {"x": "y" * 400}}}],
        },
        "spec": {
            "host": host,
            "domainRef": {"namespace": "demo", "name": host, "uid": "6f1c9a52-0000-4000-8000-000000000000"},
            "verifiedAt": "2026-01-01T00:00:00Z",
            "tls": {"mode": "Managed" if may_order else "Internal", "mayOrder": may_order},
            "route": {"site": SITE, "upstream": upstream},
        },
    }


def claim_event(kind: str, host: str, upstream: str, version: int) -> dict[str, Any]:
    return {"type": kind, "object": claim(host, upstream, version)}
