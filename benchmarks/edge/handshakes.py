"""TLS handshakes one after the other: how long until they are done or refused."""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import dataclass, field


@dataclass
class Handshakes:
    """Milliseconds from the first byte of the handshake on; the connection exists already."""

    accepted_ms: list[float] = field(default_factory=list)
    refused_ms: list[float] = field(default_factory=list)


def handshakes(port: int, names: list[str]) -> Handshakes:
    """Ask for each name by a connection of its own."""
    context = ssl.create_default_context()
    # Whose certificate it is does not matter here, only how long it takes.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    found = Handshakes()
    for name in names:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            started = time.perf_counter()
            try:
                with context.wrap_socket(connection, server_hostname=name):
                    found.accepted_ms.append(1000 * (time.perf_counter() - started))
            except (ssl.SSLError, ConnectionError):
                found.refused_ms.append(1000 * (time.perf_counter() - started))
    return found
