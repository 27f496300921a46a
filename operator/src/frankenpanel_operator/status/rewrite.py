"""How far the rewrite of stored addresses is after a promotion, and which Job comes next; pure.

It is judged anew in each pass from the Jobs and their pods; what they said is remembered in the Domain's
status only once they are gone, which finished Jobs are after a day.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

import orjson
from frankenpanel_crds.domain_settings import RewriteContent
from frankenpanel_crds.domain_status import RewritePhase, RewriteStatus
from frankenpanel_crds.site import Site

from frankenpanel_operator.desired.promotion import Promotion
from frankenpanel_operator.desired.rewrite_job import RewriteStep
from frankenpanel_operator.observed import Manifest
from frankenpanel_operator.status.pods import pod_problem

_MAX_MESSAGE_LENGTH = 512
_MAX_COUNT = 2**53
_AGAIN = "set spec.onPromote.rewriteContent to Never and back to try again"


class RunPhase(StrEnum):
    """How a Job is."""

    MISSING = "missing"
    ACTIVE = "active"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Run:
    """One Job as it is observed; counts are None where no pod tells them, or not yet."""

    phase: RunPhase
    job_name: str
    values: int | None = None
    skipped: int | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """What the status says, and the step whose Job is to be created now, if one is."""

    status: RewriteStatus
    start: RewriteStep | None = None


def run_of(site: Site, job_name: str, job: Manifest | None, pods: Iterable[Manifest]) -> Run:
    """Judge a Job by its conditions and by what its pods left as their last word."""
    if job is None:
        return Run(RunPhase.MISSING, job_name)
    own = [pod for pod in pods if _belongs_to(pod, job)]
    if _has_condition(job, "Failed"):
        return Run(RunPhase.FAILED, job_name)
    result = next((found for pod in own if (found := _result(pod)) is not None), None)
    if _has_condition(job, "Complete") and (result is not None or not own or _has_succeeded(own)):
        values, skipped = result or (None, None)
        return Run(RunPhase.SUCCEEDED, job_name, values, skipped)
    problem = pod_problem(site, own)
    return Run(RunPhase.ACTIVE, job_name, problem=problem.message if problem is not None else "")


def rewrite_progress(
    promotion: Promotion, mode: RewriteContent, known: RewriteStatus | None, count: Run, change: Run
) -> Progress:
    """Decide; `known` is what the Domain's status says of this very promotion."""
    say = _Sayer(promotion)
    if change.phase is not RunPhase.MISSING:
        return Progress(say.changing(change, known, count))
    if count.phase is RunPhase.ACTIVE:
        return Progress(say.status(RewritePhase.COUNTING, None, count.problem or say.counting))
    if count.phase is RunPhase.FAILED:
        return Progress(say.failed("counted", count))
    if known is not None and known.phase in (RewritePhase.REWRITTEN, RewritePhase.FAILED):
        return Progress(known)
    if count.phase is RunPhase.MISSING and (known is None or known.phase is RewritePhase.COUNTING):
        return Progress(say.status(RewritePhase.COUNTING, None, say.counting), RewriteStep.COUNT)
    counted = say.counted(count, known)
    if mode is not RewriteContent.ALWAYS:
        return Progress(counted)
    if counted.values == 0:
        return Progress(say.status(RewritePhase.REWRITTEN, 0, counted.message or ""))
    return Progress(say.status(RewritePhase.REWRITING, counted.values, say.rewriting), RewriteStep.CHANGE)


def refused_status(promotion: Promotion, detail: str) -> RewriteStatus:
    """Return the status where the cluster does not take a Job."""
    text = f"The cluster refuses the Job ({detail.strip().rstrip('.')[:200]}); {_AGAIN}."
    return _Sayer(promotion).status(RewritePhase.FAILED, None, text)


@dataclass(frozen=True, slots=True)
class _Sayer:
    """Puts findings into words."""

    promotion: Promotion
    counting = "Stored values that name the former host are being counted; nothing is changed."
    rewriting = "Stored values that name the former host are being rewritten."

    def status(self, phase: RewritePhase, values: int | None, message: str) -> RewriteStatus:
        return RewriteStatus(
            from_host=self.promotion.from_hosts[0],
            promoted_at=self.promotion.since,
            phase=phase,
            values=values,
            message=message[:_MAX_MESSAGE_LENGTH],
        )

    def counted(self, count: Run, known: RewriteStatus | None) -> RewriteStatus:
        if count.phase is RunPhase.MISSING and known is not None:
            if known.phase is RewritePhase.COUNTED:
                return known
            # Its Job was lost while it rewrote; the number stands.
            count = replace(count, values=known.values)
        if count.values == 0:
            text = "No stored value names the former host in a way that could be rewritten."
        else:
            text = (
                f"{_number(count.values)} the former host; nothing is changed. Set "
                "spec.onPromote.rewriteContent to Always to have them rewritten, or to Never to leave them."
            )
        return self.status(RewritePhase.COUNTED, count.values, text + _left_alone(count))

    def changing(self, change: Run, known: RewriteStatus | None, count: Run) -> RewriteStatus:
        if change.phase is RunPhase.FAILED:
            return self.failed("rewritten", change)
        if change.phase is RunPhase.ACTIVE:
            expected = count.values if count.values is not None else known.values if known else None
            return self.status(RewritePhase.REWRITING, expected, change.problem or self.rewriting)
        if change.values is None and known is not None and known.phase is RewritePhase.REWRITTEN:
            return known
        text = (
            "Stored values were rewritten. Caches of plugins, and of networks in front of the site, may show "
            "the former host until they are emptied."
        )
        return self.status(RewritePhase.REWRITTEN, change.values, text + _left_alone(change))

    def failed(self, what: str, run: Run) -> RewriteStatus:
        text = (
            f"Stored values could not be {what}; the log of the Job {run.job_name} says why. Correct it, "
            f"then {_AGAIN}."
        )
        return self.status(RewritePhase.FAILED, None, text)


def _number(values: int | None) -> str:
    if values is None:
        return "Some stored values may name"
    return "1 stored value names" if values == 1 else f"{values} stored values name"


def _left_alone(run: Run) -> str:
    """Tell of values that cannot be changed without damage."""
    if not run.skipped:
        return ""
    subject = "1 value names it" if run.skipped == 1 else f"{run.skipped} values name it"
    return f" {subject} where a change would do damage: see the log of the Job {run.job_name}."


def _belongs_to(pod: Manifest, job: Manifest) -> bool:
    uid = job["metadata"].get("uid")
    return any(owner.get("uid") == uid for owner in pod["metadata"].get("ownerReferences", []))


def _has_condition(job: Manifest, type_: str) -> bool:
    conditions = job.get("status", {}).get("conditions", [])
    return any(item["type"] == type_ and item["status"] == "True" for item in conditions)


def _ends(pod: Manifest) -> list[Manifest]:
    statuses = pod.get("status", {}).get("containerStatuses", [])
    return [end for item in statuses if (end := item.get("state", {}).get("terminated"))]


def _has_succeeded(pods: Iterable[Manifest]) -> bool:
    """Say whether the pod that made the Job complete is known to have ended; its word may be to come."""
    return any(end.get("exitCode") == 0 for pod in pods for end in _ends(pod))


def _result(pod: Manifest) -> tuple[int, int] | None:
    """Read the counts that a pod left; a tenant's own command may leave anything."""
    for end in _ends(pod):
        if end.get("exitCode") != 0:
            continue
        try:
            found = orjson.loads(end.get("message", ""))
        except orjson.JSONDecodeError:
            continue
        if isinstance(found, dict) and _is_count(found.get("values")):
            skipped = found.get("skipped", 0)
            return found["values"], skipped if _is_count(skipped) else 0
    return None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MAX_COUNT
