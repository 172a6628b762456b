"""What an author is told: every error, and every place where a definition is weaker than it looks."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_server.definitions.validate import validate_folder
from tests.definitions.conftest import Write

pytestmark = pytest.mark.integration

SOUND = {
    "phases/1/phase.md": "# One",
    "phases/1/gate-definition.yaml": "evidence_schema:\n  done: {type: boolean}\n  count: {type: integer}\n",
    "README.md": "x",
    "core/glossary.md": "x",
    "supporting-docs/picture.png": "x",
    "phases/dynamic/phase-template.md": "x",
}


def said(write: Write, files: dict[str, str | bytes] | None = None, /, **metadata: Any) -> list[str]:
    path = write({**SOUND, **(files or {})}, **metadata)
    return [f"{problem.severity} {problem}" for problem in validate_folder(path)]


def test_a_sound_definition_has_no_problem(write: Write) -> None:
    assert said(write, total_phases=1) == []
    assert said(write, total_phases="dynamic") == []


def test_problems_are_sorted_by_file_and_line(write: Write) -> None:
    found = said(
        write,
        {"phases/1/gate-definition.yaml": "max_attempts: x\nreopen: y\n", "a.yaml": b"\xff"},
        start_phase=9,
    )
    assert [problem.split(": ")[0] for problem in found] == [
        "error a.yaml",
        "error metadata.json:18",
        "error phases/1/gate-definition.yaml:1",
        "error phases/1/gate-definition.yaml:2",
    ]


@pytest.mark.requirement("format:total-phases")
@pytest.mark.parametrize(
    ("files", "metadata", "warning"),
    [
        ({}, {"total_phases": 4}, "metadata.json:18: total_phases is 4, and there are 1 phases"),
        ({"notes.txt": "x"}, {}, "notes.txt: belongs to no phase and no task"),
        ({"phases/1/extra.yaml": "a: 1"}, {}, "phases/1/extra.yaml: belongs to no phase and no task"),
        ({"phases/1/1-read.md": "x"}, {}, "phases/1/1-read.md: is a task's file that no task reads"),
        (
            {},
            {"phases": [{"phase_number": 1, "phase_name": "A", "skip_condition": "options['fast']"}]},
            "metadata.json:7: phase 1: has a skip_condition, and skippable is not true",
        ),
        (
            {},
            {"phases": [{"phase_number": 1, "phase_name": "A", "skippable": True, "skip_condition": "options['a'"}]},
            "metadata.json:7: phase 1: the skip_condition cannot be read as an expression, so it is a note",
        ),
        (
            {"phases/1/phase.md": "# Phase 3: One"},
            {},
            "phases/1/phase.md: its heading speaks of phase 3, and this is phase 1",
        ),
        (
            {"phases/1/task-3-c.md": "x"},
            {"phases": [{"phase_number": 1, "phase_name": "A", "tasks": [{"task_number": 1, "file": "task-3-c.md"}]}]},
            "metadata.json:11: task 1 has a file of the number 3, task-3-c.md",
        ),
        (
            {"phases/1/gate-definition.yaml": "evidence_schema: {done: {}, count: {}}\nquorum: 3"},
            {},
            "phases/1/gate-definition.yaml:2: 'quorum' is not supported by this version, so the gate blocks",
        ),
        (
            {"phases/1/gate-definition.yaml": "evidence_schema: {done: {required: false}, count: {required: false}}"},
            {},
            "phases/1/gate-definition.yaml:1: phase 1: requires nothing, so empty evidence opens it",
        ),
        (
            {"phases/1/gate-definition.yaml": "evidence_schema: {done: {type: boolean}, count: {type: boolean}}"},
            {},
            "phases/1/gate-definition.yaml:1: phase 1: asks for booleans only, which are easily said",
        ),
        (
            {"phases/2/phase.md": "# Two"},
            {"phases": [{"phase_number": n, "phase_name": "P"} for n in (1, 2)]},
            "metadata.json:11: phase 2: has no gate of its own, so a summary opens it",
        ),
        (
            {"phases/02/gate-definition.yaml": "evidence_schema: {a: {type: boolean}}"},
            {"phases": [{"phase_number": n, "phase_name": "P"} for n in (1, 2)]},
            "phases/02/gate-definition.yaml:1: phase 2: asks for booleans only, which are easily said",
        ),
        (
            {"phases/1/task-2-b.md": "x", "phases/1/task-02-c.md": "x"},
            {},
            "phases/1/task-2-b.md: has the number of another task and became task 3",
        ),
    ],
)
def test_what_works_but_is_weaker_than_it_looks_is_a_warning(
    write: Write, files: dict[str, str | bytes], metadata: dict[str, Any], warning: str
) -> None:
    assert said(write, files, **metadata) == [f"warning {warning}"]


@pytest.mark.parametrize(
    ("passes", "weak"),
    [
        ("stdout_not_matches: error", True),
        ("stdout_min_lines: 1", True),
        ("stdout_min_lines: 1, exit_code: 0", False),
        ("stdout_not_matches: error, exit_code: 1", False),
        ("stdout_not_matches: error, stdout_matches: ok", False),
    ],
)
def test_a_check_that_a_failing_program_passes_is_weak(write: Write, passes: str, weak: bool) -> None:
    text = f"checks:\n- {{id: b, file: x, pass: {{exists: true}}}}\n- id: a\n  run: [ls]\n  pass: {{{passes}}}\n"
    message = "phases/1/gate-definition.yaml:5: phase 1: a program that fails passes the check 'a'"
    assert said(write, {"phases/1/gate-definition.yaml": text}) == ([f"warning {message}"] if weak else [])


def test_every_problem_says_why_it_matters_and_how_to_mend_it(write: Write) -> None:
    path = write(
        {
            **SOUND,
            "notes.txt": "x",
            "phases/1/gate-definition.yaml": "evidence_schema: {a: {type: strin}, b: {}}\nreopen: nobody\n",
            "phases/2/gate-definition.yaml": "evidence_schema: {a: {type: boolean}}",
        },
        start_phase=9,
    )
    found = validate_folder(path)
    assert len(found) == 7
    assert all(problem.consequence.endswith(".") and problem.hint.endswith(".") for problem in found)
    assert len({problem.consequence for problem in found}) == 6


@pytest.mark.parametrize(
    "said",
    [
        {"skippable": True},
        {"skippable": True, "skip_condition": "Skip it if the options are clear"},
        {"skippable": True, "skip_condition": "options['fast']"},
        {"skip_condition": "When the person says so"},
    ],
)
def test_a_condition_that_skips_and_a_note_that_does_not_are_no_oversight(write: Write, said: dict[str, Any]) -> None:
    assert [*map(str, validate_folder(write(SOUND, phases=[{"phase_number": 1, "phase_name": "A", **said}])))] == []


@pytest.mark.parametrize(
    "more",
    [
        "cross_field_validation: [{rule: \"lambda e: e['a'] or e['b']\", error_message: None.}]",
        "checks: [{id: unit, run: [pytest], pass: {exit_code: 0}}]",
        "approval: {required: true}",
    ],
)
def test_what_is_more_than_booleans_is_not_weak(write: Write, more: str) -> None:
    gate = f"evidence_schema: {{a: {{type: boolean, required: false}}, b: {{type: boolean, required: false}}}}\n{more}"
    phases = [{"phase_number": 1, "phase_name": "Only"}]
    assert said(write, {"phases/1/gate-definition.yaml": gate}, phases=phases) == []


def test_a_task_file_that_is_not_there_is_a_warning(write: Write) -> None:
    phases = [
        {"phase_number": 1, "phase_name": "A", "tasks": [{"task_number": 1, "file": "task-1-a.md"}, {"name": "B"}]}
    ]
    assert [problem.split(": ", 1)[1] for problem in said(write, phases=phases)] == [
        "the file of task 1, task-1-a.md, is not there",
        "task 2 has no file",
    ]


def test_a_folder_without_an_entry_and_an_entry_without_a_folder_are_warnings(write: Write) -> None:
    gate = "evidence_schema: {a: {type: string}}"
    files: dict[str, str | bytes] = {f"phases/{number}/gate-definition.yaml": gate for number in ("2", "3", "04")}
    phases: list[dict[str, Any]] = [{"phase_number": number, "phase_name": "P"} for number in (1, "3", 5, 6)]
    phases[2] |= {"checkpoint": {"required_evidence": ["a"]}}
    phases[3] |= {"checkpoint": {"required_evidence": ["a"]}, "file": "core/glossary.md"}
    assert said(write, files, phases=phases) == [
        "warning metadata.json:15: phase 5: has no folder, so there is nothing to read",
        "warning phases/04: is a phase of the workflow, and the metadata does not list it",
        "warning phases/2: is a phase of the workflow, and the metadata does not list it",
    ]


def test_required_evidence_too_long_to_be_submitted_is_an_error(write: Write) -> None:
    phases = [{"phase_number": 1, "phase_name": "A", "checkpoint": {"required_evidence": ["a" * 201]}}]
    found = [problem for problem in validate_folder(write(phases=phases)) if problem.severity == "error"]
    assert [problem.message.partition(" has ")[2] for problem in found] == ["201 characters; 200 are allowed"]


def test_an_unnamed_phase_is_a_warning(write: Write) -> None:
    assert said(write, phases=[{"phase_number": 1}]) == ["warning metadata.json:7: the phase 1 has no phase_name"]


def test_a_folder_that_is_no_definition_is_an_error(write: Write) -> None:
    path = write()
    (path / "metadata.json").unlink()
    assert [str(problem) for problem in validate_folder(path)] == ["metadata.json: is not there"]


@pytest.mark.parametrize("content", [b"\xff", b" " * (2**20 + 1)], ids=["no text", "too large"])
def test_metadata_that_cannot_be_read_is_not_called_missing_as_well(write: Write, content: bytes) -> None:
    (problem,) = validate_folder(write({**SOUND, "metadata.json": content}))
    assert problem.file == "metadata.json"
    assert problem.message != "is not there"


def test_metadata_that_is_a_link_in_a_circle_is_not_called_missing_as_well(write: Write) -> None:
    path = write(SOUND)
    (path / "metadata.json").unlink()
    (path / "metadata.json").symlink_to("metadata.json")
    (problem,) = validate_folder(path)
    assert "cannot be followed" in problem.message


def test_metadata_that_is_not_there_is_missing_whatever_else_cannot_be_read(write: Write) -> None:
    path = write({**SOUND, "core/a.md": b"\xff"})
    (path / "metadata.json").unlink()
    assert [*map(str, validate_folder(path))] == ["core/a.md: is not UTF-8 (byte 0)", "metadata.json: is not there"]
