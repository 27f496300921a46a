"""The Secrets of the platform's own namespace, the only ones that this operator reads unasked."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping

import structlog
from frankenpanel_crds.labels import LABEL_MANAGED_BY, LABEL_PART_OF, MANAGED_BY, PART_OF

from frankenpanel_operator.cluster.api_errors import AlreadyExistsError, NotFoundError
from frankenpanel_operator.cluster.client import KubernetesClient
from frankenpanel_operator.cluster.resources import SECRET
from frankenpanel_operator.errors import AdminSecretError, SpecError
from frankenpanel_operator.failpoints import Failpoint, reached
from frankenpanel_operator.observed import Manifest

log = structlog.stdlib.get_logger(__name__)

PLATFORM_KEY_SECRET = "frankenpanel-platform-key"  # noqa: S105  an object's name
PLATFORM_KEY_FIELD = "key"
PLATFORM_KEY_BYTES = 32
MARIADB_SECRET = "frankenpanel-mariadb"  # noqa: S105  an object's name
_MARIADB_PASSWORD_BYTES = 24


class PlatformKeyLostError(SpecError):
    """The platform key is gone while Sites exist whose credentials were derived from it."""


class PlatformSecrets:
    """Reads, and where they are absent creates, the platform's Secrets.

    Args:
        client: speaks to the API server.
        namespace: the platform's namespace.
        random_bytes: a cryptographic source, as `secrets.token_bytes`.
    """

    def __init__(
        self, client: KubernetesClient, namespace: str, random_bytes: Callable[[int], bytes]
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._random_bytes = random_bytes

    async def read(self, name: str) -> Mapping[str, bytes]:
        """Return the values of a Secret which a DatabaseServer names as its admin account.

        Raises:
            AdminSecretError: it does not exist (yet), so the server cannot be used.
        """
        values = await self._find(name)
        if values is None:
            raise AdminSecretError(f"the admin account's Secret {name} does not exist")
        return values

    async def ensure_platform_key(self, *, may_generate: bool) -> bytes:
        """Return the platform key; generate it where there is none.

        Raises:
            PlatformKeyLostError: there is none, and generating one is not allowed.
        """
        values = await self._find(PLATFORM_KEY_SECRET)
        if values is None:
            if not may_generate:
                raise PlatformKeyLostError(
                    f"the Secret {PLATFORM_KEY_SECRET} is missing, but Sites exist whose passwords derive "
                    "from it: restore it from a backup, or set FRANKENPANEL_ALLOW_NEW_PLATFORM_KEY=true "
                    "to give every Site new credentials"
                )
            log.info("generating the platform key", secret=PLATFORM_KEY_SECRET)
            key = self._random_bytes(PLATFORM_KEY_BYTES)
            values = await self._create(PLATFORM_KEY_SECRET, {PLATFORM_KEY_FIELD: key})
            reached(Failpoint.PLATFORM_KEY_CREATED)
        key = values.get(PLATFORM_KEY_FIELD, b"")
        if len(key) < PLATFORM_KEY_BYTES:
            raise PlatformKeyLostError(
                f"the Secret {PLATFORM_KEY_SECRET} has no field {PLATFORM_KEY_FIELD!r} of "
                f"{PLATFORM_KEY_BYTES} bytes; restore it from a backup"
            )
        return key

    async def ensure_mariadb_account(self) -> None:
        """Generate the embedded MariaDB's root account where there is none; its pod waits for it."""
        if await self._find(MARIADB_SECRET) is None:
            log.info("generating the embedded MariaDB's root account", secret=MARIADB_SECRET)
            password = base64.urlsafe_b64encode(self._random_bytes(_MARIADB_PASSWORD_BYTES))
            await self._create(MARIADB_SECRET, {"username": b"root", "password": password})
            reached(Failpoint.MARIADB_ACCOUNT_CREATED)

    async def _find(self, name: str) -> Mapping[str, bytes] | None:
        try:
            return _values(await self._client.get(SECRET, self._namespace, name))
        except NotFoundError:
            return None

    async def _create(self, name: str, values: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """Create a Secret; whoever loses a race takes the winner's values."""
        manifest = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": name,
                "namespace": self._namespace,
                "labels": {LABEL_PART_OF: PART_OF, LABEL_MANAGED_BY: MANAGED_BY},
            },
            "type": "Opaque",
            "data": {field: base64.b64encode(value).decode() for field, value in values.items()},
        }
        try:
            return _values(await self._client.create(SECRET, self._namespace, manifest))
        except AlreadyExistsError:
            return _values(await self._client.get(SECRET, self._namespace, name))


def _values(secret: Manifest) -> Mapping[str, bytes]:
    """Decode a Secret's data; what is no base64 was refused by the API server."""
    try:
        return {field: base64.b64decode(text) for field, text in (secret.get("data") or {}).items()}
    except binascii.Error as error:
        raise SpecError(f"the Secret {secret['metadata']['name']} is not valid base64") from error
