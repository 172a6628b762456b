"""The evidence of each phase, made of what the workbench measured in this run."""

from __future__ import annotations

from typing import Any

from _demo import shop
from _demo.bench import NEW_TESTS, SUITE, TEST_FILE, Bench, Run

SKIPPED = {"test_one_decimal_means_tens_of_cents": 'defect: "3,5" is read as 3.05, the docstring promises 3.50'}
REPEATS = 3


def premature() -> dict[str, Any]:
    """Phase 4 as a hurried assistant claims it: nothing has been written, and the numbers do not add up."""
    return {
        "test_files": [TEST_FILE],
        "planned_tests": planned_tests(),
        "tests_written": planned_tests(),
        "deferred": {},
        "test_command": "python -m unittest tests.test_shop",
        "test_exit_code": 0,
        "test_output": "Ran 5 tests in 0.001s\n\nOK",
        "tests_collected": 4,
        "tests_skipped": 0,
        "skip_reasons": {},
    }


def red_called_green() -> dict[str, Any]:
    """Phase 4 as a lying assistant claims it: five tests are written, one is red, every number fits."""
    return premature() | {"tests_collected": 5}


def planned_tests() -> list[str]:
    """The normal rows of the plan."""
    return [row["test"] for row in shop.PLAN["test_plan"] if row["kind"] == "normal"]


def baseline(bench: Bench, run: Run, coverage: int) -> dict[str, Any]:
    """Phase 2: the numbers from before the work."""
    outside = [name for name in bench.structure()["imports"] if name != "re"]
    return {
        "test_command": run.command,
        "baseline_exit_code": run.exit_code,
        "baseline_output": run.summary,
        "tests_before": run.collected,
        "failed_before": run.failed,
        "coverage_command": bench.coverage_command,
        "coverage_before": coverage,
        "dependencies": outside,
        "seams": {},
    }


def core(bench: Bench, run: Run) -> dict[str, Any]:
    """Phase 4: the plan's normal tests, written and run."""
    written = bench.tests_in_file()
    return {
        "test_files": [TEST_FILE],
        "planned_tests": planned_tests(),
        "tests_written": written,
        "deferred": {name: "not yet written" for name in planned_tests() if name not in written},
        **_of(run),
    }


def edges(bench: Bench, run: Run, tests_before: int) -> dict[str, Any]:
    """Phase 5: the hard cases that are in the file now."""
    written = bench.tests_in_file()
    cases = [*shop.EDGE_CASES, shop.LIMIT_CASE]
    return {
        "edge_cases": [case for case in cases if case["test"] in written],
        "error_cases": [case for case in shop.ERROR_CASES if case["test"] in written],
        "properties": [law for law in shop.LAWS if law["test"] in written],
        "tests_before": tests_before,
        **_of(run),
    }


def isolation(bench: Bench) -> dict[str, Any]:
    """Phase 6: the search for boundaries, and the tests run again and again, once in another order."""
    command, hits = bench.search()
    files = bench.file_count()
    reversed_order = [f"tests.test_shop.{name}" for name in reversed(bench.classes_in_file())]
    runs = [bench.run(*NEW_TESTS) for _ in range(REPEATS)] + [bench.run("unittest", *reversed_order)]
    return {
        "boundary_search": command,
        "boundaries": hits,
        "integration_tests": {},
        "not_integrated": {},
        "not_applicable_reason": "pure functions on text and whole numbers; the search found nothing",
        "repeat_command": f"for i in 1 2 3; do {runs[0].command}; done; {runs[-1].command}",
        "repeat_runs": len(runs),
        "repeat_failures": sum(run.exit_code != 0 for run in runs),
        "files_before": files,
        "files_after": bench.file_count(),
    }


def mutations(bench: Bench) -> dict[str, Any]:
    """Phase 7: the code broken on purpose, one place at a time, and restored."""
    before = bench.digest()
    seen = [bench.break_and_run(old, new) for old, new in shop.MUTATIONS]
    restored = bench.run(*NEW_TESTS)
    return {
        "digest_before": before,
        "mutations": seen,
        "survivors": {},
        "digest_after": bench.digest(),
        "test_command": restored.command,
        "restored_exit_code": restored.exit_code,
        "restored_output": restored.summary,
    }


def final(bench: Bench, run: Run, before: dict[str, Any], coverage: int) -> dict[str, Any]:
    """Phase 8: the whole suite beside the baseline that the server kept."""
    report = (
        f"{run.collected} tests, {run.passed} pass. One defect, left in place and marked as an expected failure: "
        f'parse_price("3,5") gives 305 and not 350. {coverage} % of the lines run. Again: {run.command}'
    )
    return {
        "test_command": run.command,
        "final_exit_code": run.exit_code,
        "final_output": run.summary,
        "tests_before": before["tests_before"],
        "failed_before": before["failed_before"],
        **_counts(run),
        "tests_passed": run.passed,
        "failed_after": run.failed,
        "coverage_command": bench.coverage_command,
        "coverage_before": before["coverage_before"],
        "coverage_after": coverage,
        "uncovered": {},
        "defects": [{"observed": 'parse_price("3,5") gives 305', "expected": "350", "test": next(iter(SKIPPED))}],
        "report": report,
    }


def suite(bench: Bench) -> Run:
    """The whole suite, as typed in phase 2."""
    return bench.run(*SUITE)


def _counts(run: Run) -> dict[str, Any]:
    """What the runner counted; how many pass, the server counts itself."""
    return {"tests_collected": run.collected, "tests_skipped": run.skipped}


def _of(run: Run) -> dict[str, Any]:
    return {
        "test_command": run.command,
        "test_exit_code": run.exit_code,
        "test_output": run.summary,
        **_counts(run),
        "skip_reasons": SKIPPED if run.skipped else {},
    }
