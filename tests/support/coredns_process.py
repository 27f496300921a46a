"""Starts a real name server for tests: CoreDNS, authoritative for one zone that the test writes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode
from die_with_parent import DIE_WITH_PARENT

REPOSITORY = Path(__file__).parents[2]
ZONE = "test"
# How long resolvers remember that there is nothing.
NEGATIVE_TTL_SECONDS = 2
START_SECONDS = 60
STOP_SECONDS = 10

COREFILE = """\
{zone}:{port} {{
    bind {address}
    file {file} {{
        reload 50ms
    }}
    errors
}}
"""


@dataclass
class NameServer:
    """One CoreDNS in a folder of its own; its zone can be rewritten, and it can be stopped and started."""

    folder: Path
    port: int
    host: str = "127.0.0.1"
    _serial: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port

    def write(self, *records: str) -> None:
        """Let the zone have these records and no others, and wait until they are served.

        A record is a line as in any zone file, its name relative to `test.`: "www.shop 60 IN A 192.0.2.1".
        """
        self._write_zone(records)
        self._wait_until_served()

    def start(self) -> None:
        """Start, with the zone as it was written last, and wait until it answers."""
        corefile = self.folder / "Corefile"
        corefile.write_text(
            COREFILE.format(zone=ZONE, port=self.port, address=self.host, file=self.folder / "zone"),
            encoding="utf-8",
        )
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", DIE_WITH_PARENT, str(_program()), "-conf", str(corefile)],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._wait_until_served()

    def stop(self) -> None:
        """Stop; whoever asks meanwhile is told by the kernel that nobody is there."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _write_zone(self, records: tuple[str, ...]) -> None:
        self._serial += 1
        numbers = f"{self._serial} 3600 600 86400 {NEGATIVE_TTL_SECONDS}"
        lines = [
            f"$ORIGIN {ZONE}.",
            f"@ 60 IN SOA ns.{ZONE}. hostmaster.{ZONE}. {numbers}",
            f"@ 60 IN NS ns.{ZONE}.",
            "ns 60 IN A 127.0.0.1",
            *records,
        ]
        # Replaced in one step: half a zone is a zone, too.
        fresh = self.folder / "zone.new"
        fresh.write_text("\n".join(lines) + "\n", encoding="utf-8")
        fresh.replace(self.folder / "zone")

    def _wait_until_served(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"coredns ended:\n{(self.folder / 'log').read_text()[-2000:]}")
            if self._served_serial() == self._serial:
                return
            time.sleep(0.02)
        raise TimeoutError(f"coredns does not serve the zone after {START_SECONDS} s")

    def _served_serial(self) -> int | None:
        question = dns.message.make_query(f"{ZONE}.", "SOA")
        try:
            answer = dns.query.udp(question, self.host, port=self.port, timeout=1)
        except (dns.exception.DNSException, OSError):
            return None
        if answer.rcode() != dns.rcode.NOERROR or not answer.answer:
            return None
        serial: int = answer.answer[0][0].serial
        return serial


@contextmanager
def running_name_server(folder: Path, host: str = "127.0.0.1") -> Iterator[NameServer]:
    """Run a name server on an address of this machine, with an empty zone, until the block ends."""
    server = NameServer(folder, _free_port(host), host)
    server._write_zone(())
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _free_port(host: str) -> int:
    """Return a port on which nobody listens, by neither UDP nor TCP."""
    while True:
        with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagram:
            stream.bind((host, 0))
            port: int = stream.getsockname()[1]
            try:
                datagram.bind((host, port))
            except OSError:
                continue
            return port


def _program() -> Path:
    path = Path(os.environ.get("FRANKENPANEL_BUILD_DIR") or REPOSITORY / ".build") / "bin" / "coredns"
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing: `make test-integration` compiles it, and so does `make up`"
        )
    return path
