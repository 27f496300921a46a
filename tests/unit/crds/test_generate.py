from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from frankenpanel_crds import generate

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every generated file, freshly written."""
    root = tmp_path_factory.mktemp("repository")
    (root / "crds").mkdir()
    assert generate.main(["--root", str(root)]) == 0
    return root


@pytest.fixture
def copy(fresh: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fresh, tmp_path / "copy"))


def test_generated_files_in_the_repository_are_fresh() -> None:
    stale = [str(path) for path in generate.stale_files(REPOSITORY)]
    assert not stale, f"run `{generate.COMMAND}`"


def test_check_passes_when_everything_is_fresh(copy: Path) -> None:
    assert generate.main(["--check", "--root", str(copy)]) == 0


@pytest.mark.parametrize(
    "name",
    [
        "crds/generated/sites.frankenpanel.io.yaml",
        "charts/frankenpanel-crds/templates/domains.frankenpanel.io.yaml",
        "docs/reference/fields.md",
    ],
)
def test_check_names_the_stale_file_and_the_command(
    name: str, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = copy / name
    changed = path.read_text(encoding="utf-8") + "x\n"
    path.write_text(changed, encoding="utf-8")
    assert generate.main(["--check", "--root", str(copy)]) == 1
    error = capsys.readouterr().err
    assert name in error
    assert generate.COMMAND in error
    assert path.read_text(encoding="utf-8") == changed


def test_check_finds_a_missing_file(copy: Path) -> None:
    (copy / "docs/reference/reasons.md").unlink()
    assert generate.main(["--check", "--root", str(copy)]) == 1


def test_file_without_a_model_is_found_and_removed(copy: Path) -> None:
    leftover = copy / "crds/generated/old.frankenpanel.io.yaml"
    leftover.write_text("old", encoding="utf-8")
    assert generate.main(["--check", "--root", str(copy)]) == 1
    assert generate.main(["--root", str(copy)]) == 0
    assert not leftover.exists()


def test_wrong_folder_is_an_error_that_says_where_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        generate.main(["--root", str(tmp_path)])
    assert "run this from its root" in capsys.readouterr().err


def test_chart_keeps_the_definitions_when_it_is_uninstalled(fresh: Path) -> None:
    templates = sorted((fresh / generate.CHART_TEMPLATES_DIR).glob("*.yaml"))
    assert len(templates) == len(list((fresh / generate.GENERATED_DIR).glob("*.yaml")))
    for path in templates:
        text = path.read_text(encoding="utf-8")
        # Helm would take these for its own placeholders.
        assert "{{" not in text
        annotations = yaml.safe_load(text)["metadata"]["annotations"]
        assert annotations == {"helm.sh/resource-policy": "keep"}


def test_reference_lists_every_kind_and_field() -> None:
    files = generate.generated_files()
    fields = files[generate.FIELDS_FILE]
    for name in (
        "`spec.source.preset.install.title`",
        "`status.conditions[].reason`",
        "`spec.route.upstream`",
    ):
        assert name in fields
    assert "`ImagePullFailed`" in files[generate.REASONS_FILE]
