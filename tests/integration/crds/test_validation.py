"""Every example, sent to a real API server as a server-side dry run."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("installed_crds")]

FOLDER = Path(__file__).parent
DRY_RUN = "dryRun=All&fieldValidation=Strict"
EXPECT = "# expect: "

ObjectPath = Callable[[Mapping[str, Any]], str]


def example(folder: str, prefix: str = "") -> list[Any]:
    paths = sorted((FOLDER / folder).glob(f"{prefix}*.yaml"))
    return [pytest.param(path, id=path.stem) for path in paths]


def refused_updates() -> list[Any]:
    return [item for item in example("updates") if not item.id.startswith("allowed-")]


def expected_message(path: Path) -> str:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith(EXPECT), f"{path.name} must begin with {EXPECT!r}"
    return first.removeprefix(EXPECT)


def documents(path: Path, namespace: str) -> list[dict[str, Any]]:
    manifests = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    for manifest in manifests:
        manifest["metadata"]["namespace"] = namespace
    return manifests


@pytest.fixture(scope="module")
def shared_namespace(kubernetes_api: Any) -> str:
    """Every API server has this namespace; dry runs leave nothing in it."""
    assert kubernetes_api.request("GET", "/api/v1/namespaces/default").status == 200
    return "default"


@contextmanager
def stored(api: Any, path_of: ObjectPath, manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Store an object under a name of its own kind and remove it afterwards; yields what the server made."""
    path = path_of(manifest)
    answer = api.request("POST", path.rpartition("/")[0], manifest)
    assert answer.status == 201, answer.message
    try:
        yield answer.body
    finally:
        api.request("DELETE", path)


@pytest.mark.parametrize("path", example("valid"))
def test_valid_example_is_accepted(
    path: Path, kubernetes_api: Any, object_path: ObjectPath, shared_namespace: str
) -> None:
    (manifest,) = documents(path, shared_namespace)
    collection = object_path(manifest).rpartition("/")[0]
    answer = kubernetes_api.request("POST", f"{collection}?{DRY_RUN}", manifest)
    assert answer.status == 201, answer.message


@pytest.mark.parametrize("path", example("invalid"))
def test_invalid_example_is_refused_with_the_cure(
    path: Path, kubernetes_api: Any, object_path: ObjectPath, shared_namespace: str
) -> None:
    (manifest,) = documents(path, shared_namespace)
    collection = object_path(manifest).rpartition("/")[0]
    answer = kubernetes_api.request("POST", f"{collection}?{DRY_RUN}", manifest)
    assert answer.status in {400, 422}, f"accepted: {answer.body}"
    assert expected_message(path) in answer.message


def update(api: Any, path_of: ObjectPath, path: Path, namespace: str) -> Any:
    """Store the first document of an example, and send the second one as an update of it."""
    before, after = documents(path, namespace)
    with stored(api, path_of, before) as current:
        changed = copy.deepcopy(current)
        changed["spec"] = after["spec"]
        return api.request("PUT", f"{path_of(before)}?{DRY_RUN}", changed)


@pytest.mark.parametrize("path", refused_updates())
def test_update_is_refused_with_the_cure(
    path: Path, kubernetes_api: Any, object_path: ObjectPath, namespace: str
) -> None:
    answer = update(kubernetes_api, object_path, path, namespace)
    assert answer.status == 422, f"accepted: {answer.body}"
    assert expected_message(path) in answer.message


@pytest.mark.parametrize("path", example("updates", "allowed-"))
def test_update_is_accepted(path: Path, kubernetes_api: Any, object_path: ObjectPath, namespace: str) -> None:
    answer = update(kubernetes_api, object_path, path, namespace)
    assert answer.status == 200, answer.message
