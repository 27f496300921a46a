from __future__ import annotations

from datetime import timedelta

import pytest
from frankenpanel_crds.conditions import find_condition
from frankenpanel_operator.errors import (
    AdminSecretError,
    DatabaseAccessDeniedError,
    DatabaseUnavailableError,
)
from frankenpanel_operator.status.database_server import Probe, database_server_status

DOWN = Probe(error=DatabaseUnavailableError("(2003, 'root@10.1.2.3')"))


def told(status):
    return {item.type: (item.status.value, item.reason) for item in status.conditions}


def test_a_server_that_answers_is_ready(make_server, now):
    status = database_server_status(make_server(), Probe(version="11.8.3-MariaDB"), now=now)
    assert told(status) == {"Ready": ("True", "Ready"), "Reachable": ("True", "Reachable")}
    assert status.version == "11.8.3-MariaDB"


def test_a_server_that_is_down_is_tried_again_and_its_words_stay_in_the_log(make_server, now):
    status = database_server_status(make_server(), DOWN, now=now)
    assert told(status) == {
        "Ready": ("False", "Unreachable"),
        "Reconciling": ("True", "Unreachable"),
        "Reachable": ("False", "Unreachable"),
    }
    message = find_condition(status.conditions, "Ready").message
    assert "spec.host" in message
    assert "10.1.2.3" not in message


@pytest.mark.parametrize(
    ("error", "reason"),
    [(DatabaseAccessDeniedError, "AccessDenied"), (AdminSecretError, "SecretNotFound")],
    ids=["refused account", "missing secret"],
)
def test_a_wrong_account_is_told_apart_from_a_server_that_is_down(make_server, now, error, reason):
    status = database_server_status(make_server(), Probe(error=error("1045 root")), now=now)
    assert told(status)["Ready"] == ("False", reason)
    message = find_condition(status.conditions, "Ready").message
    assert "spec.adminSecretRef" in message
    assert "1045" not in message


def test_the_last_version_stays_while_a_server_is_down(make_server, now):
    server = make_server()
    up = database_server_status(server, Probe(version="11.8"), now=now)
    seen = server.model_copy(update={"status": up})
    down = database_server_status(seen, DOWN, now=now + timedelta(hours=1))
    assert down.version == "11.8"
    assert find_condition(down.conditions, "Reachable").last_transition_time == now + timedelta(hours=1)


def test_a_probe_without_news_changes_nothing(make_server, now):
    server = make_server()
    first = database_server_status(server, Probe(version="11.8"), now=now)
    seen = server.model_copy(update={"status": first})
    assert database_server_status(seen, Probe(version="11.8"), now=now + timedelta(hours=1)) == first
