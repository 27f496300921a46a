"""The two Secrets that gateways make for themselves and share: the internal authority, the ACME account.

They are made once, by whichever replica comes first, and belong to no release of the chart: an upgrade or a
new rendering of it cannot replace them.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import structlog
from cryptography.hazmat.primitives.asymmetric import ec
from frankenpanel_crds.labels import LABEL_MANAGED_BY, LABEL_PART_OF, PART_OF

from frankenpanel_gateway.api_client import ApiClient, ConflictError
from frankenpanel_gateway.certificate_store import write_private
from frankenpanel_gateway.internal_authority import key_pem, make_authority
from frankenpanel_gateway.secret_copies import CHAIN, KEY

_log = structlog.stdlib.get_logger(__name__)

AUTHORITY_SECRET = "frankenpanel-internal-ca"  # noqa: S105 (an object's name)
ACCOUNT_SECRET = "frankenpanel-acme-account"  # noqa: S105 (an object's name)
MANAGED_BY = "frankenpanel-gateway"
TLS_TYPE = "kubernetes.io/tls"


def secret_manifest(
    name: str, values: Mapping[str, bytes], type_name: str = "Opaque", **metadata: Mapping[str, str]
) -> dict[str, Any]:
    """Return a Secret as this gateway writes it."""
    labels = {LABEL_PART_OF: PART_OF, LABEL_MANAGED_BY: MANAGED_BY, **metadata.get("labels", {})}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, **metadata, "labels": labels},
        "type": type_name,
        "data": _encoded(values),
    }


def _encoded(values: Mapping[str, bytes]) -> dict[str, str]:
    return {field: base64.b64encode(value).decode() for field, value in values.items()}


class OwnSecrets:
    """Remembers the gateway's own Secrets, also on disk, and makes those that do not exist.

    Args:
        folder: where they are kept for outages of the API server.
        path: of the Secrets in the API server.
        changed: takes the values of one, by name; None where it is gone.
        now: the time of day.
    """

    def __init__(
        self,
        folder: Path,
        path: str,
        changed: Callable[[str, Mapping[str, bytes] | None], None],
        now: Callable[[], datetime],
    ) -> None:
        self._folder = folder
        self._path = path
        self._changed = changed
        self._now = now
        self._values: dict[str, Mapping[str, bytes]] = {}

    def open(self) -> None:
        """Begin with what an earlier run left."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in (AUTHORITY_SECRET, ACCOUNT_SECRET):
            try:
                kept = orjson.loads((self._folder / name).read_bytes())
                self._note(name, {field: base64.b64decode(text) for field, text in kept.items()})
            except FileNotFoundError:
                continue
            except (ValueError, AttributeError):
                _log.warning("a kept Secret is damaged and not used", secret=name)

    def take(self, name: str, values: Mapping[str, bytes] | None) -> None:
        """Note a Secret as the API server has it, or that it is gone."""
        if name not in (AUTHORITY_SECRET, ACCOUNT_SECRET) or self._values.get(name) == values:
            return
        if values is None:
            (self._folder / name).unlink(missing_ok=True)
        else:
            write_private(self._folder / name, orjson.dumps(_encoded(values)))
        self._note(name, values)

    def _note(self, name: str, values: Mapping[str, bytes] | None) -> None:
        if values is None:
            del self._values[name]
        else:
            self._values[name] = values
        self._changed(name, values)

    async def make_missing(self, client: ApiClient) -> None:
        """Create what is missing; the watch brings it, from whichever replica it comes.

        Raises:
            ApiError: the API server refuses.
        """
        if AUTHORITY_SECRET not in self._values:
            chain, key = make_authority(self._now())
            await self._create(client, AUTHORITY_SECRET, {CHAIN: chain, KEY: key}, TLS_TYPE)
        if ACCOUNT_SECRET not in self._values:
            account_key = key_pem(ec.generate_private_key(ec.SECP256R1()))
            await self._create(client, ACCOUNT_SECRET, {"key": account_key})

    async def _create(
        self, client: ApiClient, name: str, values: Mapping[str, bytes], type_name: str = "Opaque"
    ) -> None:
        try:
            await client.create(self._path, secret_manifest(name, values, type_name))
        except ConflictError:
            return
        _log.info("made a Secret of the gateway's own", secret=name)
