from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import kubernetes_validate
import pytest
from frankenpanel_crds.site import Site
from frankenpanel_operator.desired.promotion import Promotion
from frankenpanel_operator.desired.resolution import Resolution
from frankenpanel_operator.desired.rewrite_job import (
    RewriteStep,
    build_rewrite_job,
    is_rewrite,
    rewrite_job_name,
)

SINCE = datetime(2026, 8, 1, tzinfo=UTC)
PROMOTION = Promotion(("old.example", "older.example"), "new.example", SINCE)
REWRITE = {"rewrite": {"command": ["php-cli", "/app/rewrite.php"]}}


@pytest.fixture
def build(
    make_site: Callable[..., Site], make_preset: Callable[..., Any], resolved: Callable[..., Resolution]
) -> Callable[..., Any]:
    def run(step: RewriteStep, preset: dict[str, Any] | None = None, **references: Any) -> Any:
        site = make_site()
        made = make_preset(REWRITE if preset is None else preset)
        return build_rewrite_job(site, resolved(site, preset=made, **references).inputs, PROMOTION, step)

    return run


def container(job: dict[str, Any]) -> dict[str, Any]:
    (only,) = job["spec"]["template"]["spec"]["containers"]
    assert isinstance(only, dict)
    return only


def test_counting_is_the_same_command_with_dry_run(build: Callable[..., Any]) -> None:
    count, change = (build(step) for step in RewriteStep)
    assert container(change)["command"] == ["php-cli", "/app/rewrite.php"]
    assert container(count)["command"] == ["php-cli", "/app/rewrite.php", "--dry-run"]
    assert count["metadata"]["name"] != change["metadata"]["name"]


def test_hosts_are_told_by_the_environment(build: Callable[..., Any]) -> None:
    told = {item["name"]: item for item in container(build(RewriteStep.CHANGE))["env"]}
    assert told["FROM_HOSTS"]["value"] == "old.example older.example"
    assert told["TO_HOST"]["value"] == "new.example"
    assert "controller-uid" in told["REWRITE_ID"]["valueFrom"]["fieldRef"]["fieldPath"]


def test_no_volume_of_the_site_is_mounted(build: Callable[..., Any]) -> None:
    spec = build(RewriteStep.CHANGE)["spec"]["template"]["spec"]
    assert not [volume for volume in spec["volumes"] if "persistentVolumeClaim" in volume]
    assert spec["initContainers"][0]["command"][1:] == ["/app"]


def test_it_ends_by_itself_and_is_tidied_up(build: Callable[..., Any]) -> None:
    spec = build(RewriteStep.COUNT)["spec"]
    assert spec["backoffLimit"] < 10
    assert spec["activeDeadlineSeconds"] > 0
    assert spec["ttlSecondsAfterFinished"] > 3600
    assert spec["template"]["spec"]["restartPolicy"] == "Never"


def test_it_belongs_to_the_site_and_is_told_apart_from_an_installation(build: Callable[..., Any]) -> None:
    job = build(RewriteStep.COUNT)
    assert job["metadata"]["ownerReferences"][0]["kind"] == "Site"
    assert is_rewrite(job)
    assert is_rewrite(job["spec"]["template"])
    assert not is_rewrite({"metadata": {}})


def test_kubernetes_takes_it(build: Callable[..., Any]) -> None:
    for step in RewriteStep:
        kubernetes_validate.validate(copy.deepcopy(build(step)), "1.30.0", strict=True)


def test_each_promotion_has_jobs_of_its_own(make_site: Callable[..., Site]) -> None:
    site = make_site()
    promotions = [
        PROMOTION,
        Promotion(PROMOTION.from_hosts, "other.example", SINCE),
        Promotion(("old.example",), PROMOTION.host, SINCE),
        Promotion(PROMOTION.from_hosts, PROMOTION.host, SINCE + timedelta(seconds=1)),
    ]
    names = {rewrite_job_name(site, promotion, step) for promotion in promotions for step in RewriteStep}
    assert len(names) == 8


def test_without_a_command_or_with_parts_unresolved_there_is_none(build: Callable[..., Any]) -> None:
    assert build(RewriteStep.COUNT, preset={}) is None
    assert build(RewriteStep.COUNT, catalog=None) is None
    assert build(RewriteStep.COUNT, servers=()) is None
