"""The Deployment of a Site: the pods that serve its visitors."""

from __future__ import annotations

from frankenpanel_crds.labels import ANNOTATION_CONFIG_DIGEST, ANNOTATION_SETTINGS_HASH, Component
from frankenpanel_crds.site import Site

from frankenpanel_operator import naming
from frankenpanel_operator.credentials import digest
from frankenpanel_operator.desired.accounts import account_mounts, account_volumes
from frankenpanel_operator.desired.address import HTTP_PORT, authority
from frankenpanel_operator.desired.config_secret import render_site_wp_config
from frankenpanel_operator.desired.configmap import settled_files
from frankenpanel_operator.desired.database_secret import database_values
from frankenpanel_operator.desired.environment import environment_sources, web_environment
from frankenpanel_operator.desired.inputs import PersistentPath, SiteInputs, Workload
from frankenpanel_operator.desired.metadata import Built, content_hash, owned_labels, owned_object, selector
from frankenpanel_operator.desired.pod import ENTRY_POINT, pod_spec, runtime_mounts, workload_of
from frankenpanel_operator.desired.resources import effective_resources
from frankenpanel_operator.desired.service import PORT_NAME
from frankenpanel_operator.desired.volumes import is_single_node
from frankenpanel_operator.desired.web_server import (
    GRACE_PERIOD_SECONDS,
    LIVENESS_PATH,
    PROBE_PORT,
    SITE_PORT,
)
from frankenpanel_operator.observed import Manifest, OwnedKind

CONTAINER_NAME = "web"

# Until every node has taken the pod out of its Services; only then may it stop to listen.
_DRAIN_SECONDS = 5
# For the farewell of a server that has siblings, and for PHP to end.
_STOP_SECONDS = 10
_START_LIMIT_SECONDS = 120


def build_deployment(site: Site, inputs: SiteInputs) -> Built:
    """Build it once everything the pods are made of is resolved."""
    workload = workload_of(site, inputs)
    if workload is None:
        return None
    spec = {
        "replicas": replicas(site, workload.storage),
        "revisionHistoryLimit": 3,
        "progressDeadlineSeconds": 600,
        "strategy": _strategy(workload.storage),
        "selector": {"matchLabels": selector(site, Component.WEB)},
        "template": {
            "metadata": {
                "labels": owned_labels(site, Component.WEB),
                "annotations": _checksums(site, inputs, workload),
            },
            "spec": {
                **pod_spec(site, workload, _container(site, inputs, workload), account_volumes(site)),
                "terminationGracePeriodSeconds": _DRAIN_SECONDS + GRACE_PERIOD_SECONDS + _STOP_SECONDS,
            },
        },
    }
    return (owned_object(OwnedKind.DEPLOYMENT, site, naming.web_name(site.metadata.name), {"spec": spec}),)


def replicas(site: Site, storage: tuple[PersistentPath, ...]) -> int:
    """Return how many pods can run: one, where a volume cannot be in two places."""
    return 1 if is_single_node(storage) else site.spec.scaling.replicas


def _strategy(storage: tuple[PersistentPath, ...]) -> Manifest:
    if is_single_node(storage):
        # A new pod on another node would wait for ever for the volume that the old pod holds.
        return {"type": "Recreate"}
    return {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


def _container(site: Site, inputs: SiteInputs, workload: Workload) -> Manifest:
    return {
        "name": CONTAINER_NAME,
        "image": workload.runtime.image,
        "command": [ENTRY_POINT, "serve"],
        "env": web_environment(site, inputs, workload),
        "envFrom": environment_sources(site),
        "ports": [
            {"name": PORT_NAME, "containerPort": SITE_PORT, "protocol": "TCP"},
            {"name": "probes", "containerPort": PROBE_PORT, "protocol": "TCP"},
        ],
        "resources": effective_resources(site),
        "volumeMounts": [*runtime_mounts(workload), *account_mounts(site)],
        "lifecycle": {"preStop": {"sleep": {"seconds": _DRAIN_SECONDS}}},
        **_probes(site, inputs, workload),
    }


def _probes(site: Site, inputs: SiteInputs, workload: Workload) -> Manifest:
    """Return the probes: alive is what answers without PHP, ready is what answers a visitor's request."""
    liveness = {"path": LIVENESS_PATH, "port": PROBE_PORT}
    readiness: Manifest = {"path": workload.application.health_path, "port": SITE_PORT}
    if inputs.primary_host is not None:
        # Applications redirect requests for other hosts to their own, which a probe takes for an answer.
        host = authority(inputs.primary_host, inputs.platform.http_port, usual_port=HTTP_PORT)
        readiness["httpHeaders"] = [{"name": "Host", "value": host}]
    timeout_seconds = site.spec.health.timeout_seconds
    return {
        "startupProbe": {
            "httpGet": liveness,
            "periodSeconds": 1,
            "timeoutSeconds": 1,
            "failureThreshold": _START_LIMIT_SECONDS,
        },
        "livenessProbe": {
            "httpGet": liveness,
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": 3,
        },
        "readinessProbe": {
            "httpGet": readiness,
            "periodSeconds": max(5, timeout_seconds),
            "timeoutSeconds": timeout_seconds,
            "failureThreshold": 3,
        },
    }


def _checksums(site: Site, inputs: SiteInputs, workload: Workload) -> dict[str, str]:
    """Return annotations that change with files and secrets, so that a change of them starts new pods."""
    checksums = {ANNOTATION_SETTINGS_HASH: content_hash(settled_files(site, workload.application))}
    if workload.database is not None:
        secret = "\n".join(
            [
                render_site_wp_config(site, inputs, workload.database),
                *database_values(inputs, workload.database).values(),
            ]
        )
        key = inputs.credentials.digest_key.get_secret_value().encode()
        checksums[ANNOTATION_CONFIG_DIGEST] = digest(key, secret)
    return checksums
