"""What every pod of a tenant must satisfy: the *restricted* Pod Security level, and a little more.

https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
"""

from __future__ import annotations

from frankenpanel_operator.observed import Manifest

USER_ID = 10001
"""The user of every image in a tenant's pod; files on volumes belong to the group of the same number."""


def pod_security_context() -> Manifest:
    """Return the pod-wide part."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER_ID,
        "runAsGroup": USER_ID,
        "fsGroup": USER_ID,
        # Changing the owner of every file of a large volume can take minutes at each start of a pod.
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security_context() -> Manifest:
    """Return the part that each container has to repeat."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }


def hardened_pod_fields(service_account: str) -> Manifest:
    """Return the fields of a pod's spec that keep the cluster out of the tenant's reach."""
    return {
        "serviceAccountName": service_account,
        "automountServiceAccountToken": False,
        # Otherwise each Service of the namespace adds seven variables, which name the neighbours.
        "enableServiceLinks": False,
        "securityContext": pod_security_context(),
    }
