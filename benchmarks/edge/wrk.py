"""Load on loopback by wrk, with hosts drawn at random."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from edge.servers import program_path

_SCRIPT = """
local requests = {}
for host in io.lines(%(names)s) do
  requests[#requests + 1] = "GET / HTTP/1.1\\r\\nHost: " .. host .. "\\r\\n\\r\\n"
end
math.randomseed(%(seed)d)
request = function() return requests[math.random(#requests)] end
%(check)s
local threads = {}
setup = function(thread) table.insert(threads, thread) end
done = function(summary, latency, _)
  local e, wrong = summary.errors, 0
  for _, thread in ipairs(threads) do wrong = wrong + (thread:get("wrong") or 0) end
  io.write(string.format(
    '@{"requests": %%d, "microseconds": %%d, "p50": %%d, "p99": %%d, "errors": %%d, "wrong": %%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.timeout + %(status)s, wrong))
end
"""
# wrk takes answers apart only for this; it costs about a tenth of the requests per second.
_CHECK = """
wrong = 0
response = function(status, _, body)
  if status ~= 200 or body ~= %(body)s then wrong = wrong + 1 end
end
"""


@dataclass(frozen=True)
class Load:
    """What one run of requests showed; `wrong` counts answers that are not the expected one."""

    requests: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    errors: int
    wrong: int

    @property
    def failures(self) -> int:
        return self.errors + self.wrong


def wrk_script(names: Path, body: str | None, seed: int) -> str:
    """Return the Lua script; with a body, every answer is compared to it."""
    check = "" if body is None else _CHECK % {"body": json.dumps(body)}
    # A wrong status is a wrong answer already where answers are compared.
    status = "e.status" if body is None else "0"
    return _SCRIPT % {"names": json.dumps(str(names)), "seed": seed, "check": check, "status": status}


def read_load(output: str) -> Load:
    """Read what the script wrote.

    Raises:
        ValueError: wrk did not get that far.
    """
    line = next((line for line in output.splitlines() if line.startswith("@")), None)
    if line is None:
        raise ValueError(f"wrk gave no summary: {output[-300:]}")
    found = json.loads(line[1:])
    return Load(
        requests=found["requests"],
        requests_per_second=found["requests"] / max(1, found["microseconds"]) * 1e6,
        p50_ms=found["p50"] / 1000,
        p99_ms=found["p99"] / 1000,
        errors=found["errors"],
        wrong=found["wrong"],
    )


class Visitors:
    """Runs wrk against one port, with hosts from one file."""

    def __init__(self, port: int, folder: Path) -> None:
        self._port, self._folder, self._runs = port, folder, 0

    def run(self, hosts: list[str], connections: int, seconds: float, body: str | None = None) -> Load:
        """Visit for a while; with a body, compare every answer."""
        return self.finish(self.start(hosts, connections, seconds, body))

    def start(
        self, hosts: list[str], connections: int, seconds: float, body: str | None = None
    ) -> subprocess.Popen[str]:
        self._runs += 1
        names, script = self._folder / "hosts.txt", self._folder / f"wrk-{self._runs}.lua"
        names.write_text("\n".join(hosts) + "\n")
        script.write_text(wrk_script(names, body, self._runs))
        url = f"http://127.0.0.1:{self._port}/"
        rounded = max(1, round(seconds))
        options = ["-t1", f"-c{connections}", f"-d{rounded}s", "--latency", "-s", str(script)]
        return subprocess.Popen(
            [program_path("wrk"), *options, url],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    @staticmethod
    def finish(running: subprocess.Popen[str]) -> Load:
        output, _ = running.communicate()
        return read_load(output)
