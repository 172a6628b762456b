"""Definitions as real folders have them, with every irregularity that the loader must take or name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcp_server.definitions.folder import read_folder
from mcp_server.definitions.parse import Parsed, parse
from mcp_server.domain.definition import Phase, PlanSource, Workflow
from mcp_server.domain.gates import judge, required_names
from tests.definitions.conftest import METADATA, Write

pytestmark = pytest.mark.integration


def parsed(write: Write, files: dict[str, str | bytes] | None = None, /, **metadata: Any) -> Parsed:
    reading = read_folder(write(files, **metadata))
    assert reading.problems == ()
    return parse(reading.bundle)


def workflow(write: Write, files: dict[str, str | bytes] | None = None, /, **metadata: Any) -> Workflow:
    found = parsed(write, files, **metadata)
    assert found.errors == ()
    assert found.workflow is not None
    return found.workflow


def phase(write: Write, files: dict[str, str | bytes] | None = None, /, **entry: Any) -> Phase:
    return workflow(write, files, phases=[{"phase_number": 1, "phase_name": "One", **entry}]).phases[0]


def said(found: Parsed) -> list[str]:
    return [f"{problem.severity} {problem}" for problem in found.problems]


@pytest.mark.requirement("format:category")
def test_the_smallest_definition_is_a_workflow(write: Write) -> None:
    found = workflow(write)
    assert found.workflow_type == found.declared_type == "sample_v1"
    assert (found.version, found.name, found.description) == ("1.0.0", "Sample", "A sample workflow")
    assert (found.category, found.aliases, found.numbers, found.start_phase) == ("uncategorized", (), (1,), 1)
    assert required_names(found.phases[0].gate) == ("done", "count")


@pytest.mark.requirement("format:unknown-keys-are-kept", "format:either-spelling")
def test_all_of_the_metadata_is_kept_with_what_is_unknown(write: Write) -> None:
    found = workflow(
        write,
        category="testing",
        tags=["a", "b"],
        target_language=["python"],
        primary_outputs=["A report"],
        estimated_duration="2 hours",
        aliases=["short"],
        usage={"when": ["now"]},
        own_key=[1],
    )
    assert (found.category, found.tags, found.target_languages) == ("testing", ("a", "b"), ("python",))
    assert (found.artifacts, found.estimated_duration, found.aliases) == (("A report",), "2 hours", ("short",))
    assert found.metadata["own_key"] == [1]
    assert found.metadata["usage"] == {"when": ["now"]}


@pytest.mark.requirement("format:either-spelling")
def test_a_text_where_a_list_is_meant_is_a_list_of_one(write: Write) -> None:
    found = workflow(write, tags="solo", artifacts=["x"], target_languages=["go"], version=2)
    assert (found.tags, found.artifacts, found.target_languages, found.version) == (("solo",), ("x",), ("go",), "2")


def test_the_folder_s_name_is_the_identity_and_the_declared_type_an_alias(write: Write) -> None:
    found = workflow(write, workflow_type="sample", aliases=["s", "sample_v1", "s"])
    assert (found.workflow_type, found.declared_type, found.aliases) == ("sample_v1", "sample", ("sample", "s"))


@pytest.mark.requirement("format:required-keys")
@pytest.mark.parametrize("key", ["workflow_type", "version", "name", "description", "phases"])
def test_a_required_key_that_is_missing_is_an_error(write: Write, key: str) -> None:
    found = parsed(write, **{key: None})
    assert f"error metadata.json:1: '{key}' is missing" in said(found)


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        ("", "error metadata.json:1: is not valid JSON: Expecting value (column 1)"),
        ("[]", "error metadata.json:1: the file has to be a mapping"),
        ("{}", "error metadata.json:1: is empty"),
        ('{"a": 1,\n"a": 2}', "error metadata.json:2: has the key 'a' twice"),
        (
            "{\n'a': 1}",
            "error metadata.json:2: is not valid JSON: Expecting property name enclosed in double quotes (column 1)",
        ),
    ],
)
def test_metadata_that_cannot_be_read_is_an_error_with_its_line(write: Write, metadata: str, problem: str) -> None:
    found = parsed(write, {"metadata.json": metadata})
    assert (found.workflow, said(found)) == (None, [problem])


def test_a_folder_without_metadata_is_invalid(write: Write) -> None:
    path = write()
    (path / "metadata.json").unlink()
    assert said(parse(read_folder(path).bundle)) == ["error metadata.json: is not there"]


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(write: Write) -> None:
    found = workflow(
        write,
        {
            "metadata.json": b"\xef\xbb\xbf" + json.dumps(METADATA, indent=1).replace("\n", "\r\n").encode(),
            "phases/1/phase.md": b"\xef\xbb\xbf---\r\nowner: me\r\n---\r\n\r\n# One\r\n\r\nDo it.\r\n",
            "phases/1/task-1-a.md": b"\xef\xbb\xbf# Task 1: Read\r\n\r\nText\r\n",
            "phases/1/gate-definition.yaml": b"\xef\xbb\xbfevidence_schema:\r\n  done: {type: boolean}\r\n",
        },
    )
    (only,) = found.phases
    assert only.instructions == "\r\n# One\r\n\r\nDo it.\r\n"
    assert (only.tasks[0].title, only.tasks[0].body) == ("Read", "# Task 1: Read\r\n\r\nText\r\n")
    assert required_names(only.gate) == ("done",)


@pytest.mark.parametrize("numbers", [[0, 1], [1, 2], [0, 3, 10], [2]])
def test_phases_keep_their_own_numbers_in_order(write: Write, numbers: list[int]) -> None:
    phases = [{"phase_number": number, "phase_name": f"P{number}"} for number in reversed(numbers)]
    found = workflow(write, phases=phases)
    assert list(found.numbers) == numbers
    assert found.start_phase == numbers[0]


def test_a_number_may_be_written_as_text(write: Write) -> None:
    assert workflow(write, phases=[{"phase_number": "2", "phase_name": "Two"}]).numbers == (2,)


@pytest.mark.requirement("format:start-phase")
def test_the_start_phase_can_be_named(write: Write) -> None:
    phases = [{"phase_number": 0, "phase_name": "A"}, {"phase_number": 1, "phase_name": "B"}]
    assert workflow(write, phases=phases, start_phase=1).start_phase == 1
    assert "error metadata.json:" in said(parsed(write, phases=phases, start_phase=7))[0]


@pytest.mark.requirement("format:phase-keys", "format:halves-of-a-phase")
def test_a_phase_without_a_folder_and_a_folder_without_an_entry_are_both_phases(write: Write) -> None:
    found = workflow(
        write,
        {"phases/03/phase.md": "# Phase 3: Ship\n\nGo.\n"},
        phases=[{"phase_number": 1, "phase_name": "One", "purpose": "Begin", "estimated_effort": "1 hour"}],
    )
    one, three = found.phases
    assert (one.title, one.description, one.estimated_duration, one.instructions) == ("One", "Begin", "1 hour", "")
    assert (three.number, three.title, three.instructions) == (3, "Ship", "# Phase 3: Ship\n\nGo.\n")
    assert required_names(three.gate) == ("summary",)


def test_folders_alone_make_phases(write: Write) -> None:
    found = workflow(
        write, {"phases/1/task-1-a.md": "x", "phases/dynamic/a.md": "x", "phases/notes.md": "x"}, phases=[]
    )
    assert (found.numbers, found.phases[0].title) == ((1,), "Phase 1")


@pytest.mark.requirement("format:phase-keys")
@pytest.mark.parametrize("key", ["file", "phase_file"])
@pytest.mark.parametrize("named", ["phases/1/begin.md", "begin.md", "1/begin.md", "./phases/1/begin.md"])
def test_the_file_of_a_phase_can_be_named(write: Write, key: str, named: str) -> None:
    assert (
        phase(write, {"phases/1/begin.md": "Begin", "phases/1/phase.md": "Other"}, **{key: named}).instructions
        == "Begin"
    )


@pytest.mark.parametrize(
    ("named", "problem"),
    [
        ("gone.md", "warning metadata.json:10: the file gone.md is not there"),
        ("../../etc/passwd", "error metadata.json:10: the file ../../etc/passwd leads out of the definition"),
        ("/etc/passwd", "error metadata.json:10: the file /etc/passwd leads out of the definition"),
    ],
)
def test_a_named_phase_file_that_is_not_there_is_a_problem(write: Write, named: str, problem: str) -> None:
    phases = [{"phase_number": 1, "phase_name": "A", "file": named}]
    found = parsed(write, {"phases/1/phase.md": "There"}, phases=phases)
    assert found.workflow is not None
    assert found.workflow.phases[0].instructions == "There"
    assert problem in said(found)


@pytest.mark.parametrize("named", ["../../x.md", "../../../x.md", "/x.md", "..\\x.md"])
def test_a_task_file_that_leads_out_of_the_definition_is_an_error(write: Write, named: str) -> None:
    phases = [{"phase_number": 1, "phase_name": "A", "tasks": [{"task_number": 1, "name": "T", "file": named}]}]
    found = parsed(write, {"phases/1/phase.md": "There"}, phases=phases)
    assert [error.message for error in found.errors] == [f"the file of task 1, {named}, leads out of the definition"]


def test_a_task_file_elsewhere_in_the_definition_may_be_named_by_climbing_to_it(write: Write) -> None:
    phases = [{"phase_number": 1, "phase_name": "A", "tasks": [{"task_number": 1, "file": "../../core/x.md"}]}]
    assert parsed(write, {"core/x.md": "# X"}, phases=phases).errors == ()


@pytest.mark.parametrize(
    ("entry", "skippable", "condition"),
    [
        ({}, False, ""),
        ({"skippable": True}, True, ""),
        ({"skippable": True, "skip_condition": " options.get('small')\n"}, True, "options.get('small')"),
        ({"skippable": True, "skip_condition": "Skip if small"}, True, "Skip if small"),
        ({"skip_condition": "options.get('small')"}, False, "options.get('small')"),
        ({"skippable": "yes", "skip_condition": 3}, False, "3"),
        ({"skippable": None, "skip_condition": None}, False, ""),
        ({"skippable": True, "skip_condition": ["small"]}, True, ""),
    ],
)
def test_a_phase_says_whether_it_is_skippable_and_when(
    write: Write, entry: dict[str, Any], skippable: bool, condition: str
) -> None:
    (phase,) = workflow(write, phases=[{"phase_number": 1, "phase_name": "A", **entry}]).phases
    assert (phase.skippable, phase.skip_condition) == (skippable, condition)


def test_a_folder_between_and_one_after_the_entries_are_phases_in_their_order(write: Write) -> None:
    phases = [{"phase_number": number, "phase_name": f"P{number}"} for number in (1, 3)]
    found = workflow(write, {f"phases/{number}/phase.md": f"# F{number}" for number in (1, 2, 3, 4)}, phases=phases)
    assert [(phase.number, phase.title) for phase in found.phases] == [(1, "P1"), (2, "F2"), (3, "P3"), (4, "F4")]


UNREADABLE: list[tuple[Any, str]] = [
    ({}, "phases has to be a list"),
    ([], "there is no phase"),
    (["a"], "has to be an integer"),
    ([{"phase_name": "A"}], "phases[0].phase_number has to be an integer not below 0"),
    ([{"phase_number": -1}], "phases[0].phase_number has to be an integer not below 0"),
    ([{"phase_number": True}], "phases[0].phase_number has to be an integer not below 0"),
    ([{"phase_number": "1-N"}], "phases[0].phase_number has to be an integer not below 0"),
    ([{"phase_number": 1}, {"phase_number": "1"}], "the phase 1 is there twice"),
    ([{"phase_number": 1, "tasks": {}}], "phases[0].tasks has to be a list"),
    ([{"phase_number": 1, "tasks": [{"task_number": "x"}]}], "task_number has to be an integer"),
    ([{"phase_number": 1, "tasks": [{"task_number": 1}, {"task_number": 1}]}], "the task number 1 is there twice"),
    ([{"phase_number": 1, "checkpoint": {"required_evidence": 3}}], "has to be a list of texts"),
    ([{"phase_number": 1, "validation_criteria": [{}]}], "validation_criteria[0] has to be text"),
]


@pytest.mark.parametrize(("phases", "problem"), UNREADABLE)
def test_phases_that_cannot_be_made_out_are_errors(write: Write, phases: object, problem: str) -> None:
    errors = [str(error) for error in parsed(write, phases=phases).errors]
    assert any(problem in error for error in errors), errors


def test_two_folders_with_one_number_are_an_error(write: Write) -> None:
    found = parsed(write, {"phases/1/phase.md": "a", "phases/01/phase.md": "b"})
    assert "error phases/1: has the number of phases/01" in said(found)


@pytest.mark.requirement("format:task-keys", "format:title-of-a-task", "format:number-of-the-metadata")
def test_tasks_come_from_the_metadata_and_from_the_files(write: Write) -> None:
    found = phase(
        write,
        {
            "phases/1/task-0-prepare.md": "# Task 0: Prepare\n",
            "phases/1/task-10-last.md": "```\n# not a heading\n```\n\n## The last one\n",
            "phases/1/task-9-nine.md": "No heading",
            "phases/1/task-3.md": "---\nestimated_time: 5 minutes\n---\n",
            "phases/1/task-2-other.md": "Two",
            "phases/1/notes.md": "no task",
        },
        tasks=[
            {"task_number": 1, "name": "First", "file": "task-1-gone.md", "purpose": "Because"},
            {"task_number": 5, "name": "Renumbered", "file": "task-2-other.md"},
        ],
    )
    assert [(task.number, task.title, task.missing) for task in found.tasks] == [
        (0, "Prepare", False),
        (1, "First", True),
        (3, "Task 3", False),
        (5, "Renumbered", False),
        (9, "Nine", False),
        (10, "The last one", False),
    ]
    assert (found.tasks[1].purpose, found.tasks[1].file, found.tasks[1].body) == ("Because", "task-1-gone.md", "")
    assert found.tasks[2].estimated_duration == "5 minutes"
    assert (found.tasks[3].file, found.tasks[3].body) == ("phases/1/task-2-other.md", "Two")


def test_a_task_entry_without_a_file_takes_the_file_of_its_number(write: Write) -> None:
    found = phase(
        write,
        {"phases/1/task-1-a.md": "A", "phases/1/task-2-b.md": "B", "phases/1/task-2-c.md": "C"},
        tasks=[{"task_number": 1, "name": "One"}, {"task_number": 2, "name": "Two"}],
    )
    assert [(task.number, task.title, task.body, task.missing) for task in found.tasks] == [
        (1, "One", "A", False),
        (2, "Two", "", True),
        (3, "B", "B", False),
        (4, "C", "C", False),
    ]


@pytest.mark.requirement("format:task-keys")
def test_a_task_entry_without_a_number_takes_that_of_its_file_or_its_place(write: Write) -> None:
    found = phase(
        write, {"phases/1/task-4-a.md": "A"}, tasks=[{"name": "Placed"}, {"name": "Filed", "file": "task-4-a.md"}]
    )
    assert [(task.number, task.title) for task in found.tasks] == [(1, "Placed"), (4, "Filed")]


def test_an_unlisted_file_whose_number_is_taken_gets_the_next_one_and_a_warning(write: Write) -> None:
    found = parsed(
        write,
        {"phases/1/task-1-a.md": "A", "phases/1/task-1-b.md": "B"},
        phases=[{"phase_number": 1, "phase_name": "One", "tasks": [{"task_number": 1, "file": "task-1-a.md"}]}],
    )
    assert found.workflow is not None
    assert [(task.number, task.body) for task in found.workflow.phases[0].tasks] == [(1, "A"), (2, "B")]
    assert said(found) == ["warning phases/1/task-1-b.md: has the number of another task and became task 2"]


def test_front_matter_that_is_none_stays_in_the_text(write: Write) -> None:
    bodies = ["---\nno mapping\n---\nText", "---\n\nText after a rule", "---\na: [\n---\nText"]
    files: dict[str, str | bytes] = {f"phases/1/task-{number}-a.md": body for number, body in enumerate(bodies)}
    found = parsed(write, files)
    assert found.workflow is not None
    assert [task.body for task in found.workflow.phases[0].tasks] == bodies
    assert [problem.split(": ", 1)[0] for problem in said(found)] == ["warning phases/1/task-2-a.md:3"]


def test_required_evidence_can_carry_descriptions(write: Write) -> None:
    gate = phase(write, checkpoint={"required_evidence": {"a": "What a is", "b": 3}}).gate
    assert [(field.name, field.description, field.type) for field in gate.fields] == [
        ("a", "What a is", "any"),
        ("b", "", "any"),
    ]


@pytest.mark.requirement("format:validation-criteria")
def test_validation_criteria_become_required_booleans(write: Write) -> None:
    gate = phase(write, validation_criteria=["Tests pass", "Tests: pass"], checkpoint={"required_evidence": []}).gate
    assert gate.origin == "validation_criteria"
    assert [(field.name, field.type, field.required, field.description) for field in gate.fields] == [
        ("tests_pass", "boolean", True, "Tests pass"),
        ("tests_pass_2", "boolean", True, "Tests: pass"),
    ]


@pytest.mark.requirement("format:summary")
def test_a_phase_that_asks_for_nothing_asks_for_a_summary(write: Write) -> None:
    gate = phase(write).gate
    assert (gate.origin, required_names(gate)) == ("fallback", ("summary",))


@pytest.mark.requirement("format:gate-file-wins")
def test_the_gate_file_wins_over_the_metadata_and_the_difference_is_a_warning(write: Write) -> None:
    found = parsed(write, {"phases/1/gate-definition.yaml": "evidence_schema: {other: {type: boolean}}"})
    assert found.workflow is not None
    assert required_names(found.workflow.phases[0].gate) == ("other",)
    (warning,) = said(found)
    assert warning.endswith("names other evidence than phases/1/gate-definition.yaml, which counts")


def test_a_gate_file_that_asks_for_nothing_leaves_the_metadata_s_gate(write: Write) -> None:
    found = parsed(write, {"phases/1/gate-definition.yaml": "evidence_schema: {}\nmax_attempts: 9"})
    assert found.workflow is not None
    gate = found.workflow.phases[0].gate
    assert (required_names(gate), gate.max_attempts, gate.origin) == (("done", "count"), 9, "required_evidence")
    assert said(found) == ["warning phases/1/gate-definition.yaml: asks for nothing, so the metadata's gate is used"]


@pytest.mark.parametrize("name", ["gate-definition.yml", "gate-definition.json"])
def test_a_gate_file_of_another_name_is_an_error_and_not_overlooked(write: Write, name: str) -> None:
    assert said(parsed(write, {f"phases/1/{name}": "{}"})) == [f"error phases/1/{name}: is not read as a gate"]


class Nowhere:
    def file_exists(self, path: str) -> bool:
        return not path

    def matches(self, pattern: str, text: str) -> bool:
        return pattern == text


@pytest.mark.requirement("format:broken-gate")
def test_a_broken_gate_makes_the_definition_invalid_and_blocks_where_it_is_already_pinned(write: Write) -> None:
    found = parsed(write, {"phases/1/gate-definition.yaml": "evidence_schema:\n  done: {validator: gone}"})
    (error,) = map(str, found.errors)
    assert error == "phases/1/gate-definition.yaml:2: the field 'done': there is no validator 'gone'"
    assert found.workflow is not None
    verdict = judge(found.workflow.phases[0].gate, {"done": True}, Nowhere())
    assert verdict.outcome == "blocked"
    assert "phases/1/gate-definition.yaml:2" in verdict.blocked_by[0]


@pytest.mark.parametrize("budget", [{"max_tokens": 5}, {"mode": "strict", "max_cost_usd": 0.5}])
def test_a_budget_is_read(write: Write, budget: dict[str, object]) -> None:
    found = workflow(write, budget=budget)
    assert found.budget is not None
    assert found.budget.model_dump(include=set(budget)) == budget


def test_a_budget_that_is_off_is_none(write: Write) -> None:
    assert workflow(write, budget={"mode": "off", "max_tokens": 5}).budget is None


@pytest.mark.requirement("format:phase-range")
def test_a_dynamic_workflow_has_its_fixed_phases_as_long_as_there_is_no_plan(write: Write) -> None:
    found = workflow(
        write,
        {"phases/dynamic/phase-template.md": "[PHASE_NAME]"},
        dynamic_phases=True,
        dynamic_config={"source_path_key": "spec_path"},
        phases=[{"phase_number": 0, "phase_name": "Plan"}, {"phase_number": "1-N", "phase_name": "Build"}],
    )
    assert found.numbers == (0,)
    assert found.plan == PlanSource(option="spec_path", parser="spec_tasks_parser")


def test_informative_keys_of_another_kind_are_warnings(write: Write) -> None:
    found = parsed(write, tags={"a": 1}, category=["x"], estimated_duration={"hours": 1})
    assert found.workflow is not None
    assert found.workflow.category == "uncategorized"
    assert [problem.severity for problem in found.problems] == ["warning"] * 3


def test_the_same_bundle_gives_the_same_workflow(write: Write) -> None:
    bundle = read_folder(write({"phases/1/task-1-a.md": "A"})).bundle
    assert parse(bundle) == parse(bundle)
