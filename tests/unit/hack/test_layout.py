from pathlib import Path

from frankenpanel_hack.layout import layout_from


def test_the_build_folder_is_in_the_repository_unless_named() -> None:
    repository = Path("/repo")
    assert layout_from({}, repository).build_dir == Path("/repo/.build")
    assert layout_from({"FRANKENPANEL_BUILD_DIR": ""}, repository).build_dir == Path("/repo/.build")
    assert layout_from({"FRANKENPANEL_BUILD_DIR": "out"}, repository).build_dir == Path("/repo/out")
    assert layout_from({"FRANKENPANEL_BUILD_DIR": "/big/disk"}, repository).build_dir == Path("/big/disk")


def test_the_repository_has_what_the_layout_promises() -> None:
    layout = layout_from({})
    assert (layout.go_modules_dir / "node" / "go.mod").is_file()
    assert list(layout.manifests_dir.glob("*.yaml"))
