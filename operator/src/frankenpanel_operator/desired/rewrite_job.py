"""The Jobs that count and rewrite stored addresses after a Site got another Primary host.

They run the preset's command on the code of the image alone, without the Site's volumes: no plugin of the
tenant has a part in it, and a volume that only one node may mount is in use by the pods that serve.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from frankenpanel_crds import labels
from frankenpanel_crds.labels import Component
from frankenpanel_crds.site import Site

from frankenpanel_operator import naming
from frankenpanel_operator.desired.environment import environment_sources, rewrite_environment
from frankenpanel_operator.desired.inputs import SiteInputs, Workload
from frankenpanel_operator.desired.metadata import content_hash, owned_labels, owned_object
from frankenpanel_operator.desired.pod import pod_spec, runtime_mounts, workload_of
from frankenpanel_operator.desired.promotion import Promotion
from frankenpanel_operator.desired.resources import effective_resources
from frankenpanel_operator.observed import Manifest, OwnedKind

CONTAINER_NAME = "rewrite"
_DRY_RUN = "--dry-run"
# A database that restarts is waited for; what fails more often than that needs a person.
_RESTARTS = 3
_DEADLINE_SECONDS = 6 * 3600
_KEEP_FINISHED_SECONDS = 86_400


class RewriteStep(StrEnum):
    """What a Job does."""

    COUNT = "count"
    CHANGE = "change"


def is_rewrite(body: Manifest) -> bool:
    """Say whether a Job or a pod is one of these; the Site's own reconcile leaves them alone."""
    return bool(body["metadata"].get("labels", {}).get(labels.LABEL_COMPONENT) == Component.REWRITE)


def rewrite_job_name(site: Site, promotion: Promotion, step: RewriteStep) -> str:
    """Return the name of a step's Job: the same for the same promotion, whatever else changes meanwhile."""
    since = promotion.since.isoformat() if promotion.since is not None else ""
    parts = [*promotion.from_hosts, promotion.host, since, step.value]
    return naming.rewrite_job_name(site.metadata.name, content_hash(parts))


def build_rewrite_job(
    site: Site, inputs: SiteInputs, promotion: Promotion, step: RewriteStep
) -> Manifest | None:
    """Build the Job of a step; None while a part of the Site is unresolved, or where there is no command."""
    workload = workload_of(site, inputs)
    if workload is None or not workload.application.rewrite_command:
        return None
    spec = _job_spec(site, inputs, replace(workload, storage=()), promotion, step)
    name = rewrite_job_name(site, promotion, step)
    return owned_object(OwnedKind.JOB, site, name, {"spec": spec}, component=Component.REWRITE)


def _job_spec(
    site: Site, inputs: SiteInputs, workload: Workload, promotion: Promotion, step: RewriteStep
) -> Manifest:
    command = list(workload.application.rewrite_command)
    container = {
        "name": CONTAINER_NAME,
        "image": workload.runtime.image,
        "command": [*command, _DRY_RUN] if step is RewriteStep.COUNT else command,
        "env": rewrite_environment(site, inputs, workload, promotion),
        "envFrom": environment_sources(site),
        "resources": effective_resources(site),
        "volumeMounts": runtime_mounts(workload),
    }
    pod_labels = {**owned_labels(site, Component.REWRITE), labels.LABEL_DATA_ID: inputs.data_id}
    return {
        "backoffLimit": _RESTARTS,
        "activeDeadlineSeconds": _DEADLINE_SECONDS,
        "ttlSecondsAfterFinished": _KEEP_FINISHED_SECONDS,
        "template": {
            "metadata": {"labels": pod_labels},
            # Never: a pod that failed stays, with its log.
            "spec": {**pod_spec(site, workload, container), "restartPolicy": "Never"},
        },
    }
