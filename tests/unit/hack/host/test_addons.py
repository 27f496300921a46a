import json
from pathlib import Path
from typing import Any

import yaml
from frankenpanel_hack.host.addons import addon_manifests, stale_pods
from frankenpanel_hack.host.containerd import running_tasks
from frankenpanel_hack.layout import layout_from

IMAGES = {
    "frankenpanel/kube-router": "r/kube-router:1",
    "frankenpanel/local-path-provisioner": "r/local-path:1",
    "frankenpanel/base": "r/base:1",
}


def documents() -> dict[tuple[str, str], dict[str, Any]]:
    found = addon_manifests(layout_from({}).manifests_dir, IMAGES, Path("/data/volumes"))
    return {(one["kind"], one["metadata"]["name"]): one for one in found}


def test_every_image_is_one_that_is_made_here() -> None:
    images = [
        container["image"]
        for one in documents().values()
        if one["kind"] in {"Deployment", "DaemonSet"}
        for container in one["spec"]["template"]["spec"]["containers"]
    ]
    assert sorted(images) == ["r/kube-router:1", "r/local-path:1"]


def test_volumes_lie_where_they_shall_and_are_made_by_our_image() -> None:
    data = documents()["ConfigMap", "local-path-config"]["data"]
    assert json.loads(data["config.json"])["nodePathMap"][0]["paths"] == ["/data/volumes"]
    assert yaml.safe_load(data["helperPod.yaml"])["spec"]["containers"][0]["image"] == "r/base:1"


def test_the_storage_class_is_the_default_one() -> None:
    annotations = documents()["StorageClass", "local-path"]["metadata"]["annotations"]
    assert annotations["storageclass.kubernetes.io/is-default-class"] == "true"


def pod(name: str, *containers: str, state: str = "running") -> dict[str, Any]:
    statuses = [
        {"containerID": f"containerd://{container}", "state": {state: {}}} for container in containers
    ]
    return {"metadata": {"name": name}, "status": {"containerStatuses": statuses}}


def test_a_pod_is_stale_when_it_claims_a_container_that_does_not_run() -> None:
    pods = [pod("good", "a", "b"), pod("stale", "a", "z"), pod("ended", "z", state="terminated"), pod("new")]
    assert stale_pods(pods, {"a", "b"}) == ["stale"]


def test_only_running_tasks_count() -> None:
    listing = "TASK    PID    STATUS    \nabc    1064    RUNNING\ndef    0    STOPPED\n"
    assert running_tasks(listing) == {"abc"}
