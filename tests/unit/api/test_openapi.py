import json
from pathlib import Path

from frankenpanel_api import openapi
from frankenpanel_api.main import create_app
from frankenpanel_api.settings import Settings

CHECKED_IN = Path(__file__).parents[3] / openapi.OPENAPI_FILE


def test_the_checked_in_file_is_fresh():
    assert openapi.main(["--check", "--file", str(CHECKED_IN)]) == 0


def test_a_stale_file_fails_the_check_and_is_left_alone(tmp_path, capsys):
    file = tmp_path / "openapi.json"
    file.write_text("{}\n")
    assert openapi.main(["--check", "--file", str(file)]) == 1
    assert file.read_text() == "{}\n"
    assert "make generate" in capsys.readouterr().err


def test_a_missing_file_fails_the_check(tmp_path):
    assert openapi.main(["--check", "--file", str(tmp_path / "openapi.json")]) == 1


def test_what_is_written_passes_the_check(tmp_path):
    file = tmp_path / "openapi.json"
    assert openapi.main(["--file", str(file)]) == 0
    assert openapi.main(["--check", "--file", str(file)]) == 0


def test_two_applications_have_the_same_description():
    texts = {openapi.render_openapi(create_app(Settings())) for _ in range(2)}
    assert len(texts) == 1


def test_operations_are_named_after_their_functions_and_every_answer_has_a_schema():
    document = json.loads(openapi.render_openapi(create_app(Settings())))
    operations = {
        operation["operationId"]: operation
        for path in document["paths"].values()
        for operation in path.values()
    }
    assert set(operations) == {"get_liveness", "get_readiness"}
    for operation in operations.values():
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/HealthRead"}
