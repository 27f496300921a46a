"""The Job that sets the application up, once."""

from __future__ import annotations

from frankenpanel_crds import labels
from frankenpanel_crds.conditions import SiteCondition, find_condition
from frankenpanel_crds.labels import Component
from frankenpanel_crds.site import Site

from frankenpanel_operator import naming
from frankenpanel_operator.desired.environment import environment_sources, install_environment
from frankenpanel_operator.desired.inputs import SiteInputs, Workload
from frankenpanel_operator.desired.metadata import Built, content_hash, owned_labels, owned_object
from frankenpanel_operator.desired.pod import pod_spec, runtime_mounts, workload_of
from frankenpanel_operator.desired.resources import effective_resources
from frankenpanel_operator.observed import Manifest, OwnedKind

CONTAINER_NAME = "install"
# The Job must outlive its cause: a database that is down for a night, a Secret that comes later. The kubelet
# backs off up to five minutes between restarts, so a high number costs nothing.
_RESTARTS = 100_000
# Long enough to read the log of yesterday's installation, short enough not to keep a pod per Site for ever.
_KEEP_FINISHED_SECONDS = 86_400


def needs_installation(site: Site, inputs: SiteInputs) -> bool:
    """Say whether the application is still to be set up, by the preset's hook and what the status remembers.

    A status that was lost costs one more run of a hook that leaves an installed application alone.
    """
    application = inputs.application
    if application is None or not application.install_command:
        return False
    recorded = site.status.application
    installed = find_condition(site.status.conditions, SiteCondition.INSTALLED)
    is_same_application = recorded is not None and recorded.preset == application.preset
    return not (is_same_application and installed is not None and installed.is_true)


def build_install_job(site: Site, inputs: SiteInputs) -> Built:
    """Build it while the application is to be set up; a finished Job is left to its time to live."""
    workload = workload_of(site, inputs)
    if workload is None or not needs_installation(site, inputs):
        return None
    spec = _job_spec(site, inputs, workload)
    name = naming.install_job_name(site.metadata.name, content_hash(spec))
    return (owned_object(OwnedKind.JOB, site, name, {"spec": spec}),)


def _job_spec(site: Site, inputs: SiteInputs, workload: Workload) -> Manifest:
    container = {
        "name": CONTAINER_NAME,
        "image": workload.runtime.image,
        "command": list(workload.application.install_command),
        "env": install_environment(site, inputs, workload),
        "envFrom": environment_sources(site),
        "resources": effective_resources(site),
        "volumeMounts": runtime_mounts(workload),
    }
    pod_labels = {**owned_labels(site, Component.INSTALL), labels.LABEL_DATA_ID: inputs.data_id}
    return {
        "backoffLimit": _RESTARTS,
        "ttlSecondsAfterFinished": _KEEP_FINISHED_SECONDS,
        "template": {
            "metadata": {"labels": pod_labels},
            "spec": {**pod_spec(site, workload, container), "restartPolicy": "OnFailure"},
        },
    }
