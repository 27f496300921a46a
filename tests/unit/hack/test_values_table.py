from pathlib import Path

import pytest
import typer
from frankenpanel_hack import values_table

SCHEMA = {
    "properties": {
        "global": {"description": "Shared.", "type": "object"},
        "image": {
            "properties": {
                "registry": {"description": "Host | port.", "type": "string"},
                "tags": {"description": "Tags.", "type": "array"},
            }
        },
    }
}
VALUES = {"image": {"registry": "", "tags": ["a"]}}


def test_every_value_is_a_row_with_its_default_and_description():
    assert list(values_table.rows_of(SCHEMA, VALUES)) == [
        ("image.registry", '""', "Host | port."),
        ("image.tags", '["a"]', "Tags."),
    ]


def test_a_bar_in_a_description_does_not_split_its_cell():
    assert r"Host \| port." in values_table.render_table(SCHEMA, VALUES)


def test_the_table_replaces_the_one_before_and_nothing_else():
    once = values_table.with_table(f"top\n{values_table._BEGIN}\nold\n{values_table._END}\nbottom\n", "new")
    assert once == f"top\n{values_table._BEGIN}\nnew\n{values_table._END}\nbottom\n"
    assert values_table.with_table(once, "new") == once


def test_a_readme_without_marks_is_refused():
    with pytest.raises(ValueError, match="needs the lines"):
        values_table.with_table("no marks\n", "table")


def test_check_fails_on_a_stale_readme_and_leaves_it_alone(tmp_path: Path):
    stale = f"{values_table._BEGIN}\nold\n{values_table._END}\n"
    (tmp_path / "README.md").write_text(stale)
    (tmp_path / "values.schema.json").write_text('{"properties": {"a": {"description": "One."}}}')
    (tmp_path / "values.yaml").write_text("a: 1\n")
    with pytest.raises(typer.Exit):
        values_table.main(tmp_path, check=True)
    assert (tmp_path / "README.md").read_text() == stale
    values_table.main(tmp_path)
    values_table.main(tmp_path, check=True)
    assert "| `a` | `1` | One. |" in (tmp_path / "README.md").read_text()
