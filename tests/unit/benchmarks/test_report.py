from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import goals
import pytest
import report
from measuring import results
from measuring.goals import verdict
from measuring.page import replace_section
from measuring.plot import Panel, draw
from measuring.results import Results, Run
from population import OWNED_OBJECTS, PATHS, owned_objects

MACHINE = {"cores": 2, "memory_gib": 24, "processor": "x", "python": "3", "kernel": "6"}


def run(contender: str, sites: int, **figures: float | None) -> Run:
    return Run(contender, sites, "2026-01-01T00:00:00+00:00", 1.0, "0123abc", False, figures)


@pytest.fixture
def measured() -> Results:
    runs = [
        run("ceiling", 100, burst_sites_per_second=100.0),
        run("ours", 100, burst_sites_per_second=50.0, burst_seconds=2.0, rss_mb=71.0, restart_cpu_seconds=1),
        run("ours", 100, burst_sites_per_second=70.0, burst_seconds=2.0, rss_mb=99.0, restart_cpu_seconds=9),
        run("ours", 100, burst_sites_per_second=90.0, burst_seconds=2.0, rss_mb=71.0, restart_cpu_seconds=7),
        run("ours", 1000, burst_seconds=20.0),
        run("twin", 100, burst_sites_per_second=10.0),
    ]
    return Results(MACHINE, runs, "sites")


def test_a_figure_is_the_median_of_its_rounds(measured: Results) -> None:
    assert measured.figure("ours", 100, "burst_sites_per_second") == 70.0
    assert measured.figure("ours", 100, "unknown") is None
    assert measured.slope("ours", "burst_seconds") == pytest.approx(1.0)


def test_shares_compare_the_same_size(measured: Results) -> None:
    assert goals.of_ceiling(measured, "ours", 100) == pytest.approx(70.0)
    assert goals.of_twin(measured, "ours", 100) == pytest.approx(7.0)
    assert goals.of_twin(measured, "ours", 1000) is None


def test_the_memory_budget_of_ten_thousand_sites_is_that_of_the_goal() -> None:
    assert goals.memory_budget_mb(10_000) == pytest.approx(70 + 60_000 / 1024 + 75_000 / 1024)


def test_a_goal_is_met_or_missed_for_ours_and_only_told_of_others(measured: Results) -> None:
    by_what = {goal.what: goal for goal in goals.GOALS}
    share, restart = by_what["burst, Sites/s in % of the ceiling"], by_what["CPU s of a restart"]
    assert verdict(share, measured, "ours", 100) == "70 met"
    assert verdict(share, measured, "twin", 100) == "10"
    assert verdict(restart, measured, "ours", 100) == "7.00 **missed**"
    assert verdict(restart, measured, "ours", 1000) == "-"


def test_every_goal_has_a_line() -> None:
    assert {goal.name for goal in goals.GOALS} == {f"O{number}" for number in range(1, 12)}


def test_results_survive_their_file(measured: Results, tmp_path: Path) -> None:
    results.save(measured, tmp_path / "operator.json")
    assert results.load(tmp_path / "operator.json", "sites") == measured


def test_the_report_replaces_what_is_between_the_markers_and_nothing_else(
    measured: Results, tmp_path: Path
) -> None:
    page = tmp_path / "operator.md"
    report.write_report(measured, tmp_path / "operator.json")
    page.write_text(f"# Title\n{page.read_text()}The end.\n")
    report.write_report(measured, tmp_path / "operator.json")
    text = page.read_text()
    assert text.startswith("# Title\n")
    assert text.endswith("The end.\n")
    assert text.count("| O5 | burst, Sites/s in % of the ceiling | >= 60 | 70 met | 10 | 100 |") == 1
    assert (tmp_path / "operator.svg").exists()


def test_without_results_the_report_says_so(tmp_path: Path) -> None:
    report.write_report(Results(MACHINE), tmp_path / "operator.json")
    assert "run `make bench-operator`" in (tmp_path / "operator.md").read_text()


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks the markers of goals"):
        replace_section("nothing here", "goals", "x")


def test_the_page_in_the_tree_has_all_markers(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "benchmarks" / "operator.md"
    (tmp_path / "operator.md").write_text(page.read_text())
    report.write_report(Results(MACHINE), tmp_path / "operator.json")


def test_the_plot_is_well_formed_and_has_a_label_per_curve() -> None:
    panels = [
        Panel("Seconds & more", {"ours": {100: 1.0, 1000: 12.0}, "twin": {100: 9.0, 1000: None}}),
        Panel("Nothing", {"ours": {100: None}}),
    ]
    root = ElementTree.fromstring(draw(panels))  # noqa: S314  our own text
    texts = [element.text for element in root.iter() if element.tag.endswith("text")]
    assert {"Seconds & more", "ours", "twin", "100", "1,000"} <= set(texts)
    assert "Nothing" not in texts


def test_a_site_of_the_benchmark_owns_what_the_goals_say() -> None:
    objects = owned_objects("s00001", "tenant-01", "uid-1")
    assert {item["kind"] for item in objects} == set(PATHS)
    assert len(objects) == OWNED_OBJECTS == goals.OWNED_OBJECTS
    for item in objects:
        assert item["metadata"]["namespace"] == "tenant-01"
        assert item["metadata"]["name"].startswith("s00001")
        assert item["metadata"]["ownerReferences"][0]["uid"] == "uid-1"


def test_a_bound_for_ten_thousand_sites_is_smaller_for_fewer_but_never_nothing(measured: Results) -> None:
    is_met = goals.per_linear_cpu(2.0)
    assert is_met(2.0, measured, 10_000)
    assert not is_met(1.1, measured, 5_000)
    assert is_met(0.2, measured, 100)
    assert not is_met(2.1, measured, 20_000)
