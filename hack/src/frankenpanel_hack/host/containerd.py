"""Talk to our own containerd."""

from __future__ import annotations

import os
from pathlib import Path

from frankenpanel_hack.host.places import HostPlaces
from frankenpanel_hack.images.commands import OnOutput, quiet, run_streamed
from frankenpanel_hack.polling import wait_until
from frankenpanel_hack.programs import capture


class Containerd:
    """The image store that kubelet uses."""

    def __init__(self, places: HostPlaces) -> None:
        self._ctr = ["ctr", "--address", str(places.containerd_socket), "--namespace", "k8s.io"]

    def wait_ready(self, on_output: OnOutput) -> None:
        """Wait until it answers."""
        wait_until("containerd", lambda: None if self.answers() else "no answer yet", 60, on_output)

    def answers(self) -> bool:
        """Tell whether it runs and serves."""
        return quiet([*self._ctr, "version"], os.environ)

    def image_names(self) -> set[str]:
        """Return the full names of all images."""
        return set(capture([*self._ctr, "images", "ls", "-q"]).split())

    def running_containers(self) -> set[str]:
        """Return the ids of the containers whose processes run."""
        return running_tasks(capture([*self._ctr, "tasks", "ls"]))

    def import_archive(self, archive: Path, on_output: OnOutput) -> None:
        """Take every image of an archive, under the names it has there."""
        run_streamed([*self._ctr, "images", "import", str(archive)], os.environ, on_output)

    def tag(self, existing: str, name: str) -> None:
        """Give an image a second name, taking it from another image if need be."""
        capture([*self._ctr, "images", "tag", "--force", existing, name])


def running_tasks(listing: str) -> set[str]:
    """Return the ids in what `ctr tasks ls` printed: id, process id, status."""
    rows = [line.split() for line in listing.splitlines()[1:]]
    return {row[0] for row in rows if row[-1] == "RUNNING"}
