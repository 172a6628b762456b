"""What real folders do, and what an assistant then sees: phases, tasks, titles, instructions, required evidence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mcp_server.definitions.validate import validate_folder
from tests.definitions.conftest import METADATA, Write
from tests.definitions.seen import Seen, SeenTask, begun, task, walked
from tests.support import Ask, Home

pytestmark = pytest.mark.integration

GATE = "evidence_schema: {seen: {type: string, validator: non_empty}}\n"


def entry(number: int, **more: Any) -> dict[str, Any]:
    """A phase of the metadata that asks for one thing."""
    return {"phase_number": number, "phase_name": f"P{number}", "checkpoint": {"required_evidence": ["done"]}, **more}


def warnings(folder: Path) -> list[str]:
    return [problem.message for problem in validate_folder(folder) if problem.severity == "warning"]


@pytest.mark.requirement("format:folder")
def test_a_whole_definition_is_seen_as_it_lies_there_and_left_as_it_is(home: Home, ask: Ask, define: Write) -> None:
    folder = define(
        "whole_v1",
        {
            "phases/1/phase.md": "# Phase 1: Read\n\nRead all of it.\n",
            "phases/1/task-1-open.md": "# Task 1: Open it\n\nOpen.\n",
            "phases/1/task-2-note.md": "# Task 2: Take notes\n\nNote.\n",
            "phases/1/gate-definition.yaml": GATE,
            "phases/2/phase.md": "# Phase 2: Tell\n",
            "core/glossary.md": "# Words\n",
        },
        phases=[{"phase_number": 1, "phase_name": "Read"}, entry(2)],
    )
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert walked(ask, "whole_v1") == [
        Seen(
            1,
            "Read",
            "# Phase 1: Read\n\nRead all of it.\n",
            ["seen"],
            {
                1: SeenTask("Open it", "# Task 1: Open it\n\nOpen.\n"),
                2: SeenTask("Take notes", "# Task 2: Take notes\n\nNote.\n"),
            },
        ),
        Seen(2, "P2", "# Phase 2: Tell\n", ["done"]),
    ]
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert home.project.is_dir()


@pytest.mark.requirement("format:folder-of-another-name")
def test_the_folder_s_name_is_the_id_and_the_declared_type_starts_it_too(ask: Ask, define: Write) -> None:
    define("on_disk_v2", workflow_type="as_declared", phases=[entry(1)])
    listed = {one["workflow_type"]: one for one in ask(action="list_workflows")["workflows"]}
    assert listed["on_disk_v2"]["aliases"] == ["as_declared"]
    assert "as_declared" not in listed
    for name in ("on_disk_v2", "as_declared"):
        reply = begun(ask, name)
        assert reply["workflow_type"] == "on_disk_v2"
        assert reply["session_id"].startswith("on_disk_v2_")


@pytest.mark.requirement("format:halves-of-a-phase")
def test_a_phase_without_a_folder_and_a_folder_without_an_entry_are_walked_in_the_order_of_their_numbers(
    ask: Ask, define: Write
) -> None:
    define(
        "halves_v1",
        {
            "phases/2/phase.md": "# Phase 2: In between\n\nText.\n",
            "phases/2/task-1-do.md": "# Do it\n",
            "phases/4/gate-definition.yaml": GATE,
        },
        phases=[entry(3, purpose="The third"), entry(1, purpose="The first")],
    )
    assert walked(ask, "halves_v1") == [
        Seen(1, "P1", "", ["done"]),
        Seen(2, "In between", "# Phase 2: In between\n\nText.\n", ["summary"], {1: SeenTask("Do it", "# Do it\n")}),
        Seen(3, "P3", "", ["done"]),
        Seen(4, "Phase 4", "", ["seen"]),
    ]
    assert begun(ask, "halves_v1")["phase_content"]["description"] == "The first"


@pytest.mark.requirement("format:tasks-without-files")
def test_a_task_whose_file_is_not_there_is_served_with_its_name_and_purpose(ask: Ask, define: Write) -> None:
    tasks = [
        {"task_number": 1, "name": "Gone", "file": "task-1-gone.md", "purpose": "It was moved"},
        {"task_number": 2, "name": "There", "file": "task-2-there.md", "purpose": "It is here"},
    ]
    folder = define("gone_v1", {"phases/1/task-2-there.md": "# There\n"}, phases=[entry(1, tasks=tasks)])
    assert walked(ask, "gone_v1") == [
        Seen(1, "P1", "", ["done"], {1: SeenTask("Gone", "", True), 2: SeenTask("There", "# There\n")})
    ]
    content = task(ask, begun(ask, "gone_v1")["session_id"], 1, 1)
    assert (content["description"], content["execution_steps"]) == ("It was moved", [])
    assert "the file of task 1, task-1-gone.md, is not there" in warnings(folder)


@pytest.mark.requirement("format:files-without-tasks")
def test_a_task_file_that_no_entry_names_is_a_task(ask: Ask, define: Write) -> None:
    files: dict[str, str | bytes] = {
        "phases/1/task-1-named.md": "Named.",
        "phases/1/task-2-not-named.md": "# Not named\n",
        "phases/1/notes.md": "# No task\n",
        "phases/1/old/task-3-deeper.md": "# No task either\n",
    }
    define("loose_v1", files, phases=[entry(1, tasks=[{"task_number": 1, "name": "N", "file": "task-1-named.md"}])])
    (only,) = walked(ask, "loose_v1")
    assert only.tasks == {1: SeenTask("N", "Named."), 2: SeenTask("Not named", "# Not named\n")}


@pytest.mark.requirement("format:number-of-the-metadata")
def test_the_metadata_s_number_of_a_task_beats_the_one_in_the_file_s_name(ask: Ask, define: Write) -> None:
    files: dict[str, str | bytes] = {f"phases/1/task-{number}-x.md": f"File {number}" for number in (1, 2, 7)}
    tasks = [
        {"task_number": 2, "name": "Second", "file": "task-1-x.md"},
        {"task_number": 1, "name": "First", "file": "phases/1/task-2-x.md"},
    ]
    define("renumbered_v1", files, phases=[entry(1, tasks=tasks)])
    (only,) = walked(ask, "renumbered_v1")
    assert only.tasks == {1: SeenTask("First", "File 2"), 2: SeenTask("Second", "File 1"), 7: SeenTask("X", "File 7")}


@pytest.mark.requirement("format:order-of-tasks")
def test_there_may_be_a_task_0_and_task_10_comes_after_task_9(ask: Ask, define: Write) -> None:
    files: dict[str, str | bytes] = {f"phases/1/task-{number}-t.md": f"# T{number}" for number in (10, 9, 0, 1)}
    define("order_v1", files, phases=[entry(1)])
    (only,) = walked(ask, "order_v1")
    assert list(only.tasks.items()) == [(number, SeenTask(f"T{number}", f"# T{number}")) for number in (0, 1, 9, 10)]
    session_id = begun(ask, "order_v1")["session_id"]
    read = [ask(action="get_task", session_id=session_id, phase=1, task_number=number) for number in (0, 1, 9, 10)]
    assert [reply.get("next_task") for reply in read] == [1, 9, 10, None]


@pytest.mark.requirement("format:numbers-of-phases", "format:start-phase")
@pytest.mark.parametrize("numbers", [[0, 1, 2], [1, 2], [0, 3, 10], [4]])
def test_phases_begin_where_they_begin_and_may_have_holes(ask: Ask, define: Write, numbers: list[int]) -> None:
    define("numbers_v1", phases=[entry(number) for number in reversed(numbers)])
    assert begun(ask, "numbers_v1")["current_phase"] == numbers[0]
    assert [seen.number for seen in walked(ask, "numbers_v1")] == numbers


@pytest.mark.requirement("format:start-phase")
def test_a_session_begins_at_the_start_phase_that_is_named(ask: Ask, define: Write) -> None:
    define("later_v1", phases=[entry(0), entry(1), entry(2)], start_phase=1)
    assert [seen.number for seen in walked(ask, "later_v1")] == [1, 2]


@pytest.mark.requirement("format:gate-file-wins")
def test_a_gate_file_beats_the_required_evidence_of_the_metadata(ask: Ask, define: Write) -> None:
    folder = define("both_v1", {"phases/1/gate-definition.yaml": GATE}, phases=[entry(1)])
    assert walked(ask, "both_v1") == [Seen(1, "P1", "", ["seen"])]
    assert "names other evidence than phases/1/gate-definition.yaml, which counts" in warnings(folder)


@pytest.mark.requirement("format:strays-beside")
def test_hidden_and_stray_files_beside_the_workflows_are_passed_over(home: Home, ask: Ask, define: Write) -> None:
    before = ask(action="list_workflows")
    define("real_v1", {"phases/1/.task-1-hidden.md": "x", ".DS_Store": b"\x00", "phases/1/task-1-t.md": "T"})
    home.write(
        {f".praxis-os/workflows/{name}": "x" for name in ("README.md", ".hidden/metadata.json", "drafts/idea.md")}
    )
    after = home.asking()(action="list_workflows")
    assert {one["workflow_type"] for one in after["workflows"]} - {
        one["workflow_type"] for one in before["workflows"]
    } == {"real_v1"}
    assert after["invalid"] == []
    assert [seen.tasks for seen in walked(ask, "real_v1")] == [{1: SeenTask("T", "T")}]


@pytest.mark.requirement("format:reference-material")
def test_reference_material_is_no_phase_and_no_task_and_nothing_warns_of_it(ask: Ask, define: Write) -> None:
    names = ("README.md", "core/a.md", "supporting-docs/task-1-b.md")
    material = dict[str, str | bytes].fromkeys(names, "# Phase 9: Not a phase\n")
    folder = define("material_v1", {**material, "phases/1/phase.md": "# P\n"}, phases=[entry(1)])
    bare = define("bare_v1", {"phases/1/phase.md": "# P\n"}, phases=[entry(1)])
    assert walked(ask, "material_v1") == walked(ask, "bare_v1") == [Seen(1, "P1", "# P\n", ["done"])]
    assert warnings(folder) == warnings(bare)


INFORMATIVE: dict[str, Any] = {
    "total_phases": 1,
    **dict.fromkeys(["estimated_duration", "author", "created", "created_date", "updated"], "a text"),
    "requires_user_interaction": "sometimes",
    **{key: ["a", "b"] for key in ("tags", "target_language", "primary_outputs", "notes", "prerequisites")},
    "supports_dry_run": True,
    "supports_rollback": False,
    "core_utilities": [{"name": "u", "file": "core/u.md", "purpose": "p"}],
    **{key: {"a": [1]} for key in ("usage", "quality_gates", "quality_standards", "workflow_features")},
    **{key: {"a": [1]} for key in ("rollback_strategy", "state_persistence")},
    "of_our_own": {"deep": [{"er": None}]},
}


@pytest.mark.requirement("format:informative-keys", "format:unknown-keys-are-kept")
def test_informative_and_unknown_keys_refuse_nothing_and_change_no_phase(ask: Ask, define: Write) -> None:
    informed = entry(
        1,
        key_deliverables=["a report"],
        requires_restart=False,
        task_execution={"mode": "one by one"},
        of_our_own=3,
    )
    folder = define("informed_v1", phases=[informed], **INFORMATIVE)
    define("plain_v1", phases=[entry(1)])
    assert walked(ask, "informed_v1") == walked(ask, "plain_v1")
    assert validate_folder(folder) == validate_folder(folder.with_name("plain_v1"))
    listed = {one["workflow_type"]: one for one in ask(action="list_workflows")["workflows"]}["informed_v1"]
    assert (listed["tags"], listed["target_languages"], listed["artifacts"]) == (["a", "b"],) * 3
    assert (listed["estimated_duration"], listed["category"]) == ("a text", "uncategorized")


@pytest.mark.requirement("format:text")
def test_a_definition_in_windows_text_is_seen_as_it_was_written(ask: Ask, define: Write) -> None:
    mark = b"\xef\xbb\xbf"
    metadata = json.dumps({**METADATA, "phases": [entry(1)]}, indent=1).replace("\n", "\r\n").encode()
    define(
        "windows_v1",
        {
            "metadata.json": mark + metadata,
            "phases/1/phase.md": mark + "---\r\nowner: me\r\n---\r\n# Eins\r\n\r\nÜber.\r\n".encode(),
            "phases/1/task-1-a.md": mark + b"# Task 1: Read\r\n\r\n## Steps\r\n\r\n1. Open\r\n2. Close\r\n",
            "phases/1/gate-definition.yaml": mark + GATE.replace("\n", "\r\n").encode(),
        },
    )
    windows = "# Task 1: Read\r\n\r\n## Steps\r\n\r\n1. Open\r\n2. Close\r\n"
    assert walked(ask, "windows_v1") == [
        Seen(1, "P1", "# Eins\r\n\r\nÜber.\r\n", ["seen"], {1: SeenTask("Read", windows)})
    ]
    steps = task(ask, begun(ask, "windows_v1")["session_id"], 1, 1)["execution_steps"]
    assert [step["title"] for step in steps] == ["Open", "Close"]
