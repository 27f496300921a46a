"""The ports of this host on which visitors reach the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from frankenpanel_hack.errors import UserError

HTTP_VARIABLE = "FRANKENPANEL_HTTP_PORT"
HTTPS_VARIABLE = "FRANKENPANEL_HTTPS_PORT"
LISTEN_ADDRESS = "127.0.0.1"
_DEFAULTS = {HTTP_VARIABLE: 80, HTTPS_VARIABLE: 443}


@dataclass(frozen=True)
class PublicPorts:
    """Ports on 127.0.0.1."""

    http: int
    https: int

    def url(self, host: str) -> str:
        """Return the address of a host as a visitor types it."""
        return f"http://{host}/" if self.http == _DEFAULTS[HTTP_VARIABLE] else f"http://{host}:{self.http}/"

    def named(self) -> list[tuple[int, str]]:
        """Return each port with the variable that changes it."""
        return [(self.http, HTTP_VARIABLE), (self.https, HTTPS_VARIABLE)]


def read_ports(environment: Mapping[str, str]) -> PublicPorts:
    """Return the ports that the environment asks for.

    Raises:
        UserError: for what is no port.
    """
    return PublicPorts(_port(environment, HTTP_VARIABLE), _port(environment, HTTPS_VARIABLE))


def _port(environment: Mapping[str, str], variable: str) -> int:
    text = environment.get(variable) or str(_DEFAULTS[variable])
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise UserError(f"{variable} must be a port number, not {text!r}.")
    return int(text)
