"""The benchmarks run and print every figure; how large one is depends on the machine, and no test judges it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import table
from benchmarks.__main__ import main
from benchmarks.figures import Figure, beside
from benchmarks.listing import COLUMNS, show

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/explanation/performance.md"


def run(*arguments: str) -> str:
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=True).stdout


def without_numbers(name: str) -> str:
    """A row's name, however many there were of whatever it counts."""
    return re.sub(r"\d[\d,]*", "N", name)


def rows_of_the_page() -> list[str]:
    _, _, rest = PAGE.read_text().partition(table.BEGIN)
    lines = [line for line in rest.partition(table.END)[0].splitlines() if line.startswith("| ")]
    return [line.split("|")[1].strip() for line in lines[2:]]


@pytest.mark.acceptance
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_every_figure_is_measured_beside_its_floor_and_the_page_shows_just_those() -> None:
    figures = json.loads(run("benchmarks", "--quick", "1000", "--json"))["figures"]
    assert [without_numbers(one["name"]) for one in figures] == [without_numbers(name) for name in rows_of_the_page()]
    for one in figures:
        assert all(floor > 0 for floor in one["floors"].values()), one
        assert one["ratio"] is None or one["floors"], one
        assert (one["met"] is None) == (one["bound"] is None) == (not one["goal"]), one
    measured = {one["name"]: one["value"] for one in figures}
    assert all(value > 0 for name, value in measured.items() if not name.startswith("memory that")), measured


@pytest.mark.acceptance
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_the_figures_of_listing_are_printed_for_people_and_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = json.loads(run("benchmarks.listing", "--sessions", "70", "--json"))["figures"]
    assert row.keys() == {name for name, _ in COLUMNS}
    assert row["sessions"] == 70
    assert all(row[name] > 0 for name in row if name.endswith("_ms"))
    show([row])
    _, titles, _, figures = capsys.readouterr().out.splitlines()
    assert [title.strip() for title in titles.split("|")] == [title for _, title in COLUMNS]
    assert figures.count("|") == len(COLUMNS) - 1


@pytest.mark.unit
def test_a_goal_is_for_the_ratio_where_there_is_one_and_else_for_the_value() -> None:
    assert beside("a call", 3.2, "ms", ("no-op", 2.0), 1.6).met is True
    assert beside("a call", 3.3, "ms", ("no-op", 2.0), 1.6).met is False
    assert Figure("a limit", 99, "ms", bound=100).met is True
    assert Figure("hits", 98.9, "%", bound=99, at_least=True).met is False
    assert Figure("a size", 99, "bytes").met is None


@pytest.mark.unit
def test_the_table_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{table.BEGIN}old\n{table.END}after\n")
    table.renew(page, "new\n")
    assert page.read_text() == f"before\n{table.BEGIN}\nnew\n\n{table.END}after\n"
    page.write_text("no place")
    with pytest.raises(ValueError, match="has no place for the table"):
        table.renew(page, "new\n")


@pytest.mark.unit
def test_a_page_shows_no_part_of_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--quick"], ["--only", "calls"]):
        with pytest.raises(SystemExit):
            main(["--page", str(tmp_path / "page.md"), *arguments])
        assert "--page shows a full run" in capsys.readouterr().err
