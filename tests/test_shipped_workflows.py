"""The workflows that ship: their gates take what is true, and refuse what is not."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from mcp_server.checks.probes import ProjectProbes
from mcp_server.cli.evidence import honest_evidence
from mcp_server.definitions.folder import read_folder
from mcp_server.definitions.parse import parse
from mcp_server.definitions.tasks import task_content
from mcp_server.definitions.validate import validate_folder
from mcp_server.domain.definition import Field, Gate, Phase, Workflow
from mcp_server.domain.gates import Verdict, conclude, evidence_schema, judge
from mcp_server.domain.results import CheckResult
from tests.shipped_evidence import FILES, HONEST, OPTIONS, WORKFLOWS

pytestmark = pytest.mark.integration

FOLDERS = sorted(path.parent for path in WORKFLOWS.glob("*/metadata.json"))
OF_PLANS = {("spec_execution_v1", 1), ("spec_execution_v1", 2)}
"""Phases whose gates are the plan's own, and no better than it."""
GATES = [
    (workflow, phase) for workflow, phases in HONEST.items() for phase in phases if (workflow, phase) not in OF_PLANS
]

PASSED = {("test_generation_v3", 4): 3, ("test_generation_v3", 5): 8}
"""How many tests the server counts where the honest evidence says it by other numbers."""

NOTHING: dict[str, Any] = {
    "boolean": False,
    "integer": 0,
    "number": 0,
    "float": 0.0,
    "string": "",
    "object": {},
    "list": [],
    "any": None,
}

T, S, C, X = "test_generation_v3", "spec_creation_v1", "small_change_v1", "spec_execution_v1"
B = "bug_fix_v1"
GONE = object()


def _row(workflow: str, phase: int, field: str, index: int, **changes: Any) -> dict[str, Any]:
    """The honest list of ``field`` with one of its rows changed."""
    rows: list[dict[str, Any]] = [dict(row) for row in HONEST[workflow][phase][field]]
    rows[index] |= changes
    return {field: rows}


# What an assistant that skipped the work, or half of it, might send: the honest evidence but for this.
LIES: list[tuple[str, int, str, dict[str, Any]]] = [
    (
        B,
        2,
        "a cause that repeats the symptom",
        {"cause": "It gives 305 cents where 350 are right", "observed": "it gives 305 cents where 350 are right"},
    ),
    (B, 2, "nothing that should be", {"expected": HONEST[B][2]["observed"]}),
    (B, 2, "nothing that was tried", {"suppositions": []}),
    (
        B,
        2,
        "a supposition that nobody put to the test",
        {"suppositions": [{"supposed": "it is the pattern", "result": ""}]},
    ),
    (B, 2, "suppositions as sentences", {"suppositions": ["it is the pattern"]}),
    (B, 2, "a cause in two words", {"cause": "bad code"}),
    (B, 5, "no file", {"files_changed": []}),
    (B, 5, "a file that was not written", {"files_changed": ["prices.py", "tests/test_imagined.py"]}),
    (B, 5, "done", {"report": "All done."}),
    (B, 5, "a message that says nothing", {"commit_message": "Fix bug"}),
    (B, 5, "something open, and not said what", {"left_open": [" "]}),
    (T, 1, "two candidates", {"test_candidates": ["parse_price", "total"]}),
    (T, 1, "a structure in name only", {"code_structure": {}}),
    (T, 1, "the number of candidates for the candidates", {"test_candidates": 3}),
    (T, 2, "red tests under exit code 0", {"baseline_exit_code": 0, "tests_before": 4, "failed_before": 2}),
    (T, 2, "more failures than tests", {"tests_before": 1, "failed_before": 2}),
    (T, 2, "a dependency that nothing controls", {"dependencies": ["clock"]}),
    (T, 2, "no coverage and no reason", {"coverage_command": "none", "coverage_before": GONE}),
    (T, 2, "coverage above 100", {"coverage_before": 130}),
    (T, 3, "a candidate that got lost", {"not_tested": {}}),
    (T, 3, "a candidate dropped without a reason", {"not_tested": {"total": ""}}),
    (T, 3, "a row without an expected result", _row(T, 3, "test_plan", 0, expected="")),
    (T, 3, "a kind of its own", _row(T, 3, "test_plan", 0, kind="misc")),
    (T, 3, "sunshine only", {"test_plan": [row | {"kind": "normal"} for row in HONEST[T][3]["test_plan"]]}),
    (T, 3, "a risk that no planned test meets", _row(T, 3, "risks", 0, test="test_later")),
    (T, 3, "one candidate three times", {"candidates": ["parse_price"] * 3}),
    (T, 3, "the plan as sentences", {"test_plan": ["test parse_price", "test total", "test errors"]}),
    (T, 4, "a test file that is not there", {"test_files": ["tests/test_elsewhere.py"]}),
    (T, 4, "a planned test that was not written", {"tests_written": ["test_a_comma_is_the_decimal_mark"]}),
    (T, 4, "counts that do not add up", {"tests_collected": 4}),
    (T, 4, "a red run called green", {"test_output": "Ran 3 tests in 0.50s\n\nFAILED (failures=1)"}),
    (T, 4, "another number than the summary's", {"tests_passed": 3, "test_output": "5 passed in 0.5s"}),
    (T, 4, "an exit code that says no", {"test_exit_code": 1}),
    (T, 4, "true for an exit code", {"test_exit_code": False}),
    (
        T,
        4,
        "a skip without a reason",
        {"tests_passed": 2, "tests_skipped": 1, "test_output": "2 passed, 1 skipped in 0.50s"},
    ),
    (T, 5, "a lost test", {"tests_before": 20}),
    (T, 5, "one edge", {"edge_cases": HONEST[T][5]["edge_cases"][:1]}),
    (T, 5, "an edge without a result", _row(T, 5, "edge_cases", 0, expected="")),
    (T, 5, "nothing can fail, without a reason", {"error_cases": []}),
    (T, 5, "a law that no test holds", {"properties": [{"property": "parse(format(p)) == p"}]}),
    (T, 5, "counts that do not add up", {"tests_passed": 7}),
    (T, 6, "a boundary that is neither met nor excused", {"boundaries": ["prices.py:9 reads rates.json"]}),
    (T, 6, "not applicable, without a reason", {"not_applicable_reason": GONE}),
    (T, 6, "not applicable, because", {"not_applicable_reason": "n/a"}),
    (T, 6, "a single run", {"repeat_runs": 1}),
    (T, 6, "flaky tests", {"repeat_failures": 1}),
    (T, 6, "files left behind", {"files_after": 3}),
    (T, 7, "code that was not restored", {"digest_after": "00" * 32}),
    (T, 7, "a word for a digest", {"digest_before": "unchanged", "digest_after": "unchanged"}),
    (T, 7, "one defect three times", {"mutations": HONEST[T][7]["mutations"][:1] * 3, "survivors": {}}),
    (T, 7, "two defects caught", _row(T, 7, "mutations", 0, exit_code=0, failing_test="")),
    (T, 7, "a survivor that nobody explains", {"survivors": {}}),
    (T, 7, "caught by no test", _row(T, 7, "mutations", 1, failing_test="")),
    (T, 8, "no test added", {"tests_before": 8}),
    (T, 8, "counts that do not add up", {"tests_skipped": 2}),
    (T, 8, "a new failure", {"failed_after": 1, "tests_passed": 7, "final_exit_code": 1, "final_output": "1 failed"}),
    (T, 8, "failures under exit code 0", {"failed_before": 1, "failed_after": 1, "tests_collected": 9}),
    (T, 8, "less coverage than before", {"coverage_before": 90, "coverage_after": 80, "uncovered": {"l. 9": "rare"}}),
    (T, 8, "gaps that are not named", {"coverage_after": 91.5}),
    (T, 8, "coverage forgotten at the end", {"coverage_after": GONE}),
    (T, 8, "a defect without the test that shows it", {"defects": [{"observed": "1", "expected": "2"}]}),
    (T, 8, "done", {"report": "All done."}),
    (S, 1, "a file that was not written", {"srd_path": "specs/csv-export/requirements.md"}),
    (S, 1, "another file", {"srd_path": "specs/csv-export/specs.md"}),
    (S, 2, "another file", {"specs_path": "specs/csv-export/tasks.md"}),
    (S, 2, "requirements that were not read", {"files_read": ["specs/csv-export/specs.md"]}),
    (S, 3, "another file", {"tasks_path": "specs/csv-export/srd.md"}),
    (S, 1, "a goal that nothing serves", {"goals": {"G-1": "Accountants help themselves", "G-2": "Less work"}}),
    (S, 1, "a requirement for no goal", {"requirements": {"FR-1": {"goal": "G-9", "accepted_when": "it is exported"}}}),
    (
        S,
        1,
        "a requirement that nobody can check",
        {"requirements": HONEST[S][1]["requirements"] | {"FR-2": {"goal": "G-1", "accepted_when": "works"}}},
    ),
    (S, 1, "a question left open", {"questions": [{"question": "Which encoding?"}]}),
    (S, 1, "more in the evidence than in the file", {"ids_in_file": 2}),
    (S, 1, "open places", {"placeholders_left": 2}),
    (S, 2, "a file that was not read", {"files_read": ["specs/csv-export/srd.md", "src/imagined.py"]}),
    (S, 2, "a requirement that nothing meets", {"met_by": {"FR-1": ["exporter"], "FR-2": ["command"]}}),
    (S, 2, "a component from nowhere", {"met_by": HONEST[S][2]["met_by"] | {"NFR-1": ["cache"]}}),
    (
        S,
        2,
        "a component for nothing",
        {"components": HONEST[S][2]["components"] | {"cache": "keeps months for later"}},
    ),
    (S, 2, "a decision without an alternative", _row(S, 2, "decisions", 0, rejected="")),
    (S, 2, "a failure without a response", _row(S, 2, "failure_modes", 0, response="")),
    (S, 2, "a design that forgets a requirement", {"ids_in_file": 2}),
    (S, 3, "a requirement without a task", {"done_by": {"FR-1": ["1.1"], "FR-2": ["1.2"]}}),
    (S, 3, "a task from nowhere", {"done_by": HONEST[S][3]["done_by"] | {"NFR-1": ["9.9"]}}),
    (S, 3, "first what needs the second", {"depends_on": {"1.1": ["1.2"]}}),
    (S, 3, "a circle", {"depends_on": {"1.2": ["1.1"], "1.1": ["1.2"]}}),
    (S, 3, "a dependency on nothing", {"depends_on": {"1.2": ["0.7"]}}),
    (S, 3, "a task twice", {"phases": {"1": ["1.1", "1.2"], "2": ["1.2"]}}),
    (S, 3, "a phase that nothing proves", {"proofs": {"1": "export --month 2024-05 prints 31 lines"}}),
    (S, 3, "more tasks in the file", {"tasks_in_file": 5, "acceptance_in_file": 5}),
    (S, 3, "a phase without a gate", {"gates_in_file": 1}),
    (S, 3, "a task without acceptance", {"acceptance_in_file": 2}),
    (X, 0, "a plan that nobody read", {"files_read": ["specs/csv-export/srd.md"]}),
    (X, 0, "a plan that is not there", {"plan_path": "specs/plan.md", "files_read": ["specs/plan.md"]}),
    (X, 0, "a criterion in one word", {"acceptance": {"FR-1": "works"}}),
    (X, 0, "a task left out", {"plan_tasks": {"1": ["1.1", "1.2"]}, "depends_on": {}}),
    (X, 0, "first what needs the second", {"depends_on": {"1.1": ["1.2"]}}),
    (X, 0, "a doubt left open", _row(X, 0, "doubts", 0, settled="")),
    (X, 0, "more failures than tests", {"failed_before": 16}),
    (X, 3, "a criterion that nobody looked at", {"criteria": [*HONEST[X][3]["criteria"], "FR-3"]}),
    (X, 3, "a criterion that nobody asked for", {"criteria": ["FR-1", "FR-2"]}),
    (
        X,
        3,
        "an observation without a result",
        {"shown_by": HONEST[X][3]["shown_by"] | {"FR-1": {"command": "export", "printed": ""}}},
    ),
    (X, 3, "criteria by assertion", {"shown_by": dict.fromkeys(HONEST[X][3]["criteria"], "done")}),
    (X, 3, "a task forgotten", {"tasks_done": ["1.1", "1.2"]}),
    (X, 3, "a task both done and dropped", {"tasks_dropped": {"2.1": "nobody had the time for it"}}),
    (X, 3, "a task dropped without a reason", {"tasks_done": ["1.1", "1.2"], "tasks_dropped": {"2.1": "later"}}),
    (X, 3, "a task from nowhere", {"tasks_done": ["1.1", "1.2", "2.1", "9.9"]}),
    (X, 3, "a deviation without a reason", {"deviations": [{"planned": "exit code 3", "became": "exit code 4"}]}),
    (X, 3, "something broken", {"failed_after": 1}),
    (X, 3, "done", {"report": "All done."}),
    (C, 1, "a fix whose defect was never seen", {"exit_code_before": 0, "output_before": "15 passed"}),
    (C, 1, "a refactoring on a red test", {"kind": "refactor"}),
    (C, 1, "six files", {"files": [f"src/{name}.py" for name in "abcdef"]}),
    (C, 1, "a file above the project", {"files": ["prices.py", "../../etc/passwd"]}),
    (C, 1, "a file above the project, by another stroke", {"files": ["src\\..\\..\\passwd"]}),
    (C, 1, "a file of the system", {"files": ["/etc/shadow"]}),
    (C, 1, "a number for a file", {"files": [1]}),
    (C, 1, "a change without words", {"change": "fix bug"}),
    (C, 1, "an essay", {"change": "and then " * 40}),
    (C, 1, "no suite, yet tests", {"suite_command": "none: this project has no tests"}),
    (C, 1, "no suite and no reason", {"suite_command": "none", "tests_before": 0, "failed_before": 0}),
    (C, 2, "a file that nobody planned", {"unplanned": {}}),
    (
        C,
        2,
        "a file that was not written",
        {
            "files_changed": ["prices.py", "tests/test_exponent.py"],
            "unplanned": {"tests/test_exponent.py": "one test more"},
        },
    ),
    (C, 2, "no file", {"files_changed": []}),
    (C, 2, "no file at all", {"files_changed": GONE}),
    (C, 2, "a deletion that nobody planned", {"files_deleted": ["old_prices.py"]}),
    (C, 2, "a deletion outside", {"files_deleted": ["../x.py"], "unplanned": {"README.md": "text", "../x.py": "old"}}),
    (C, 2, "a file changed and deleted", {"files_deleted": ["prices.py"]}),
    (C, 2, "failures that nobody explains", {"failed_after": 1}),
    (C, 2, "failures explained in a word", {"failed_after": 1, "failures_explained": "flaky"}),
    (C, 2, "more failures than tests", {"failed_before": 16}),
    (C, 2, "a check that is red in another tongue", {"output_after": "3 Tests fehlgeschlagen, 1 FAILED"}),
    (C, 2, "an empty diff", {"lines_added": 0, "lines_removed": 0}),
    (C, 2, "a check that still fails", {"exit_code_after": 1}),
    (C, 2, "a red check called green", {"output_after": "1 failed, 14 deselected in 0.40s"}),
    (C, 2, "something else broken", {"failed_after": 2}),
    (C, 2, "a deleted test", {"tests_after": 14}),
    (C, 2, "a deleted test without a reason", {"tests_after": 14, "tests_gone": {"test_exponent": ""}}),
    (
        C,
        2,
        "half the suite gone, and one test named",
        {"tests_before": 100, "tests_after": 50, "tests_gone": {"test_xml": "the XML export went"}},
    ),
    (
        C,
        2,
        "two tests gone, one of them without a reason",
        {"tests_after": 13, "tests_gone": {"test_xml": "the XML export went", "test_json": " "}},
    ),
    (
        C,
        2,
        "two tests gone, one of them for nothing",
        {"tests_after": 13, "tests_gone": {"test_xml": "the XML export went", "test_json": None}},
    ),
]

NO_COVERAGE = "none: coverage is not installed here and the project does not use it"
COVERAGE_LESS = {"coverage_command": NO_COVERAGE, "coverage_before": GONE}

# What is as true elsewhere: other languages and runners, a suite that was red before, a project without tests.
TRUE_ELSEWHERE: list[tuple[str, int, str, dict[str, Any]]] = [
    (B, 4, "the same mistake elsewhere", {"siblings": {"invoices.py:40": "mended, test_invoice_one_decimal"}}),
    (B, 5, "a test that was red already", {"files_changed": ["prices.py"], "left_open": []}),
    (X, 0, "a plan without doubts and a project without tests", {
        "doubts": [], "suite_command": "none: this project has no tests", "tests_before": 0}),
    (X, 3, "a task dropped and a deviation", {
        "tasks_done": ["1.1", "1.2"], "tasks_dropped": {"2.1": "the person withdrew NFR-1 on 4 May"},
        "deviations": [{"planned": "exit code 3", "became": "exit code 4", "because": "3 was taken"}]}),
    (X, 3, "a suite that was red before", {"failed_before": 2, "failed_after": 1}),
    (T, 1, "the least that says something", {"code_structure": {"functions": 2}, "test_candidates": ["a", "b", "c"]}),
    (T, 1, "a single function", {"code_structure": {"functions": ["add"], "classes": []}}),
    (T, 2, "a red suite", {"baseline_exit_code": 1, "tests_before": 9, "failed_before": 2}),
    (T, 2, "no coverage tool", COVERAGE_LESS),
    (T, 2, "null for what is not there", {"coverage_command": NO_COVERAGE, "coverage_before": None}),
    (T, 2, "a dependency with its seam", {"dependencies": ["clock"], "seams": {"clock": "parameter now"}}),
    (T, 4, "a deferred test", {"tests_written": ["test_a_discount_is_taken_off"], "deferred": {
        "test_a_comma_is_the_decimal_mark": "needs the locale of phase 6"}}),
    (T, 4, "a defect found", {"tests_passed": 2, "tests_skipped": 1, "test_output": "2 passed, 1 xfailed in 0.50s",
        "skip_reasons": {"test_a_comma_is_the_decimal_mark": "defect: 3,50 is refused"}}),
    (T, 5, "nothing that can fail", {"error_cases": [], "no_error_cases_reason": "total functions on two booleans"}),
    (T, 6, "a boundary met and one excused", {
        "boundaries": ["rates.py:14 reads rates.json", "mail.py:3 sends"],
        "integration_tests": {"rates.py:14 reads rates.json": "test_rates_from_a_real_file"},
        "not_integrated": {"mail.py:3 sends": "costs money; the stub speaks SMTP"},
        "not_applicable_reason": GONE,
    }),
    (T, 7, "another spelling of the digest", {"digest_after": HONEST[T][7]["digest_after"].upper()}),
    (T, 8, "a suite that was red before", {"tests_before": 3, "failed_before": 1, "tests_collected": 9,
        "failed_after": 1, "final_exit_code": 1, "final_output": "1 failed, 8 passed in 0.90s"}),
    (T, 8, "no coverage tool", COVERAGE_LESS | {"coverage_after": GONE}),
    (T, 8, "a gap that is named", {"coverage_after": 91.5, "uncovered": {"prices.py:14": "only on Windows"}}),
    (C, 1, "a project without tests", {"suite_command": "none: a folder of shell scripts", "tests_before": 0,
        "failed_before": 0}),
    (C, 1, "a refactoring on green tests", {"kind": "refactor", "exit_code_before": 0}),
    (C, 1, "a file that is still to be written", {"files": ["src/new..er.py", "prices.py"]}),
    (C, 2, "a failure from before", {"failed_after": 1, "failures_explained": "test_mail wants a mail server as ever"}),
    (C, 2, "a file moved", {"files_planned": ["prices.py", "old.py"], "files_changed": ["prices.py"],
        "files_deleted": ["old.py"], "unplanned": {}}),
    (C, 2, "nothing but a deletion", {"files_planned": ["old.py"], "files_changed": GONE, "files_deleted": ["old.py"],
        "unplanned": {}}),
    (C, 2, "a feature removed with its test", {"tests_after": 14, "tests_gone": {"test_xml": "the XML export went"}}),
    (C, 2, "two tests removed and another added", {
        "tests_after": 14, "tests_gone": dict.fromkeys(["test_xml", "test_json"], "the export went")}),
]  # fmt: skip

GREEN_SUMMARIES = [
    "ok  \tprices\t0.004s",
    "Ran 3 tests in 0.001s\n\nOK (skipped=1)",
    "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
    "Test Suites: 1 passed, 1 total\nTests:       3 passed, 3 total",
    "  3 passing (12ms)",
    "Passed!  - Failed:     0, Passed:     3, Skipped:     0, Total:     3",
    "Tests run: 3, Failures: 0, Errors: 0, Skipped: 0",
    "3 examples, 0 failures",
    "# pass 3\n# fail 0",
    "100% tests passed, 0 tests failed out of 3",
    "  locks the account after 3 failed logins\n3 passed, 0 failed",
    "\x1b[32m3 passed\x1b[0m in 0.12s",
]
RED_SUMMARIES = [
    "1 failed, 2 passed in 0.12s",
    "1 error in 0.20s",
    "FAILED (failures=1)",
    "--- FAIL: TestComma (0.00s)\nFAIL",
    "test result: FAILED. 2 passed; 1 failed; 0 ignored",
    "Tests:       1 failed, 2 passed, 3 total",
    "  2 passing\n  1 failing\n\n  1) prices",
    "3 examples, 1 failure",
    "Tests run: 3, Failures: 1, Errors: 0, Skipped: 0",
    "3 Tests fehlgeschlagen, 1 FAILED",
    "12 tests failed",
    " \n ",
]


@lru_cache
def _workflow(name: str) -> Workflow:
    bundle = read_folder(WORKFLOWS / name).bundle
    folder = OPTIONS.get(name, {}).get("spec_path")
    if folder:
        bundle = bundle.with_plan("tasks.md", FILES[name][f"{folder}/tasks.md"].encode())
    workflow = parse(bundle).workflow
    assert workflow
    return workflow


def _phase(name: str, number: int) -> Phase:
    phase = _workflow(name).phase(number)
    assert phase
    return phase


def _is_read(field: Field) -> bool:
    """Whether the server reads the field itself, whatever is submitted under its name."""
    return field.from_check is not None


def _own(gate: Gate) -> tuple[str, ...]:
    """What an assistant has to hand in."""
    return tuple(field.name for field in gate.fields if field.required and not _is_read(field))


def _nothing(gate: Gate) -> dict[str, Any]:
    return {field.name: NOTHING[field.type] for field in gate.fields}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """For each workflow a folder with the files that its honest evidence speaks of."""
    for workflow, files in FILES.items():
        for name, text in files.items():
            path = tmp_path / workflow / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return tmp_path


def _judged(project: Path, workflow: str, phase: int, changes: dict[str, Any]) -> Verdict:
    """What the gate says when every check passes, and reads what the evidence has under its name."""
    evidence = {name: value for name, value in (HONEST[workflow][phase] | changes).items() if value is not GONE}
    gate = _phase(workflow, phase).gate
    read = {
        field.from_check: evidence.get(field.name, PASSED.get((workflow, phase), 1))
        for field in gate.fields
        if _is_read(field)
    }
    results = [CheckResult(id=check.id, status="passed", value=read.get(check.id)) for check in gate.checks]
    return conclude(gate, evidence, results, ProjectProbes(project / workflow))


SAID = [(workflow, phase) for workflow, phase in GATES if _own(_phase(workflow, phase).gate)]
"""The gates that want evidence, and not only what the server sees."""


def test_there_is_honest_evidence_for_every_phase_of_every_workflow() -> None:
    assert GATES
    assert {(folder.name, number) for folder in FOLDERS for number in _workflow(folder.name).numbers} == {
        *GATES,
        *OF_PLANS,
    }


def test_every_gate_has_a_lie_told_to_it() -> None:
    told = {(workflow, phase) for workflow, phase, _, _ in LIES}
    seen = {
        (honest.workflow, phase) for honest in honest_evidence() for phase, step in honest.steps.items() if step.lies
    }
    assert told <= set(GATES)
    assert told | seen == set(GATES)


def test_a_gate_that_wants_no_evidence_has_checks() -> None:
    assert all(_phase(workflow, phase).gate.checks for workflow, phase in set(GATES) - set(SAID))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_shipped_workflow_has_neither_errors_nor_warnings(folder: Path) -> None:
    assert [str(problem) for problem in validate_folder(folder)] == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_its_folder_is_its_name_and_it_has_a_readme(folder: Path) -> None:
    assert _workflow(folder.name).declared_type == folder.name
    assert (folder / "README.md").is_file()


@pytest.mark.parametrize(("workflow", "phase"), SAID)
def test_a_gate_refuses_no_evidence_at_all(project: Path, workflow: str, phase: int) -> None:
    gate = _phase(workflow, phase).gate
    verdict = judge(gate, {}, ProjectProbes(project / workflow))
    assert verdict.outcome == "refused"
    assert verdict.missing == _own(gate)


@pytest.mark.parametrize("value", [False, True, "", "yes", None, 0, 1])
@pytest.mark.parametrize(("workflow", "phase"), SAID)
def test_a_gate_refuses_one_answer_for_everything(project: Path, workflow: str, phase: int, value: Any) -> None:
    gate = _phase(workflow, phase).gate
    evidence = {field.name: value for field in gate.fields}
    assert judge(gate, evidence, ProjectProbes(project / workflow)).outcome == "refused"


@pytest.mark.parametrize(("workflow", "phase"), SAID)
def test_a_gate_refuses_nothing_in_the_right_form(project: Path, workflow: str, phase: int) -> None:
    gate = _phase(workflow, phase).gate
    assert judge(gate, _nothing(gate), ProjectProbes(project / workflow)).outcome == "refused"


@pytest.mark.parametrize(("workflow", "phase"), GATES)
def test_a_gate_takes_honest_evidence(project: Path, workflow: str, phase: int) -> None:
    verdict = _judged(project, workflow, phase, {})
    assert (verdict.outcome, verdict.findings, verdict.missing) == ("passed", (), ())


@pytest.mark.parametrize(("workflow", "phase"), GATES)
def test_a_gate_refuses_honest_evidence_less_any_one_required_field(project: Path, workflow: str, phase: int) -> None:
    for name in _own(_phase(workflow, phase).gate):
        verdict = _judged(project, workflow, phase, {name: GONE})
        assert (verdict.outcome, verdict.missing) == ("refused", (name,))


@pytest.mark.parametrize(
    ("workflow", "phase", "changes"),
    [pytest.param(w, p, changes, id=f"{w}-{p}-{lie}") for w, p, lie, changes in LIES],
)
def test_a_gate_refuses_a_lie(project: Path, workflow: str, phase: int, changes: dict[str, Any]) -> None:
    assert _judged(project, workflow, phase, changes).outcome == "refused"


@pytest.mark.parametrize(
    ("workflow", "phase", "changes"),
    [pytest.param(w, p, changes, id=f"{w}-{p}-{truth}") for w, p, truth, changes in TRUE_ELSEWHERE],
)
def test_a_gate_takes_what_is_true_elsewhere(project: Path, workflow: str, phase: int, changes: dict[str, Any]) -> None:
    verdict = _judged(project, workflow, phase, changes)
    assert (verdict.outcome, verdict.findings, verdict.missing) == ("passed", (), ())


@pytest.mark.parametrize("summary", GREEN_SUMMARIES)
def test_the_summary_of_any_green_runner_is_taken(project: Path, summary: str) -> None:
    verdict = _judged(project, T, 4, {"test_output": summary})
    assert (verdict.outcome, verdict.findings) == ("passed", ())


@pytest.mark.parametrize("summary", RED_SUMMARIES)
def test_the_summary_of_any_red_runner_is_refused(project: Path, summary: str) -> None:
    verdict = _judged(project, T, 4, {"test_output": summary})
    assert verdict.outcome == "refused"
    assert [finding.problem for finding in verdict.findings] == ["is not what its description asks for"]


def test_the_missing_tests_that_nobody_named_are_the_one_finding(project: Path) -> None:
    gone = {"tests_before": 100, "tests_after": 50, "tests_gone": {"test_xml": "the XML export went"}}
    (finding,) = _judged(project, C, 2, gone).findings
    assert "tests_gone does not account for all that are missing" in finding.problem


def test_the_first_gate_of_test_generation_asks_for_two_things_and_no_more() -> None:
    workflow = _workflow(T)
    assert workflow.numbers == (1, 2, 3, 4, 5, 6, 7, 8)
    assert (workflow.category, workflow.aliases) == ("code_generation", ("test_gen_v3",))
    schema = evidence_schema(_phase(T, 1).gate)
    assert list(schema["properties"]) == schema["required"] == ["code_structure", "test_candidates"]


@pytest.mark.parametrize(("workflow", "phase"), GATES)
def test_the_tasks_of_a_phase_yield_exactly_what_its_gate_asks_for(workflow: str, phase: int) -> None:
    outputs = [line for task in _phase(workflow, phase).tasks for line in task_content(task).artifacts_to_produce]
    promised = {name for line in outputs for name in line.partition(":")[0].replace("`", "").split(", ")}
    assert promised == {field.name for field in _phase(workflow, phase).gate.fields if not _is_read(field)}


@pytest.mark.parametrize(("workflow", "phase"), GATES)
def test_a_phase_names_every_field_of_its_gate(workflow: str, phase: int) -> None:
    instructions = _phase(workflow, phase).instructions
    said = [field.name for field in _phase(workflow, phase).gate.fields if not _is_read(field)]
    assert [name for name in said if f"`{name}`" not in instructions] == []


@pytest.mark.parametrize(("workflow", "phase"), GATES)
def test_every_field_is_described_and_every_task_has_steps(workflow: str, phase: int) -> None:
    found = _phase(workflow, phase)
    assert [field.name for field in found.gate.fields if len(field.description) < 15] == []
    assert [task.title for task in found.tasks if not task_content(task).execution_steps] == []
