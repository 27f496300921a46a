"""The gateway beside other layouts of the same work: goals C1 to C6.

make bench-edge
make bench-edge HOSTS=10,1000,10000,50000 REPEAT=3
make bench-edge OPTIONS="--contenders bare,ours --stages throughput --append"
make bench-edge OPTIONS=--report-only
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from measuring.results import Results, Run, load, revision, save, this_machine

from edge import stages
from edge.beside import beside
from edge.contenders import CONTENDERS, new_place
from edge.report import write_report
from edge.servers import require_programs, responder
from edge.stages import Bench
from edge.wrk import Visitors

SIZE_NAME = "hosts"
STAGES: dict[str, Callable[[Bench], None]] = {
    "agent": stages.agent,
    "throughput": stages.throughput,
    "beside": beside,
    "spread": stages.spread,
    "change": stages.change,
    "memory": stages.memory,
    "load": stages.change_under_load,
    "tls": stages.tls,
    "scrapes": stages.scrapes,
}
ONLY_OURS = frozenset({"agent", "beside", "tls", "scrapes"})
NEED_CHANGES = frozenset({"change", "load"})


def main() -> None:
    options = _options()
    path = Path(options.output).with_suffix(".json")
    is_kept = options.append or options.report_only
    results = load(path, SIZE_NAME) if is_kept else Results(this_machine(), size_name=SIZE_NAME)
    if not options.report_only:
        require_programs()
        _run_all(options, results, path)
    write_report(results, path)
    print(f"written: {path.with_suffix('.md')}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench-edge", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--hosts", default="10,1000,10000,50000", help="numbers of hosts")
    parser.add_argument("--repeat", type=int, default=1, help="rounds; the report shows their medians")
    parser.add_argument("--contenders", default=",".join(CONTENDERS))
    parser.add_argument("--stages", default=",".join(STAGES), help="some of: " + ",".join(STAGES))
    parser.add_argument("--append", action="store_true", help="add rounds to the results that are there")
    parser.add_argument("--quick", action="store_true", help="short, to see that everything runs")
    parser.add_argument("--report-only", action="store_true", help="write the report from the JSON file anew")
    output = Path(__file__).parents[2] / "docs" / "benchmarks" / "edge"
    parser.add_argument("--output", default=str(output))
    options = parser.parse_args()
    options.hosts = [int(part) for part in options.hosts.split(",")]
    options.contenders, options.stages = options.contenders.split(","), options.stages.split(",")
    for names, known in ((options.contenders, set(CONTENDERS)), (options.stages, set(STAGES))):
        if unknown := set(names) - known:
            parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return options


def _run_all(options: argparse.Namespace, results: Results, path: Path) -> None:
    for number in range(options.repeat):
        for hosts in options.hosts:
            for name in options.contenders:
                print(f"{hosts} hosts, {name}, round {number + 1} of {options.repeat}", flush=True)
                results.runs.append(_run(options, name, hosts))
                save(results, path)
                write_report(results, path)


def _run(options: argparse.Namespace, name: str, hosts: int) -> Run:
    began, started = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
    effort = stages.QUICK if options.quick else stages.NORMAL
    # A short path: Caddy's socket lies in it.
    folder = Path(tempfile.mkdtemp(prefix="edge-"))
    try:
        with responder(folder) as upstreams:
            contender = CONTENDERS[name](new_place(folder), hosts, upstreams)
            bench = Bench(contender, effort, Visitors(contender.place.http_port, folder))
            _measure(bench, _stages(options.stages, name, can_change=contender.can_change))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    seconds = round(time.monotonic() - started, 1)
    return Run(name, hosts, began, seconds, revision(), options.quick, bench.figures, {}, bench.notes)


def _stages(chosen: list[str], name: str, *, can_change: bool) -> dict[str, Callable[[Bench], None]]:
    """Return what one contender goes through, in order."""
    left_out = set[str]() if name == "ours" else set(ONLY_OURS)
    if not can_change:
        left_out |= NEED_CHANGES
    return {stage: run for stage, run in STAGES.items() if stage in chosen and stage not in left_out}


def _measure(bench: Bench, chosen: dict[str, Callable[[Bench], None]]) -> None:
    try:
        started = time.monotonic()
        bench.contender.start()
        bench.contender.wait()
        bench.figures["start_seconds"] = time.monotonic() - started
        for name, stage in chosen.items():
            _run_stage(bench, name, stage)
    except Exception as error:  # noqa: BLE001  the next contender may still work
        traceback.print_exc()
        bench.notes.append(f"start: {type(error).__name__}: {str(error).splitlines()[0][:200]}")
    finally:
        bench.contender.stop()


def _run_stage(bench: Bench, name: str, stage: Callable[[Bench], None]) -> None:
    """Run one stage; an error is noted, and the others go on."""
    started, known = time.monotonic(), dict(bench.figures)
    try:
        stage(bench)
    except Exception as error:  # noqa: BLE001  the other stages may still work, and say so themselves
        traceback.print_exc()
        bench.notes.append(f"{name}: {type(error).__name__}: {str(error).splitlines()[0][:200]}")
    shown = ", ".join(
        f"{key} {'-' if value is None else f'{value:.4g}'}"
        for key, value in bench.figures.items()
        if known.get(key) != value
    )
    print(f"  {name} ({time.monotonic() - started:.0f} s): {shown}", flush=True)


if __name__ == "__main__":
    main()
