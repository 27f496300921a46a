"""Load on loopback with hosts drawn at random: wrk where it is installed, else a plain loop."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

SCRIPT = """
local requests = {}
for host in io.lines("%s") do
  requests[#requests + 1] = "GET / HTTP/1.1\\r\\nHost: " .. host .. "\\r\\n\\r\\n"
end
math.randomseed(7)
request = function() return requests[math.random(#requests)] end
done = function(summary, latency, _)
  local e = summary.errors
  io.write(string.format('@{"requests": %%d, "microseconds": %%d, "p50": %%d, "p99": %%d, "errors": %%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


@dataclass(frozen=True)
class Load:
    """What one run of requests showed."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    errors: int


def run_load(port: int, hosts: list[str], connections: int, seconds: int, folder: Path) -> Load:
    if shutil.which("wrk"):
        return _wrk(port, hosts, connections, seconds, folder)
    return asyncio.run(_loop(port, hosts, connections, seconds))


def _wrk(port: int, hosts: list[str], connections: int, seconds: int, folder: Path) -> Load:
    names, script = folder / "hosts.txt", folder / "wrk.lua"
    names.write_text("\n".join(hosts) + "\n")
    script.write_text(SCRIPT % names)
    url = f"http://127.0.0.1:{port}/"
    arguments = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script), url]
    output = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout
    line = next(line for line in output.splitlines() if line.startswith("@"))
    figures = json.loads(line[1:])
    return Load(
        figures["requests"] / figures["microseconds"] * 1e6,
        figures["p50"] / 1000,
        figures["p99"] / 1000,
        figures["errors"],
    )


async def _loop(port: int, hosts: list[str], connections: int, seconds: int) -> Load:
    latencies: list[float] = []
    errors = 0
    deadline = time.perf_counter() + seconds

    async def visit() -> None:
        nonlocal errors
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < deadline:
            started = time.perf_counter()
            writer.write(f"GET / HTTP/1.1\r\nHost: {random.choice(hosts)}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n", 1)[0])
            body = await reader.readexactly(length)
            latencies.append(time.perf_counter() - started)
            errors += not head.startswith(b"HTTP/1.1 200") or body != b"ok"
        writer.close()

    await asyncio.gather(*(visit() for _ in range(connections)))
    cuts = statistics.quantiles(latencies, n=100)
    return Load(len(latencies) / seconds, cuts[49] * 1000, cuts[98] * 1000, errors)
