"""Measures how much of the target its tests run: ``measure_coverage.py LEAST TARGET PATH COMMAND…``.

The last line tells it (``coverage: 92.5 percent of ./prices.py``), and the exit code whether it is ``LEAST`` or more:
0 yes, 1 no, 2 it could not be measured. ``LEAST`` may be ``none``: then nothing is run and -1 is told.

It runs the tests of ``PATH`` with pytest or unittest, under coverage.py where the project has it, else under ``trace``
of the standard library. Lines count; the project's own configuration of coverage does not.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from run_tests import narrowed, run


def measured(target: Path, command: list[str]) -> float | None:
    """Percent of the target's lines that the command runs; None when the tool does not tell."""
    with tempfile.TemporaryDirectory() as folder:
        if importlib.util.find_spec("coverage"):
            return _by_coverage(target, command, Path(folder))
        return _by_trace(target, command, Path(folder))


def _by_coverage(target: Path, command: list[str], folder: Path) -> float | None:
    data, settings = f"--data-file={folder / 'data'}", f"--rcfile={os.devnull}"
    include = f"--include={target}{'/*' if target.is_dir() else ''}"
    _, output = run(["python", "-m", "coverage", "run", data, settings, include, *command[1:]])
    if re.search(rf"No module named '?{re.escape(command[2])}\b", output):
        return None
    report = [sys.executable, "-m", "coverage", "json", data, settings, include, "-q", "-o", "-"]
    done = subprocess.run(report, capture_output=True, text=True, check=False)
    try:
        return float(json.loads(done.stdout)["totals"]["percent_covered"])
    except (ValueError, KeyError):
        # Nothing of the target was run: there is no data to report on.
        return 0.0 if "No data" in done.stdout + done.stderr else None


def _by_trace(target: Path, command: list[str], folder: Path) -> float | None:
    ignored = os.pathsep.join({sys.prefix, sys.base_prefix})
    options = ["--count", "--missing", "--summary", "--coverdir", str(folder), "--ignore-dir", ignored]
    # Whether tests fail does not change its exit code; that there is no such runner does.
    exit_code, output = run(["python", "-m", "trace", *options, "--module", *command[2:]])
    if exit_code != 0:
        return None
    lines = covered = 0.0
    for number, percent, path in re.findall(r"^\s*(\d+)\s+(\d+)%\s+\S+\s+\((.*)\)$", output, re.MULTILINE):
        if Path(path).resolve().is_relative_to(target):
            lines, covered = lines + int(number), covered + int(number) * int(percent) / 100
    return 100 * covered / lines if lines else 0.0


def main() -> int:
    """Measure what ``sys.argv`` says, and tell it."""
    least, target, path, *command = sys.argv[1:]
    if least == "none":
        print("coverage: -1 percent: the session was started without measuring it")
        return 0
    if command[:2] != ["python", "-m"]:
        print("Only pytest and unittest can be measured; start the session with the option coverage: none.")
        return 2
    percent = measured(Path(target).resolve(), narrowed(command, path))
    if percent is None:
        print("The coverage could not be measured; see above.")
        return 2
    print(f"\ncoverage: {percent:.1f} percent of {target}")
    return 0 if percent >= float(least) else 1


if __name__ == "__main__":
    sys.exit(main())
