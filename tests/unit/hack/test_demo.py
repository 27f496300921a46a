import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from frankenpanel_hack.demo import not_ready_reason, wrong_answer


def site(status: str = "True", observed: int = 2) -> dict[str, Any]:
    ready = {
        "type": "Ready",
        "status": status,
        "reason": "Installing",
        "message": "WordPress is being installed.",
    }
    return {"metadata": {"generation": 2}, "status": {"observedGeneration": observed, "conditions": [ready]}}


def test_a_ready_site_has_no_reason() -> None:
    assert not_ready_reason(site()) is None


def test_a_reason_is_in_the_words_of_the_condition() -> None:
    assert not_ready_reason(site("False")) == "Installing: WordPress is being installed."


def test_a_condition_about_an_older_generation_counts_for_nothing() -> None:
    assert not_ready_reason(site(observed=1)) is not None


def test_a_site_that_nobody_looked_at_says_so() -> None:
    assert "not looked" in str(not_ready_reason({"metadata": {"generation": 1}}))


class Shop(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.headers["Host"].startswith("shop.localhost") else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def port() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Shop)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_page_is_asked_for_by_its_host(port: int) -> None:
    assert wrong_answer(port, "shop.localhost") is None
    assert wrong_answer(port, "other.localhost") == "answers 404"


def test_nobody_there_is_told(port: int) -> None:
    assert "no answer on 127.0.0.1:1 " in str(wrong_answer(1, "shop.localhost"))
