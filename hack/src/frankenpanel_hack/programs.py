"""Run programs whose output is wanted as a value."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

from frankenpanel_hack.images.commands import CommandFailedError

NO_PROXY_FOR = ("10.199.0.1", "127.0.0.1", "localhost", ".localhost", ".svc", "10.96.0.0/16", "10.244.0.0/24")


def capture(command: Sequence[str], environment: Mapping[str, str] | None = None, stdin: str = "") -> str:
    """Run a program and return what it printed to standard output.

    Raises:
        CommandFailedError: when it is missing or ends with another code than 0.
    """
    try:
        done = subprocess.run(
            command,
            env=dict(os.environ if environment is None else environment),
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError as error:
        raise CommandFailedError(command, 127, [str(error)]) from error
    if done.returncode != 0:
        raise CommandFailedError(command, done.returncode, (done.stderr or done.stdout).splitlines()[-40:])
    return done.stdout


def cluster_environment(environment: Mapping[str, str], path_entries: Sequence[str] = ()) -> dict[str, str]:
    """Return an environment in which no proxy stands between us and the cluster on this host."""
    result = dict(environment)
    for name in ("NO_PROXY", "no_proxy"):
        known = [entry for entry in result.get(name, "").split(",") if entry]
        result[name] = ",".join(dict.fromkeys([*known, *NO_PROXY_FOR]))
    result["PATH"] = os.pathsep.join([*path_entries, result.get("PATH", os.defpath)])
    return result
