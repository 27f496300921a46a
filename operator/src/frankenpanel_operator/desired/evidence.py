"""Shows on the Deployment which Secrets were written before it, since Secrets are never read back.

The Deployment is applied after the Secrets of the same pass. A keyed digest over all of them, stored on the
Deployment, therefore proves after any restart that they were written, and saves writing them again.
"""

from __future__ import annotations

import orjson
from frankenpanel_crds.labels import ANNOTATION_SECRETS_DIGEST

from frankenpanel_operator.credentials import SiteCredentials, digest
from frankenpanel_operator.desired.metadata import seal
from frankenpanel_operator.observed import Manifest, OwnedKind


def secrets_digest(manifests: tuple[Manifest, ...], credentials: SiteCredentials) -> str:
    """Return a digest over all Secrets among the manifests; it tells nothing about their values."""
    secrets = [item for item in manifests if item["kind"] == OwnedKind.SECRET]
    text = orjson.dumps(secrets, option=orjson.OPT_SORT_KEYS).decode()
    return digest(credentials.digest_key.get_secret_value().encode(), text)


def with_evidence(deployment: Manifest, value: str) -> Manifest:
    """Return the Deployment with the digest, sealed again."""
    metadata = deployment["metadata"]
    annotations = {**metadata.get("annotations", {}), ANNOTATION_SECRETS_DIGEST: value}
    return seal({**deployment, "metadata": {**metadata, "annotations": annotations}})


def are_secrets_written(desired: Manifest | None, live: Manifest | None) -> bool:
    """Say whether the live Deployment proves that all desired Secrets were written, and still has its pods.

    A Deployment without available pods proves nothing: a Secret that was deleted keeps pods from starting,
    so the Secrets are written again.
    """
    if desired is None or live is None:
        return False
    wanted = desired["metadata"]["annotations"].get(ANNOTATION_SECRETS_DIGEST)
    found = live["metadata"].get("annotations", {}).get(ANNOTATION_SECRETS_DIGEST)
    wants_pods = bool(live.get("spec", {}).get("replicas"))
    return wanted == found and (bool(live.get("status", {}).get("availableReplicas")) or not wants_pods)
