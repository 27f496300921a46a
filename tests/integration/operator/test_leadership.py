"""Two replicas as processes: whatever befalls the leader, the other goes on, and they never both write.

Who wrote when stands in the API server's audit log; each replica is a user of its own.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
from api_audit import ApiAudit, Write
from api_server_process import kubeconfig_of
from crowd import Crowd
from fault_proxy import FaultProxy
from fault_rules import Cut, Rule
from frankenpanel_operator.failpoints import Failpoint
from killable_operator import Kill, KillableOperator, Nursery
from operator_pod import Replicas, last_holder_before, strays, terms, written_by

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("own_cluster")]

SITES = 20
# Twice as patient as an installation, so that a busy machine does not decide who leads.
PATIENT = {"FRANKENPANEL_LEASE_SECONDS": "8"}
# In the middle of the crowd: much is done, much is under way, and much is still to do.
IN_THE_MIDDLE = (Failpoint.DEPLOYMENT_APPLIED, SITES // 3)


@pytest.fixture
def audit(api_server: Path, is_own_cluster: bool) -> ApiAudit:
    return ApiAudit(api_server)


@pytest.fixture
def replicas(
    nursery: Nursery, api_server: Path, platform_namespace: str, installed_crds: list[str]
) -> Iterator[Replicas]:
    replicas = Replicas(nursery, api_server, platform_namespace)
    yield replicas
    replicas.end()


def start_both(
    replicas: Replicas, kubeconfig: Path | None = None, **changes: str
) -> tuple[KillableOperator, KillableOperator]:
    """Start two replicas; the first one, perhaps by a kubeconfig of its own, leads; the other stands by."""
    first = replicas.start("replica-a", kubeconfig, **changes)
    first.wait_until(lambda: first.state().get("is_leading"), "the first one leads")
    second = replicas.start("replica-b", **changes)
    second.wait_until(lambda: second.state().get("is_standing_by"), "the second one stands by")
    return first, second


def leads_after(pod: KillableOperator, what: str) -> None:
    """Wait until a replica leads, and print how long that took."""
    started = time.monotonic()
    pod.wait_until(lambda: pod.state().get("is_leading"), f"it leads after {what}")
    print(f"\nled {time.monotonic() - started:.2f} s after {what}")  # noqa: T201


def wait_until_whole(crowd: Crowd, pod: KillableOperator) -> None:
    try:
        pod.wait_until(crowd.is_whole, "everybody is whole")
    except AssertionError as error:
        raise AssertionError(f"{crowd.unfinished()}") from error
    assert crowd.leftovers() == []


def check_one_writer_at_a_time(writes: list[Write], *leaders: str) -> None:
    """See that these led one after another, that each wrote something, and only in its own term."""
    found = terms(writes)
    # A leader whose machine is very busy may lose a term and win the next one.
    assert [user for user, _ in groupby(term.user for term in found)] == list(leaders)
    numbers = [term.number for term in found]
    assert numbers == sorted(set(numbers))
    assert list(strays(writes)) == []
    assert written_by(writes).keys() == set(leaders)


def new_sites(crowd: Crowd, prefix: str = "s") -> None:
    crowd.create(f"{prefix}{number:02}" for number in range(SITES))


def test_a_killed_leader_s_work_is_finished_by_the_other(
    replicas: Replicas, crowd: Crowd, audit: ApiAudit
) -> None:
    first, second = start_both(replicas)
    first.arm(Kill(*IN_THE_MIDDLE))
    new_sites(crowd)
    first.wait_until_dead()
    leads_after(second, "a SIGKILL")
    wait_until_whole(crowd, second)
    check_one_writer_at_a_time(audit.writes(), "replica-a", "replica-b")


def test_a_leader_that_is_told_to_end_hands_over(replicas: Replicas, crowd: Crowd, audit: ApiAudit) -> None:
    first, second = start_both(replicas, **PATIENT)
    first.arm(Kill(*IN_THE_MIDDLE, by=signal.SIGTERM))
    new_sites(crowd)
    first.wait_until_dead()
    leads_after(second, "the end of a leader that was told to end")
    wait_until_whole(crowd, second)
    writes = audit.writes()
    check_one_writer_at_a_time(writes, "replica-a", "replica-b")
    assert last_holder_before(writes, terms(writes)[1]) == "", "the Lease was given back"


def test_a_leader_that_wakes_too_late_writes_nothing(
    replicas: Replicas, crowd: Crowd, audit: ApiAudit
) -> None:
    first, second = start_both(replicas, **PATIENT)
    first.arm(Kill(*IN_THE_MIDDLE, by=signal.SIGSTOP))
    new_sites(crowd)
    second.wait_until(first.is_stopped, "the first one stands still")
    leads_after(second, "a SIGSTOP")
    wait_until_whole(crowd, second)
    first.signal(signal.SIGCONT)
    first.wait_until(lambda: first.state().get("is_standing_by"), "it has noticed")
    print(f"\n{first.state()['fenced_writes']:.0f} writes were held back")  # noqa: T201
    new_sites(crowd, "late")
    wait_until_whole(crowd, second)
    check_one_writer_at_a_time(audit.writes(), "replica-a", "replica-b")


def test_a_leader_without_an_api_server_stands_by(
    replicas: Replicas, crowd: Crowd, audit: ApiAudit, api_server: Path, tmp_path: Path
) -> None:
    with FaultProxy(kubeconfig_of("replica-a", api_server)) as proxy:
        first, second = start_both(replicas, proxy.write_kubeconfig(tmp_path / "kubeconfig"), **PATIENT)
        new_sites(crowd)
        wait_until_whole(crowd, first)
        with proxy.rules.during(Rule(Cut())):
            proxy.hang_up()
            new_sites(crowd, "late")
            first.wait_until(lambda: not first.state()["is_leading"], "it knows that it leads no more")
            leads_after(second, "the leader lost the API server")
            wait_until_whole(crowd, second)
        first.wait_until(lambda: first.state()["is_standing_by"], "it has found the API server again")
        new_sites(crowd, "later")
        wait_until_whole(crowd, second)
        # Before the proxy goes, which would otherwise have a visitor on its doorstep.
        first.kill()
    check_one_writer_at_a_time(audit.writes(), "replica-a", "replica-b")
