from __future__ import annotations

import pytest
from frankenpanel_crds.hosts import hosts_above
from frankenpanel_operator.desired.overlap import Overlap, overlap_of
from frankenpanel_operator.findings import Proof

VERIFIED = {"verifiedAt": "2026-07-01T00:00:00Z"}
RELEASED = {**VERIFIED, "releasedAt": "2026-07-02T00:00:00Z"}


def claim(namespace, **spec):
    reference = {"namespace": namespace, "name": "x", "uid": "u"}
    return {"metadata": {"name": "x"}, "spec": {"domainRef": reference, **spec}}


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({}, Overlap()),
        ({"example.com": claim("other")}, Overlap()),
        ({"example.com": claim("other", **VERIFIED)}, Overlap(Proof.RECORD, "example.com")),
        ({"*.example.com": claim("other", **VERIFIED)}, Overlap(Proof.RECORD, "example.com")),
        ({"example.com": claim("other", **RELEASED)}, Overlap(Proof.RECORD, "example.com")),
        ({"example.com": claim("demo", **VERIFIED)}, Overlap(Proof.NOTHING, "example.com")),
        ({"example.com": claim("demo", **RELEASED)}, Overlap()),
        ({"example.com": claim("demo")}, Overlap()),
        (
            {"example.com": claim("other", **VERIFIED), "shop.example.com": claim("demo", **VERIFIED)},
            Overlap(Proof.NOTHING, "shop.example.com"),
        ),
        (
            {"example.com": claim("demo", **VERIFIED), "*.shop.example.com": claim("other", **VERIFIED)},
            Overlap(Proof.RECORD, "shop.example.com"),
        ),
        (
            {"shop.example.com": claim("demo", **VERIFIED), "*.shop.example.com": claim("a", **VERIFIED)},
            Overlap(Proof.RECORD, "shop.example.com"),
        ),
    ],
)
def test_the_nearest_proven_host_above_decides(claims, expected):
    above = [(host, claims[host]) for host in hosts_above("www.shop.example.com") if host in claims]
    assert overlap_of("demo", above) == expected
