"""Reads the certificates that tenants bring, each by its name, and keeps nothing of them.

The chart gives no right to do so: a tenant binds the ClusterRole `frankenpanel-certificate-reader`, or one of
their own, to the operator's account in their namespace. Nothing here lists or watches.
"""

from __future__ import annotations

import base64

from frankenpanel_operator.cluster.api_errors import NotFoundError
from frankenpanel_operator.cluster.client import KubernetesClient
from frankenpanel_operator.cluster.resources import SECRET
from frankenpanel_operator.errors import ClusterRefusedError, SecretForbiddenError, SecretNotFoundError
from frankenpanel_operator.observed import Manifest
from frankenpanel_operator.ports import TlsSecret

CHAIN_FIELD = "tls.crt"
KEY_FIELD = "tls.key"
_FORBIDDEN = 403


class KubernetesTenantSecrets:
    """Implements `ports.TenantSecrets`."""

    def __init__(self, client: KubernetesClient) -> None:
        self._client = client

    async def read_tls(self, namespace: str, name: str) -> TlsSecret:
        """Read one Secret, every time anew."""
        try:
            secret = await self._client.get(SECRET, namespace, name)
        except NotFoundError as error:
            raise SecretNotFoundError(f"there is no Secret {namespace}/{name}") from error
        except ClusterRefusedError as error:
            if error.status != _FORBIDDEN:
                raise
            raise SecretForbiddenError(f"the Secret {namespace}/{name} may not be read") from error
        metadata = secret["metadata"]
        version = f"{metadata['uid']}/{metadata['resourceVersion']}"
        return TlsSecret(version, _value(secret, CHAIN_FIELD), _value(secret, KEY_FIELD))


def _value(secret: Manifest, field: str) -> bytes:
    """Decode one value; what is no base64 was refused by the API server."""
    return base64.b64decode((secret.get("data") or {}).get(field) or "")
