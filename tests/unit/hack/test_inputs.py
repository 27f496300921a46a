from pathlib import Path

import pytest
from frankenpanel_hack.inputs import Stamps, hash_files, hash_values


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "a").write_text("1")
    (tmp_path / "in" / "deep" / "b").write_text("2")
    return tmp_path / "in"


def test_the_same_files_give_the_same_digest_wherever_they_lie(folder: Path, tmp_path: Path) -> None:
    before = hash_files([folder])
    moved = tmp_path / "elsewhere" / "in"
    moved.parent.mkdir()
    assert hash_files([folder.rename(moved)]) == before


@pytest.mark.parametrize("change", ["content", "name", "new", "gone"])
def test_every_change_of_the_files_changes_the_digest(folder: Path, change: str) -> None:
    before = hash_files([folder])
    match change:
        case "content":
            (folder / "a").write_text("3")
        case "name":
            (folder / "a").rename(folder / "c")
        case "new":
            (folder / "deep" / "new").touch()
        case "gone":
            (folder / "deep" / "b").unlink()
    assert hash_files([folder]) != before


def test_compiled_python_is_no_input(folder: Path) -> None:
    before = hash_files([folder])
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "a.pyc").touch()
    assert hash_files([folder]) == before


def test_the_order_of_keys_is_no_input() -> None:
    assert hash_values({"a": 1, "b": [2]}) == hash_values({"b": [2], "a": 1})
    assert hash_values({"a": 1}) != hash_values({"a": 2})


def test_a_stamp_holds_for_its_inputs_and_while_the_products_are_there(tmp_path: Path) -> None:
    stamps = Stamps(tmp_path / "stamps")
    product = tmp_path / "program"
    assert not stamps.matches("program", "1", [])
    stamps.write("program", "1")
    assert not stamps.matches("program", "1", [product])
    product.touch()
    assert stamps.matches("program", "1", [product])
    assert not stamps.matches("program", "2", [product])
