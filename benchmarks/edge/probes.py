"""A thousand questions a second to the permission endpoint, asked on time whatever the answers take.

Run as a program, so that the benchmark's own work does not hold up its clock:
`python -m edge.probes PORT SECONDS HOSTS`.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from itertools import count

from edge.population import host_name

RATE_PER_SECOND = 1000
CONNECTIONS = 16


@dataclass
class Found:
    """Latencies from the moment in which a question was due, and answers that were wrong."""

    milliseconds: list[float] = field(default_factory=list)
    per_second: float = 0.0
    wrong: int = 0


def permission_latencies(port: int, hosts: list[str], seconds: float) -> Found:
    command = [sys.executable, "-m", "edge.probes", str(port), str(seconds), str(len(hosts))]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Found(**json.loads(output))


def question(number: int, hosts: int) -> tuple[str, tuple[int, ...]]:
    """Return a host and the answers it may get; every second one is known.

    Whether a known one may be ordered right now is for the gateways to settle among themselves.
    """
    if number % 2:
        return f"x{number}.unknown.example", (403,)
    return host_name(2 * random.randrange(hosts // 2)), (200, 403)


async def ask(port: int, seconds: float, hosts: int) -> Found:
    found, started = Found(), time.perf_counter()
    total, numbers = int(RATE_PER_SECOND * seconds), count()

    async def in_turn() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (number := next(numbers)) < total:
            due = started + number / RATE_PER_SECOND
            if (pause := due - time.perf_counter()) > 0:
                await asyncio.sleep(pause)
            host, expected = question(number, hosts)
            writer.write(f"GET /permission?domain={host} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            status = await _status(reader)
            found.milliseconds.append(1000 * (time.perf_counter() - due))
            found.wrong += status not in expected
        writer.close()

    await asyncio.gather(*(in_turn() for _ in range(CONNECTIONS)))
    found.per_second = len(found.milliseconds) / (time.perf_counter() - started)
    return found


async def _status(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    _, _, length = head.lower().partition(b"content-length:")
    if length:
        await reader.readexactly(int(length.split(b"\r\n", 1)[0]))
    return int(head.split()[1])


if __name__ == "__main__":
    result = asyncio.run(ask(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
    print(json.dumps(asdict(result)))
