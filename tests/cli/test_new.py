"""``new``: what it writes is sound, can be walked to its end, and is known to editors; it overwrites nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from mcp_server.definitions.starter import schema_files, starter, title_of
from tests.cli.support import Cli
from tests.support import tree

pytestmark = pytest.mark.integration

EVIDENCE: dict[int, dict[str, Any]] = {
    1: {
        "goal": "The report names every customer once.",
        "files_read": ["report.py"],
        "check_command": "pytest -q",
        "problems_before": 2,
    },
    2: {
        "files_changed": ["report.py"],
        "problems_before": 2,
        "problems_after": 0,
        "summary": "Duplicates are left out before the report is written.",
    },
}


def test_what_is_written_is_valid_without_a_warning(cli: Cli) -> None:
    ran = cli("new", "release_notes_v1")
    assert ran.code == 0
    assert "release_notes_v1: two phases" in ran.out
    ran = cli("validate", "release_notes_v1", "--strict", "--json")
    assert (ran.code, ran.json["definitions"][0]["problems"]) == (0, [])


def test_it_can_be_walked_to_its_end_and_its_gates_refuse(cli: Cli) -> None:
    cli("new", "release_notes_v1")
    cli.home.write({"report.py": ""})
    ask = cli.home.asking()
    started = ask(action="start", workflow_type="release_notes_v1", target_file="report.py")
    assert started.get("warnings", []) == []
    session = started["session_id"]
    for phase, evidence in EVIDENCE.items():
        shown = ask(action="get_phase", session_id=session)["phase_content"]
        for task in shown["tasks"]:
            content = ask(action="get_task", session_id=session, phase=phase, task_number=task["task_number"])
            assert content["task_content"]["execution_steps"]
            assert content["task_content"]["artifacts_to_produce"]
        assert ask(action="complete_phase", session_id=session, phase=phase, evidence={})["gate"] == "refused"
        passed = ask(action="complete_phase", session_id=session, phase=phase, evidence=evidence)
        assert passed["checkpoint_passed"], passed
    assert ask(action="get_state", session_id=session)["session_status"] == "completed"


@pytest.mark.parametrize(
    "wrong", [{"files_changed": []}, {"files_changed": ["gone.py"]}, {"problems_after": 3}, {"summary": "Done."}]
)
def test_its_last_gate_refuses_what_does_not_hold(cli: Cli, wrong: dict[str, Any]) -> None:
    cli("new", "release_notes_v1")
    cli.home.write({"report.py": ""})
    ask = cli.home.asking()
    session = ask(action="start", workflow_type="release_notes_v1", target_file="report.py")["session_id"]
    ask(action="complete_phase", session_id=session, phase=1, evidence=EVIDENCE[1])
    refused = ask(action="complete_phase", session_id=session, phase=2, evidence={**EVIDENCE[2], **wrong})
    assert refused["gate"] == "refused"


def test_what_is_there_is_left_as_it_is(cli: Cli) -> None:
    cli("new", "release_notes_v1")
    (cli.home.definitions / "release_notes_v1" / "README.md").write_text("mine")
    before = tree(cli.home.definitions)
    ran = cli("new", "release_notes_v1")
    assert ran.code == 1
    assert "is there already" in ran.err
    assert tree(cli.home.definitions) == before


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "/x", "Upper", "-a", ".hidden", "a" * 101, "é"])
def test_a_name_that_no_workflow_can_have_is_refused_and_writes_nothing(cli: Cli, name: str) -> None:
    before = tree(cli.home.project)
    ran = cli("new", "--", name)
    assert ran.code == 2
    assert tree(cli.home.project) == before


def test_a_folder_of_ones_own_is_named_with_to(cli: Cli, tmp_path: Path) -> None:
    ran = cli("new", "release_notes_v1", "--to", str(tmp_path / "mine"))
    assert ran.code == 0
    assert f"--workflows-dir {tmp_path / 'mine'}" in ran.out
    assert cli("validate", "release_notes_v1", "--workflows-dir", str(tmp_path / "mine")).code == 0
    (tmp_path / "file").write_text("x")
    ran = cli("new", "other_v1", "--to", str(tmp_path / "file"))
    assert (ran.code, "is there already" in ran.err) == (1, True)


def test_a_name_that_hides_another_workflow_is_said(cli: Cli) -> None:
    assert "It hides the workflow of the same name that is bundled." in cli("new", "small_change_v1").out


def test_the_schemas_lie_where_the_files_say_and_are_renewed(cli: Cli) -> None:
    cli("new", "first_v1")
    folder = cli.home.definitions / "first_v1"
    metadata = json.loads((folder / "metadata.json").read_text())
    named = {(folder / metadata["$schema"]).resolve()}
    for gate in folder.rglob("gate-definition.yaml"):
        first = gate.read_text().splitlines()[0]
        named.add((gate.parent / first.removeprefix("# yaml-language-server: $schema=")).resolve())
    assert {path.name for path in named} == set(schema_files())
    for path in named:
        Draft7Validator.check_schema(json.loads(path.read_text()))
        path.write_text("old")
    cli("new", "second_v1")
    assert {path.read_text() for path in named} == set(schema_files().values())
    names = [one["workflow_type"] for one in cli("validate", "--json").json["definitions"]]
    assert {"first_v1", "second_v1"} < set(names)
    assert ".schemas" not in names


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("release_notes_v1", "Release notes"),
        ("a-b.c-v2.1", "A b c"),
        ("v1", "v1"),
        ("deploy", "Deploy"),
        ("x86", "X86"),
    ],
)
def test_a_title_is_made_of_the_name(name: str, title: str) -> None:
    assert title_of(name) == title
    assert json.loads(starter(name)["metadata.json"])["name"] == title
