from __future__ import annotations

import json
import logging

import pytest
import structlog
from frankenpanel_gateway.log_config import configure_logging


@pytest.fixture(autouse=True)
def restore():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def test_our_records_and_those_of_libraries_are_json_lines(capsys):
    configure_logging("INFO")
    structlog.stdlib.get_logger("ours").info("tree rebuilt", hosts=3)
    logging.getLogger("aiohttp").warning("odd %s", "thing")
    logging.getLogger("aiohttp").debug("not shown")

    ours, theirs = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (ours["message"], ours["hosts"], ours["level"], ours["logger"]) == (
        "tree rebuilt",
        3,
        "info",
        "ours",
    )
    assert (theirs["message"], theirs["level"], theirs["logger"]) == ("odd thing", "warning", "aiohttp")
    assert ours["time"].endswith("Z")


def test_an_exception_stays_on_its_line(capsys):
    configure_logging("INFO")
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        logging.getLogger("x").exception("failed")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0])["exception"]
