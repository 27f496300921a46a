import os
import signal
import subprocess
import sys
from pathlib import Path

from frankenpanel_hack.host.processes import (
    Process,
    daemons,
    descendants,
    end_processes,
    is_alive,
    orphans,
    read_processes,
    shims,
)

SOCKET = Path("/run/frankenpanel/containerd.sock")
POD = "4:memory:/kubepods/burstable/pod1/abc"


def shim(pid: int, socket: Path = SOCKET) -> Process:
    command = ("/usr/bin/containerd-shim-runc-v2", "-namespace", "k8s.io", "-address", str(socket))
    return Process(pid, 1, command, "4:memory:/")


PROCESSES = [
    Process(1, 0, ("init",), ""),
    shim(10),
    Process(11, 10, ("/pause",), POD),
    Process(12, 11, ("worker",), POD),
    shim(20, Path("/run/containerd/containerd.sock")),
    Process(21, 20, ("/pause",), "4:memory:/docker/x"),
    Process(30, 1, ("etcd",), POD),
]


def test_only_shims_of_our_socket_are_ours() -> None:
    assert shims(PROCESSES, SOCKET) == [10]


def test_descendants_go_all_the_way_down() -> None:
    assert descendants(PROCESSES, [10]) == {10, 11, 12}


def test_an_orphan_is_in_a_pod_and_below_no_shim_of_ours() -> None:
    assert orphans(PROCESSES, SOCKET) == {30}


def test_daemons_are_known_by_our_files() -> None:
    config, kubelet = Path("/b/containerd.toml"), Path("/b/bin/kubelet")
    found = daemons(
        [
            Process(1, 0, ("containerd", "--config", str(config)), ""),
            Process(2, 0, ("/usr/bin/containerd",), ""),
            Process(3, 0, (str(kubelet), "--config=/x"), ""),
            Process(4, 0, ("/usr/bin/kubelet",), ""),
        ],
        config,
        kubelet,
    )
    assert found == [1, 3]


def test_a_real_process_is_read() -> None:
    own = next(process for process in read_processes() if process.pid == os.getpid())
    assert own.parent == os.getppid()
    assert own.command


def test_a_process_that_ignores_the_request_is_killed() -> None:
    code = "import signal as s; s.signal(s.SIGTERM, s.SIG_IGN); print('ready', flush=True); s.pause()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        end_processes([process.pid], grace_seconds=0.2)
        assert not is_alive(process.pid)
        assert process.wait() == -signal.SIGKILL


def test_ending_what_is_gone_is_no_error() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    end_processes([process.pid], grace_seconds=0)
