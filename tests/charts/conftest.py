"""The charts, rendered; without helm tests are skipped, except in CI, where `make up` has built it before."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import helm_charts
import pytest
from helm_charts import HelmMissingError, Rendered, Result


@pytest.fixture(scope="session", autouse=True)
def helm() -> None:
    """Look for helm once."""
    try:
        helm_charts.try_render("frankenpanel", {})
    except HelmMissingError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def try_render() -> Callable[[Mapping[str, Any]], Result]:
    """Renders the chart with values on top of its defaults; helm may refuse."""
    return partial(helm_charts.try_render, "frankenpanel")


@pytest.fixture(scope="session")
def render() -> Callable[..., Rendered]:
    """Renders the chart to objects; values are given by name."""

    def render(**values: Any) -> Rendered:
        return helm_charts.render("frankenpanel", values)

    return render


@pytest.fixture(scope="session")
def defaults(helm: None) -> Rendered:
    """What the chart makes when nobody chose anything."""
    return helm_charts.render("frankenpanel", {})


@pytest.fixture(scope="session")
def on_host_ports(helm: None) -> Rendered:
    """What the chart makes on a cluster without a load balancer."""
    return helm_charts.render("frankenpanel", helm_charts.ON_HOST_PORTS)
