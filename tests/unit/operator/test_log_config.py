from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from frankenpanel_operator.log_config import configure_logging
from pydantic import SecretStr


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("INFO", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_ours_and_foreign_records_are_json_lines_of_one_shape(stream: io.StringIO) -> None:
    structlog.stdlib.get_logger("ours").info("applied", key="Site/demo/shop", count=3)
    logging.getLogger("kopf.reactor").warning("watching %s", "sites")
    logging.getLogger("kopf.reactor").debug("too quiet")
    ours, foreign = lines(stream)
    assert ours["message"] == "applied"
    assert (ours["key"], ours["count"], ours["level"], ours["logger"]) == (
        "Site/demo/shop",
        3,
        "info",
        "ours",
    )
    assert (foreign["message"], foreign["level"]) == ("watching sites", "warning")
    assert ours["time"].endswith("Z")


def test_secrets_are_blacked_out_by_type_key_and_look(stream: io.StringIO) -> None:
    log = structlog.stdlib.get_logger("ours")
    log.info(
        "values",
        plain=SecretStr("hunter2"),
        password="hunter2",
        nested={"db_password": "hunter2", "list": [{"token": "hunter2"}]},
        Authorization="Basic hunter2hunter2",
        text="sent Authorization: Bearer hunter2hunter2 and password=hunter2, ok",
        secret_name="shop-admin",
    )
    logging.getLogger("lib").error("refused with token: hunter2")
    text = stream.getvalue()
    assert "hunter2" not in text
    assert lines(stream)[0]["secret_name"] == "shop-admin"
    assert lines(stream)[0]["text"].endswith(", ok")


def test_tracebacks_are_one_field_and_redacted(stream: io.StringIO) -> None:
    def fail() -> None:
        raise ValueError("password=hunter2")

    try:
        fail()
    except ValueError as error:
        structlog.stdlib.get_logger("ours").error("failed", exc_info=error)
    (line,) = lines(stream)
    assert "Traceback" in line["exception"]
    assert "fail()" in line["exception"]
    # A traceback quotes source lines: the literal is this test's own.
    assert "ValueError: password=[redacted]" in line["exception"]


def test_values_that_json_does_not_know_are_written_as_text(stream: io.StringIO) -> None:
    structlog.stdlib.get_logger("ours").info("odd", value=object(), raw=b"bytes", keys={1: "a"})
    assert lines(stream)[0]["keys"] == {"1": "a"}
