from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from frankenpanel_api.main import create_app
from frankenpanel_api.settings import Settings


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(create_app(Settings())) as client:
        yield client
