import sys
import time
from pathlib import Path

import pytest
from frankenpanel_hack.host.supervisor import Daemon, flags_from, kubelet_command


def test_kubelet_waits_for_kubeadm(tmp_path: Path) -> None:
    assert kubelet_command(Path("/b/kubelet"), tmp_path, Path("/k")) is None


def test_kubelet_takes_the_flags_that_kubeadm_wrote(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").touch()
    (tmp_path / "kubeadm-flags.env").write_text('KUBELET_KUBEADM_ARGS="--node-ip=10.199.0.1 --x=y"\n')
    command = kubelet_command(Path("/b/kubelet"), tmp_path, Path("/k"))
    assert command is not None
    assert command[0] == "/b/kubelet"
    assert command[-2:] == ["--node-ip=10.199.0.1", "--x=y"]


@pytest.mark.parametrize("text", ["", "OTHER=1\n"])
def test_no_flags_are_no_error(text: str) -> None:
    assert flags_from(text) == []


def test_a_program_that_ends_is_started_again_ever_more_slowly(tmp_path: Path) -> None:
    daemon = Daemon("short", lambda: [sys.executable, "-c", "print('ran')"])
    now, pauses = time.monotonic(), []
    for _ in range(3):
        daemon.step(tmp_path, now)
        assert daemon.process is not None
        daemon.process.wait()
        daemon.step(tmp_path, now)
        assert daemon.process is None
        pauses.append(daemon.pause_seconds)
        now += daemon.pause_seconds
    assert pauses == [1.0, 2.0, 4.0]
    assert (tmp_path / "short.log").read_text() == "ran\n" * 3


def test_a_program_that_runs_is_left_alone(tmp_path: Path) -> None:
    daemon = Daemon("long", lambda: [sys.executable, "-c", "input()"])
    daemon.command = lambda: ["sleep", "60"]
    daemon.step(tmp_path, 1)
    first = daemon.process
    daemon.step(tmp_path, 2)
    assert daemon.process is first
    assert first is not None
    first.kill()
    first.wait()
