"""Migrates SQLite databases step by step, and judges each step: python core STEP DATABASES WORK MIGRATION EXPECTED.

The answer is JSON. Exit code 0: done, or the criterion holds; 1: not, and "problems" says why; 2: the command line is
wrong. Paths are relative to the working directory, which is the project's.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import work
from criteria import CRITERIA, Problems
from databases import Problem
from job import Job

PROBLEMS_SHOWN = 20


def main(arguments: Sequence[str]) -> int:
    """Carry out one step, or judge one criterion."""
    given = _parser().parse_args(arguments)
    job = Job(given.databases, given.work, given.migration, given.expected)
    steps: dict[str, Callable[[], list[str] | None]] = {
        "inventory": lambda: work.inventory(job),
        "backup": lambda: work.backup(job),
        "dry-run": lambda: work.dry_run(job),
        "migrate": lambda: work.migrate_all(job),
        "verify": lambda: work.verify(job),
        "decide": lambda: work.decide(job, given.no_go),
        "restore": lambda: work.restore(job),
    }
    answer: dict[str, Any] = {}
    problems: list[str] = []
    try:
        if given.step == "check":
            answer = dict(CRITERIA[given.criterion](job))
        else:
            problems = steps[given.step]() or []
    except Problem as problem:
        problems = [str(problem)]
    except Problems as found:
        problems = [str(problem) for problem in found.args]
    except OSError as error:
        problems = [f"{error.filename}: {error.strerror}"]
    answer |= {"ok": not problems, "problems": problems[:PROBLEMS_SHOWN], "problems_in_all": len(problems)}
    sys.stdout.write(json.dumps(answer, indent=2, ensure_ascii=False) + "\n")
    return 1 if problems else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="core", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    for name in ("inventory", "backup", "dry-run", "migrate", "verify", "decide", "restore", "check"):
        step = steps.add_parser(name)
        if name == "check":
            step.add_argument("criterion", choices=list(CRITERIA))
        for place in ("databases", "work", "migration", "expected"):
            step.add_argument(place, type=Path)
        if name == "decide":
            step.add_argument("--no-go", metavar="REASON", help="decide against it whatever was verified")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
