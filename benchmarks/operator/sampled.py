"""Runs kopf with a sampler beside it, which says where the main thread's time goes; for `--profile`.

`sampled.py OUTPUT run ...` is `kopf run ...`. SIGUSR1 writes what was seen since the last time: the functions
in which the thread was, and those that had called them, with their share of the busy samples.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

INTERVAL_SECONDS = 0.004
_IDLE = ("select", "epoll", "wait")
_LINES = 45


class Sampler:
    """Counts the functions on the main thread's stack."""

    def __init__(self, output: Path) -> None:
        self._output, self._thread = output, threading.main_thread().ident or 0
        self.inside, self.below, self.busy = Counter[str](), Counter[str](), 0

    def run(self) -> None:
        while True:
            time.sleep(INTERVAL_SECONDS)
            frame = sys._current_frames().get(self._thread)
            if frame is not None and frame.f_code.co_name not in _IDLE:
                self._count(frame)

    def write(self) -> None:
        busy = max(self.busy, 1)
        lines = [f"{self.busy} busy samples, one each {INTERVAL_SECONDS * 1000:.0f} ms"]
        for title, counts in (("in the function itself", self.inside), ("with what it calls", self.below)):
            lines += ["", f"{title}:"]
            lines += [f"{100 * number / busy:6.1f} %  {name}" for name, number in counts.most_common(_LINES)]
        unfinished = self._output.with_suffix(".part")
        unfinished.write_text("\n".join(lines) + "\n")
        unfinished.replace(self._output)
        self.inside, self.below, self.busy = Counter(), Counter(), 0

    def _count(self, frame: FrameType) -> None:
        stack = []
        caller: FrameType | None = frame
        while caller is not None:
            path, code = Path(caller.f_code.co_filename), caller.f_code
            stack.append(f"{path.parent.name}/{path.name}:{code.co_firstlineno} {code.co_qualname}")
            caller = caller.f_back
        self.busy += 1
        self.inside[stack[0]] += 1
        self.below.update(set(stack))


def main() -> None:
    sampler = Sampler(Path(sys.argv[1]))
    signal.signal(signal.SIGUSR1, lambda *_: sampler.write())
    threading.Thread(target=sampler.run, daemon=True).start()
    from kopf.cli import main as kopf

    sys.argv = ["kopf", *sys.argv[2:]]
    kopf()


if __name__ == "__main__":
    main()
