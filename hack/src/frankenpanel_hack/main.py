"""The command line behind `make up`, `down`, `status`, `reload` and `images`."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Annotated

import typer
from rich.console import Console

from frankenpanel_hack import reload as reloading
from frankenpanel_hack import status as state
from frankenpanel_hack import up as bringing_up
from frankenpanel_hack.choice import Way
from frankenpanel_hack.errors import UserError
from frankenpanel_hack.exclusive import exclusive
from frankenpanel_hack.host import removal
from frankenpanel_hack.host.places import HostPlaces
from frankenpanel_hack.host.state import read_state
from frankenpanel_hack.images.catalogue import build_images
from frankenpanel_hack.images.commands import CommandFailedError
from frankenpanel_hack.layout import layout_from
from frankenpanel_hack.polling import DeadlineError
from frankenpanel_hack.progress import ProgressReporter, times_table
from frankenpanel_hack.session import Session, open_session
from frankenpanel_hack.steps import Step, StepFailedError, StepResult, run_steps

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
console = Console(soft_wrap=True)


def _say(line: str) -> None:
    console.print(f"  {line}", highlight=False, markup=False)


def _fail(message: str) -> typer.Exit:
    console.print(message, style="bold red", highlight=False, markup=False)
    return typer.Exit(1)


def _run(session: Session, steps: Sequence[Step]) -> list[StepResult]:
    with ProgressReporter(console, session.layout.logs_dir) as reporter:
        try:
            return run_steps(steps, reporter)
        except StepFailedError as error:
            failed = error.result
    if isinstance(failed.error, KeyboardInterrupt | SystemExit):
        raise failed.error
    tail = "" if isinstance(failed.error, UserError) else reporter.tail(failed.step)
    console.print(tail, highlight=False, markup=False)
    raise _fail(f"{failed.step.title}: {failed.error}\nWhole output: {reporter.log_path(failed.step)}")


def _guarded(action: Callable[[], None], *, alone: bool = False) -> None:
    # A shell starts background jobs with SIGINT ignored, and both signals mean the same here.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    try:
        with exclusive(layout_from(os.environ).build_dir) if alone else nullcontext():
            action()
    except (UserError, CommandFailedError, DeadlineError) as error:
        raise _fail(str(error)) from None
    except KeyboardInterrupt:
        raise _fail("Interrupted. The same command goes on from here.") from None


@app.command()
def up() -> None:
    """Bring up a cluster with FrankenPanel and a first WordPress site; run it again at any time."""
    _guarded(_up, alone=True)


def _up() -> None:
    started_at = time.monotonic()
    session = open_session(os.environ)
    changes = bringing_up.prepare(session, replace=bringing_up.environment_replaces(os.environ), say=_say)
    console.print(f"Cluster: {session.way.value}. What changes:", style="bold", highlight=False)
    for line in changes:
        _say(f"- {line}")
    results = _run(session, bringing_up.plan(session))
    console.print(times_table(results, time.monotonic() - started_at))
    console.print()
    for line in bringing_up.final_words(session):
        console.print(line, highlight=False, markup=False)


@app.command()
def down(
    purge: Annotated[
        bool, typer.Option(help="Remove the build folder too: programs, images, caches.")
    ] = False,
) -> None:
    """Remove everything that `up` made; compiled programs and images stay for the next time."""
    _guarded(lambda: _down(purge=purge), alone=True)


def _down(*, purge: bool) -> None:
    layout = layout_from(os.environ)
    places = HostPlaces(layout)
    packages = getattr(read_state(places.state_file), "installed_packages", [])
    if removal.is_here(places):
        removal.remove_cluster(places, _say)
    session = open_session({**os.environ, "KUBECONFIG": ""})
    if layout.kubeconfig.is_file() and session.way is Way.KIND:
        bringing_up.kind_cluster(session).delete(_say)
        shutil.rmtree(layout.cluster_dir, ignore_errors=True)
    if purge:
        shutil.rmtree(layout.build_dir, ignore_errors=True)
    if packages:
        _say(
            f"Left in place, since others may use them by now: {' '.join(packages)}. "
            "`apt-get remove` takes them away."
        )
    console.print("Everything that `make up` made is gone.")


@app.command()
def status() -> None:
    """Say what runs, where, and what is wrong."""
    _guarded(_status)


def _status() -> None:
    session = open_session(os.environ)
    session.require_cluster()
    for line in state.summary(session):
        console.print(line, highlight=False, markup=False)
    for table in state.tables(session):
        console.print()
        console.print(table)


@app.command()
def reload() -> None:
    """Put the edited operator, gateway and API into the running cluster."""
    _guarded(_reload, alone=True)


def _reload() -> None:
    started_at = time.monotonic()
    session = open_session(os.environ)
    results = _run(session, reloading.reload_steps(session))
    console.print(times_table(results, time.monotonic() - started_at))


@app.command()
def images() -> None:
    """Build the container images that are out of date, and print their names."""
    _guarded(_images, alone=True)


def _images() -> None:
    session = open_session(os.environ)

    def build(on_output: Callable[[str], None]) -> None:
        repository = session.layout.repository
        build_images(None, session.engine, repository, lambda name, line: on_output(f"{name}: {line}"))

    _run(session, [Step("images", "Images", build)])
    for reference in session.references.values():
        sys.stdout.write(f"{reference}\n")


@app.command()
def env() -> None:
    """Print the variables that point kubectl and helm at the cluster, for `eval`."""
    session = open_session(os.environ)
    sys.stdout.write(f"export KUBECONFIG={session.kubeconfig} PATH={session.layout.bin_dir}:$PATH\n")
