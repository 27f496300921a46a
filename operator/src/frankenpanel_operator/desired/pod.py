"""What all pods of a Site share, those that serve and those that install: code, volumes, files."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from frankenpanel_crds.site import Site
from frankenpanel_crds.sitepreset import ConfigFormat

from frankenpanel_operator import naming
from frankenpanel_operator.desired.config_secret import WP_CONFIG_KEY
from frankenpanel_operator.desired.configmap import CADDYFILE_KEY, PHP_INI_KEY
from frankenpanel_operator.desired.inputs import SiteInputs, Workload
from frankenpanel_operator.desired.resolution import wants_database
from frankenpanel_operator.desired.security import container_security_context, hardened_pod_fields
from frankenpanel_operator.desired.web_server import CODE_PATH
from frankenpanel_operator.observed import Manifest

ENTRY_POINT = "/usr/local/bin/frankenpanel-php"
SETTINGS_PATH = "/etc/frankenpanel"
PULL_POLICY = "IfNotPresent"

_LAY_CODE = "/usr/local/bin/lay-code"
_APPLICATION_CONFIG_PATH = "/run/frankenpanel/config"
# Copying some thousand small files needs hardly any memory, but the cache of what it writes counts.
_CODE_RESOURCES: Manifest = {
    "requests": {"cpu": "50m", "memory": "32Mi", "ephemeral-storage": "64Mi"},
    "limits": {"cpu": "1", "memory": "256Mi", "ephemeral-storage": "2Gi"},
}
# name, path in the container, size limit: the only places besides volumes that a pod can write to.
_SCRATCH = (("tmp", "/tmp", "512Mi"), ("server", "/run/frankenphp", "64Mi"))  # noqa: S108  a mount, not a file
_CODE_SIZE_LIMIT = "1Gi"


def workload_of(site: Site, inputs: SiteInputs) -> Workload | None:
    """Return what the pods are made of, or None while a part of it is unresolved."""
    if inputs.runtime is None or inputs.application is None or inputs.storage is None:
        return None
    if inputs.database is None and wants_database(site):
        return None
    if inputs.database is None and has_config_file(inputs):
        return None
    return Workload(inputs.runtime, inputs.application, inputs.storage, inputs.database)


def has_config_file(inputs: SiteInputs) -> bool:
    """Say whether the application is configured by a file in a Secret."""
    return inputs.application is not None and inputs.application.config_format == ConfigFormat.WP_CONFIG


def pod_spec(
    site: Site, workload: Workload, container: Manifest, volumes: Sequence[Manifest] = ()
) -> Manifest:
    """Return the hardened spec around one container, with the code laid out before it starts.

    `volumes` are those that only this container needs.
    """
    return {
        **hardened_pod_fields(naming.web_name(site.metadata.name)),
        "initContainers": [_code_container(workload)],
        "containers": [
            {**container, "imagePullPolicy": PULL_POLICY, "securityContext": container_security_context()}
        ],
        "volumes": [*_volumes(site, workload), *volumes],
    }


def runtime_mounts(workload: Workload) -> list[Manifest]:
    """Return the mounts of a container that runs PHP: code read-only, volumes on top of it."""
    mounts: list[Manifest] = [
        {"name": "settings", "mountPath": SETTINGS_PATH, "readOnly": True},
        *({"name": name, "mountPath": path} for name, path, _ in _SCRATCH),
        {"name": "code", "mountPath": CODE_PATH, "readOnly": True},
        *_volume_mounts(workload),
    ]
    if workload.application.config_format == ConfigFormat.WP_CONFIG:
        mounts.append({"name": "application-config", "mountPath": _APPLICATION_CONFIG_PATH, "readOnly": True})
    return mounts


def _code_container(workload: Workload) -> Manifest:
    return {
        "name": "code",
        "image": workload.application.image,
        "imagePullPolicy": PULL_POLICY,
        "command": [_LAY_CODE, CODE_PATH, *(path.mount_path for path in workload.storage)],
        "resources": _CODE_RESOURCES,
        "securityContext": container_security_context(),
        "volumeMounts": [{"name": "code", "mountPath": CODE_PATH}, *_volume_mounts(workload)],
    }


def _volume_mounts(workload: Workload) -> list[Manifest]:
    return [
        {"name": naming.pod_volume_name(path.name), "mountPath": posixpath.join(CODE_PATH, path.mount_path)}
        for path in workload.storage
    ]


def _volumes(site: Site, workload: Workload) -> list[Manifest]:
    config = naming.config_name(site.metadata.name)
    items = [{"key": key, "path": key} for key in (CADDYFILE_KEY, PHP_INI_KEY)]
    volumes: list[Manifest] = [
        {"name": "settings", "configMap": {"name": config, "items": items}},
        *({"name": name, "emptyDir": {"sizeLimit": limit}} for name, _, limit in _SCRATCH),
        {"name": "code", "emptyDir": {"sizeLimit": _CODE_SIZE_LIMIT}},
        *(
            {
                "name": naming.pod_volume_name(path.name),
                "persistentVolumeClaim": {"claimName": path.claim_name},
            }
            for path in workload.storage
        ),
    ]
    if workload.application.config_format == ConfigFormat.WP_CONFIG:
        # Group-readable by the pod's fsGroup, and by nobody else.
        secret = {
            "secretName": config,
            "defaultMode": 0o440,
            "items": [{"key": WP_CONFIG_KEY, "path": WP_CONFIG_KEY}],
        }
        volumes.append({"name": "application-config", "secret": secret})
    return volumes
