"""Somebody else's small requests, twenty a second: how long they take shows how polite an operator is.

Run as a program of its own, so that the load generator's event loop does not show in the figures. Writes a
line "<seconds since the epoch> <milliseconds>" per request.
"""

from __future__ import annotations

import http.client
import json
import ssl
import sys
import time
from pathlib import Path

INTERVAL_SECONDS = 0.05
PATH = "/api/v1/namespaces/others/configmaps"
NAME = "other"


def main(port: int, authority: str, token: str) -> None:
    context = ssl.create_default_context(cafile=authority)
    context.verify_flags &= ~0x20
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def send(method: str, path: str, body: object = None, kind: str = "application/json") -> None:
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {**headers, "Content-Type": kind})
        connection.getresponse().read()

    send("POST", PATH, {"metadata": {"name": NAME}, "data": {"count": "0"}})
    number, due = 0, time.monotonic()
    while True:
        number += 1
        started = time.perf_counter()
        if number % 2:
            send("GET", f"{PATH}/{NAME}")
        else:
            send("PATCH", f"{PATH}/{NAME}", {"data": {"count": str(number)}}, "application/merge-patch+json")
        print(f"{time.time():.3f} {(time.perf_counter() - started) * 1000:.3f}", flush=True)
        # Late requests are not made up for: each second's delay would otherwise count many times.
        due = max(due + INTERVAL_SECONDS, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))


def read_latencies(path: Path, since: float, until: float) -> list[float]:
    """Return the milliseconds of the requests that ended between two times of the epoch."""
    found = []
    # The last line may be half written.
    for line in path.read_text().split("\n")[:-1]:
        at, milliseconds = map(float, line.split())
        if since <= at <= until:
            found.append(milliseconds)
    return found


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
