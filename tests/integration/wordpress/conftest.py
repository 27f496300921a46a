"""WordPress' code and PHP, once for all tests here, or the reason why there is none."""

from __future__ import annotations

import pytest
from wordpress_code import CodeMissingError, WordPressCode, lay_wordpress


@pytest.fixture(scope="session")
def wordpress(tmp_path_factory: pytest.TempPathFactory) -> WordPressCode:
    try:
        return lay_wordpress(tmp_path_factory.mktemp("wordpress"))
    except CodeMissingError as error:
        pytest.skip(str(error))
