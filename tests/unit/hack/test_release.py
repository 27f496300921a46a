from pathlib import Path
from typing import Any

import yaml
from frankenpanel_hack.layout import layout_from
from frankenpanel_hack.ports import PublicPorts
from frankenpanel_hack.release import (
    host_port_values,
    image_values,
    kind_port_values,
    local_domain_values,
    release_digest,
)

CHART = layout_from({}).repository / "charts" / "frankenpanel"


def defaults() -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
    return values


def unknown_paths(values: dict[str, Any], known: dict[str, Any], path: str = "") -> list[str]:
    found = []
    for key, value in values.items():
        if key not in known:
            found.append(f"{path}{key}")
        elif isinstance(value, dict):
            found += unknown_paths(value, known[key], f"{path}{key}.")
    return found


def test_every_value_is_one_of_the_chart() -> None:
    ports = PublicPorts(8080, 8443)
    names = defaults()["images"]
    values = image_values({name: f"docker.io/frankenpanel/{name}:abc" for name in names}, frozenset(names))
    for given in (values, host_port_values(ports), kind_port_values(ports), local_domain_values()):
        assert unknown_paths(given, defaults()) == []


def test_tags_follow_from_the_references() -> None:
    references = {
        "operator": "docker.io/frankenpanel/operator:abc",
        "base": "docker.io/frankenpanel/base:def",
    }
    assert image_values(references, frozenset({"operator"})) == {"images": {"operator": {"tag": "abc"}}}


def test_a_kind_node_has_its_own_ports_and_visitors_others() -> None:
    gateway = kind_port_values(PublicPorts(8080, 8443))["gateway"]
    assert (gateway["hostPorts"]["http"], gateway["publicPorts"]["http"]) == (80, 8080)


def test_the_digest_follows_chart_and_values(tmp_path: Path) -> None:
    chart = tmp_path / "chart"
    chart.mkdir()
    (chart / "Chart.yaml").write_text("version: 1")
    first = release_digest(chart, {"a": 1})
    assert release_digest(chart, {"a": 2}) != first
    (chart / "Chart.yaml").write_text("version: 2")
    assert release_digest(chart, {"a": 1}) != first
