from __future__ import annotations

import json
from pathlib import Path

import pytest
from edge import goals, report
from edge.beside import comparison
from edge.claim_server import PAGE_SIZE, claim_pages
from edge.population import hosts_of
from edge.servers import samples_of
from edge.wrk import read_load, wrk_script
from measuring.goals import verdict
from measuring.results import Results, Run, load, save

MACHINE = {"cores": 2, "memory_gib": 24, "processor": "x", "python": "3", "kernel": "6"}


def run(contender: str, hosts: int, **figures: float | None) -> Run:
    return Run(contender, hosts, "2026-01-01T00:00:00+00:00", 1.0, "0123abc", False, figures)


@pytest.fixture
def measured() -> Results:
    runs = [
        run("bare", 10, one_p50_ms=0.30),
        run("bare", 50_000, one_p50_ms=0.30),
        run("constant", 50_000, one_p50_ms=0.32),
        run("ours", 10, requests_per_second=4000.0, one_p50_ms=0.33, caddy_metrics_series=70.0),
        run("ours", 50_000, requests_per_second=3500.0, one_p50_ms=0.34, caddy_metrics_series=70.0),
        run("ours", 50_000, requests_per_second=3700.0, one_p50_ms=0.36, caddy_metrics_series=70.0),
        run("routes", 50_000, requests_per_second=37.0, one_p50_ms=30.0),
    ]
    return Results(MACHINE, runs, "hosts")


def shown(what: str, results: Results, contender: str, hosts: int) -> str:
    (goal,) = [goal for goal in goals.GOALS if goal.what.startswith(what)]
    return verdict(goal, results, contender, hosts)


def test_a_size_is_compared_with_the_smallest(measured: Results) -> None:
    assert shown("req/s, in multiples", measured, "ours", 50_000) == "0.90 met"
    assert shown("req/s, in multiples", measured, "ours", 10) == "-"
    assert shown("series of Caddy", measured, "ours", 50_000) == "1.00 met"


def test_what_is_added_is_the_difference_at_the_same_size(measured: Results) -> None:
    assert shown("p50 ms above", measured, "ours", 50_000) == "0.050 met"
    assert shown("of it the lookup", measured, "ours", 50_000) == "0.030"
    assert shown("p50 ms above", measured, "bare", 50_000) == "-"
    assert shown("of it the lookup", measured, "ours", 10) == "-"


def test_every_goal_has_a_line() -> None:
    assert {goal.name for goal in goals.GOALS} == {*(f"C{number}" for number in range(1, 7)), "sync"}


def test_results_survive_their_file(measured: Results, tmp_path: Path) -> None:
    save(measured, tmp_path / "edge.json")
    assert json.loads((tmp_path / "edge.json").read_text())["runs"][0]["hosts"] == 10
    assert load(tmp_path / "edge.json", "hosts") == measured


def test_the_report_has_all_layouts_and_their_ratios(measured: Results, tmp_path: Path) -> None:
    report.write_report(measured, tmp_path / "edge.json")
    text = (tmp_path / "edge.md").read_text()
    assert "| 50,000 | Caddy, a route per host | 97.297 | 0.012 |" in text
    assert "### 50,000 hosts" in text
    assert (tmp_path / "edge.svg").exists()


def test_the_page_in_the_tree_has_all_markers(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "benchmarks" / "edge.md"
    (tmp_path / "edge.md").write_text(page.read_text())
    report.write_report(Results(MACHINE), tmp_path / "edge.json")
    assert "run `make bench-edge`" in (tmp_path / "edge.md").read_text()


def test_answers_are_compared_only_where_a_body_is_given() -> None:
    names = Path("/srv/hosts.txt")
    assert "response =" not in wrk_script(names, None, 1)
    checked = wrk_script(names, "one\n", 1)
    assert 'body ~= "one\\n"' in checked
    assert "e.status" not in checked


def test_a_summary_of_wrk_is_read() -> None:
    line = '@{"requests": 100, "microseconds": 500000, "p50": 250, "p99": 900, "errors": 1, "wrong": 2}'
    found = read_load(f"Running 1s test\n{line}\n")
    assert (found.requests_per_second, found.p50_ms, found.p99_ms, found.failures) == (200.0, 0.25, 0.9, 3)
    with pytest.raises(ValueError, match="unable to connect"):
        read_load("unable to connect")


@pytest.mark.parametrize("count", [10, PAGE_SIZE, PAGE_SIZE + 1, 3 * PAGE_SIZE], ids=str)
def test_the_listing_has_every_host_once(count: int) -> None:
    pages = [json.loads(page) for page in claim_pages(count, "127.0.0.1:1")]
    hosts = [item["spec"]["host"] for page in pages for item in page["items"]]
    assert hosts == hosts_of(count)
    tokens = [page["metadata"].get("continue") for page in pages]
    assert tokens == [*(str(number) for number in range(1, len(pages))), None]


def test_series_are_counted_without_their_comments() -> None:
    assert samples_of('# HELP a b\n# TYPE a counter\na{x="1"} 2\nb 3\n\n') == ['a{x="1"}', "b"]


def test_what_ran_in_turn_is_compared_turn_by_turn(measured: Results) -> None:
    p50_ms = {"ours": [0.4, 0.5, 0.9], "bare": [0.3, 0.45, 0.8], "constant": [0.38, 0.48, 0.9]}
    figures = comparison(p50_ms, {"ours": [90.0, 40.0, 30.0], "small": [100.0, 50.0, 20.0]})
    assert figures["above_bare_p50_ms"] == pytest.approx(0.1)
    assert figures["above_constant_p50_ms"] == pytest.approx(0.02)
    assert figures["rate_beside_small"] == pytest.approx(0.9)
    measured.runs.append(run("ours", 10, **figures))
    assert shown("p50 ms above", measured, "ours", 10) == "0.100 **missed**"
