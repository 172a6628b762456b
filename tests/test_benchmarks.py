"""The benchmarks run and print every figure; how large one is depends on the machine, and no test judges it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.listing import COLUMNS

pytestmark = pytest.mark.acceptance


def run(*arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks.listing", "--sessions", "70", *arguments]
    root = Path(__file__).parent.parent
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_the_figures_of_listing_are_printed_for_people_and_for_programs() -> None:
    (row,) = json.loads(run("--json"))["figures"]
    assert row.keys() == {name for name, _ in COLUMNS}
    assert row["sessions"] == 70
    assert all(row[name] > 0 for name in row if name.endswith("_ms"))
    _, titles, _, figures = run().splitlines()
    assert [title.strip() for title in titles.split("|")] == [title for _, title in COLUMNS]
    assert figures.count("|") == len(COLUMNS) - 1
