"""kubectl with one kubeconfig."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from frankenpanel_hack.images.commands import CommandFailedError, OnOutput, run_streamed
from frankenpanel_hack.programs import capture, cluster_environment

FIELD_MANAGER = "frankenpanel-hack"


class Kubectl:
    """Runs kubectl against one cluster."""

    def __init__(self, program: str, kubeconfig: Path) -> None:
        self.program = program
        self.kubeconfig = kubeconfig
        self._environment = {**cluster_environment(os.environ), "KUBECONFIG": str(kubeconfig)}

    def text(self, *arguments: str) -> str:
        """Return what a command prints."""
        return capture([self.program, *arguments], self._environment)

    def json(self, *arguments: str) -> dict[str, Any]:
        """Return the object, or list of objects, that a command gets."""
        found: dict[str, Any] = json.loads(self.text(*arguments, "--output=json"))
        return found

    def run(self, on_output: OnOutput, *arguments: str) -> None:
        """Run a command that goes on for a while."""
        run_streamed([self.program, *arguments], self._environment, on_output)

    def has_all(self, manifests: str, namespace: str) -> bool:
        """Tell whether every object of a stream of manifests is there."""
        command = [self.program, "get", f"--namespace={namespace}", "--filename=-", "--output=name"]
        try:
            capture(command, self._environment, stdin=manifests)
        except CommandFailedError:
            return False
        return True

    def apply(self, documents: Sequence[dict[str, Any]]) -> str:
        """Apply manifests; fields are owned by us, whoever wrote them before."""
        command = [self.program, "apply", "--server-side", "--force-conflicts"]
        command += [f"--field-manager={FIELD_MANAGER}", "--filename=-"]
        return capture(command, self._environment, stdin=yaml.safe_dump_all(documents, sort_keys=False))
