"""How to reach and convince the API server, whoever found out."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

SERVICE_ACCOUNT_TOKEN_PATH = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


@dataclass(frozen=True, slots=True)
class Connection:
    """The API server and our credentials.

    Attributes:
        server: base URL, without a path.
        ssl: verifies the server, and carries the client certificate where that is how we sign in.
        token: a bearer token that stays as it is.
        token_path: a file with a bearer token that the kubelet replaces before it expires; wins over `token`.
        headers: further headers, such as a basic sign-in.
    """

    server: str
    ssl: ssl.SSLContext
    token: SecretStr | None = None
    token_path: Path | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class BearerToken:
    """The token to send now; follows the file where there is one."""

    def __init__(self, connection: Connection) -> None:
        self._path = connection.token_path
        self._token = connection.token
        self._modified_ns = 0

    def header(self) -> dict[str, str]:
        """Return the Authorization header, or nothing where we sign in without a token."""
        self._follow_file()
        return {} if self._token is None else {"Authorization": f"Bearer {self._token.get_secret_value()}"}

    def distrust(self) -> None:
        """Read the file again whatever its date says: the server refused what it held."""
        self._modified_ns = 0

    def _follow_file(self) -> None:
        """Read the file again when it changed; one `stat` of a file in memory is next to nothing."""
        if self._path is None:
            return
        try:
            modified_ns = self._path.stat().st_mtime_ns
            if modified_ns != self._modified_ns:
                self._token = SecretStr(self._path.read_text().strip())
                self._modified_ns = modified_ns
        except OSError:
            # The kubelet swaps a symbolic link: the gap lasts an instant, and the old token still is valid.
            return
