"""The operator beside a stock-kopf twin and the machine's own ceiling: goals O1 to O11.

make bench-operator
make bench-operator SITES=100,1000,5000,10000 REPEAT=3
make bench-operator OPTIONS="--contenders ours,ceiling --stages burst,idle --append"
make bench-operator OPTIONS=--report-only
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import time
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from bench import Bench, new_bench
from ceiling import ceiling
from cluster import REPOSITORY
from contenders import CONTENDERS
from measuring.results import Results, Run, load, revision, save, this_machine
from report import write_report
from stage_burst import burst
from stage_probes import drift, hopeless, idle, mass
from stage_rest import events, restart, resync
from stage_takeover import takeover

Stage = Callable[[Bench], Awaitable[None]]
STAGES: dict[str, Stage] = {
    "burst": burst,
    "idle": idle,
    "drift": drift,
    "events": events,
    "restart": restart,
    "resync": resync,
    "mass": mass,
    "hopeless": hopeless,
    "takeover": takeover,
}
"""In their order; each goes on with the cluster that the one before left, and all need the burst."""
ONLY_OURS = frozenset({"drift", "hopeless"})
CEILING = "ceiling"
SIZE_NAME = "sites"
TWIN_TAKEOVER_UP_TO = 200
"""Its peering takes a minute at any size, and its start with many objects takes many."""


def main() -> None:
    options = _options()
    path = Path(options.output).with_suffix(".json")
    is_kept = options.append or options.report_only
    results = load(path, SIZE_NAME) if is_kept else Results(this_machine(), size_name=SIZE_NAME)
    if not options.report_only:
        _run_all(options, results, path)
    write_report(results, path)
    print(f"written: {path.with_suffix('.md')}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sites", default="100,1000", help="numbers of Sites, each with five Domains")
    parser.add_argument("--repeat", type=int, default=1, help="rounds; the report shows their medians")
    parser.add_argument("--contenders", default="ceiling,ours,twin")
    parser.add_argument("--stages", default=",".join(STAGES), help="some of: " + ",".join(STAGES))
    parser.add_argument("--twin-up-to", type=int, default=1000, help="more Sites only without the twin")
    parser.add_argument("--append", action="store_true", help="add rounds to the results that are there")
    parser.add_argument("--quick", action="store_true", help="few probes, to see that everything runs")
    parser.add_argument("--profile", action="store_true", help="sample ours and the twin; costs a little")
    parser.add_argument("--report-only", action="store_true", help="write the report from the JSON file anew")
    parser.add_argument("--output", default=str(REPOSITORY / "docs" / "benchmarks" / "operator"))
    options = parser.parse_args()
    options.sites = [int(part) for part in options.sites.split(",")]
    options.contenders, options.stages = options.contenders.split(","), options.stages.split(",")
    for names, known in ((options.contenders, {*CONTENDERS, CEILING}), (options.stages, set(STAGES))):
        if unknown := set(names) - known:
            parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return options


def _run_all(options: argparse.Namespace, results: Results, path: Path) -> None:
    for number in range(options.repeat):
        for sites in options.sites:
            for contender in options.contenders:
                if contender == "twin" and sites > options.twin_up_to:
                    print(f"{sites} Sites, twin: left out (--twin-up-to)")
                    continue
                print(f"{sites} Sites, {contender}, round {number + 1} of {options.repeat}", flush=True)
                results.runs.append(asyncio.run(_run(options, contender, sites)))
                save(results, path)
                write_report(results, path)


async def _run(options: argparse.Namespace, contender: str, sites: int) -> Run:
    began, started = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
    kind = CONTENDERS.get(contender)
    operator = kind(is_profiled=options.profile) if kind is not None else None
    async with new_bench(operator, sites, is_quick=options.quick) as bench:
        for name, stage in _stages(options.stages, contender, sites).items():
            is_alive = await _run_stage(bench, name, stage)
            if options.profile:
                _keep_profile(bench, Path(f"{options.output}-profiles"), f"{contender}-{sites}-{name}")
            if not is_alive:
                break
    seconds = round(time.monotonic() - started, 1)
    found = bench.figures, bench.details, bench.notes
    return Run(contender, sites, began, seconds, revision(), options.quick, *found)


def _stages(chosen: list[str], contender: str, sites: int) -> dict[str, Stage]:
    """Return what one contender goes through, in order."""
    if contender == CEILING:
        return {CEILING: ceiling}
    left_out = set[str]() if contender == "ours" else set(ONLY_OURS)
    if contender == "twin" and sites > TWIN_TAKEOVER_UP_TO:
        left_out.add("takeover")
    wanted = {"burst", *chosen} - left_out
    return {name: stage for name, stage in STAGES.items() if name in wanted}


def _keep_profile(bench: Bench, folder: Path, name: str) -> None:
    """Keep what the sampler saw in this stage."""
    if not bench.running or not bench.replica.program.is_running():
        return
    written = bench.replica.program.log_path.with_suffix(".profile")
    bench.replica.program.send(signal.SIGUSR1)
    deadline = time.monotonic() + 5
    while not written.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    if written.exists():
        folder.mkdir(parents=True, exist_ok=True)
        written.replace(folder / f"{name}.txt")


async def _run_stage(bench: Bench, name: str, stage: Stage) -> bool:
    """Run one stage; an error is noted, and ends the run where the operator is gone."""
    started, known = time.monotonic(), set(bench.figures)
    try:
        await stage(bench)
    except Exception as error:  # noqa: BLE001  the other stages may still work, and say so themselves
        traceback.print_exc()
        bench.notes.append(f"{name}: {type(error).__name__}: {str(error).splitlines()[0][:200]}")
    seconds = time.monotonic() - started
    figures = {key: value for key, value in bench.figures.items() if key not in known}
    shown = ", ".join(f"{key} {_short(value)}" for key, value in figures.items())
    print(f"  {name} ({seconds:.0f} s): {shown}", flush=True)
    return not bench.running or bench.replica.program.is_running()


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


if __name__ == "__main__":
    main()
