"""The rules of claims, in every combination."""

from __future__ import annotations

import itertools

import pytest
from frankenpanel_crds.conditions import DomainReason
from frankenpanel_operator.desired.claiming import (
    Rival,
    Standing,
    Step,
    proof_needed,
    rule,
    rule_unseen,
    standing_of,
)
from frankenpanel_operator.desired.holding import holding_of
from frankenpanel_operator.desired.overlap import Overlap
from frankenpanel_operator.findings import HostChecks, Ownership, Proof, Resolution

HOST = "shop.example.com"
VERIFIED, RELEASED = {"verifiedAt": "2026-07-01T00:00:00Z"}, {"releasedAt": "2026-07-02T00:00:00Z"}
HERE = Resolution(is_here=True, reason=DomainReason.RESOLVES, message="Here.")
OVERLAPS = [Overlap(), Overlap(Proof.RECORD, "example.com"), Overlap(Proof.NOTHING, "example.com")]
OF_ANOTHER = (Standing.ABANDONED, Standing.COOLING, Standing.UNPROVEN)


def holding(namespace="demo", uid="uid-of-shop.localhost", **spec):
    reference = {"namespace": namespace, "name": "x", "uid": uid}
    return holding_of({"metadata": {"name": HOST}, "spec": {"domainRef": reference, **spec}})


def checks(*, proven):
    return HostChecks(Ownership(is_proven=proven, reason=DomainReason.VERIFIED, message="So."), HERE)


@pytest.mark.parametrize(
    ("claim", "has_domain", "standing"),
    [
        (None, True, Standing.FREE),
        (holding(), True, Standing.OWN),
        (holding(**RELEASED), True, Standing.INHERITABLE),
        (holding(uid="x"), True, Standing.TAKEN),
        (holding(uid="x"), False, Standing.INHERITABLE),
        (holding("other", "x"), True, Standing.UNPROVEN),
        (holding("other", "x"), False, Standing.ABANDONED),
        (holding("other", "x", **VERIFIED), True, Standing.TAKEN),
        (holding("other", "x", **VERIFIED), False, Standing.COOLING),
        (holding("other", "x", **VERIFIED, **RELEASED), False, Standing.COOLING),
        (holding("other", "x", **RELEASED), False, Standing.ABANDONED),
        (holding("", ""), False, Standing.ABANDONED),
    ],
)
def test_what_a_claim_is_to_a_domain(make_domain, claim, has_domain, standing):
    rival = None if claim is None else Rival(claim, has_domain=has_domain, is_leaving=False)
    assert standing_of(make_domain(), rival) is standing
    if claim is not None:
        leaving = Rival(claim, has_domain=has_domain, is_leaving=True)
        assert standing_of(make_domain(), leaving) is Standing.LEAVING


def test_only_what_is_firmly_another_s_or_on_its_way_out_need_not_be_looked_at():
    firm = {standing for standing in Standing if rule_unseen(HOST, standing) is not None}
    assert firm == {Standing.TAKEN, Standing.LEAVING}


@pytest.mark.parametrize("overlap", OVERLAPS, ids=lambda item: item.proof.value)
def test_what_has_to_be_shown(overlap):
    assert proof_needed(Standing.FREE, None, overlap) is overlap.proof
    assert proof_needed(Standing.OWN, holding(), overlap) is overlap.proof
    assert proof_needed(Standing.COOLING, holding("other", **VERIFIED), overlap) is Proof.RECORD
    assert proof_needed(Standing.OWN, holding(**VERIFIED), overlap) is not Proof.RECORD


COMBINATIONS = list(
    itertools.product(
        [item for item in Standing if rule_unseen(HOST, item) is None], [True, False], OVERLAPS, [True, False]
    )
)


@pytest.mark.parametrize(("standing", "proven", "overlap", "expired"), COMBINATIONS)
def test_the_host_is_had_or_it_is_said_why_not(standing, proven, overlap, expired):
    ruling = rule(HOST, standing, checks(proven=proven), overlap, is_expired=expired)
    has_it = ruling.step in (Step.WRITE, Step.REPLACE)
    assert has_it == (ruling.refusal is None)
    if proven:
        assert has_it
    assert (ruling.step is Step.REPLACE) == (has_it and standing in OF_ANOTHER)
    if has_it and not proven:
        assert standing not in (Standing.COOLING, Standing.UNPROVEN)
        assert overlap.proof is not Proof.RECORD
        assert not expired
    if ruling.refusal is not None:
        assert HOST in ruling.refusal.message
        assert ruling.refusal.message.endswith(".")
