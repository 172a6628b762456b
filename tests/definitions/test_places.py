"""Where definitions are looked for, in which order, and what a broken or hidden one does to the others: by the tool."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from mcp_server.app import bundled_workflows
from mcp_server.definitions.validate import validate_folder
from tests.cli.support import run_process
from tests.definitions.conftest import Write
from tests.definitions.seen import Seen, begun, walked
from tests.support import Ask, Body, Home

pytestmark = pytest.mark.integration

NAME = "small_change_v1"
"""A workflow that ships, so that it has a place below all others."""
PLACES: list[tuple[str, str]] = [
    ("configured", "first"),
    ("configured", "second"),
    ("project", "project/.praxis-os/workflows"),
    ("project", "project/universal/workflows"),
    ("user", "user/data/workflows"),
]
"""From the one that is asked first to the one that is asked last, below the test's own folder."""


def listed(home: Home, *flags: str, **environment: str) -> dict[str, Body]:
    """What another process lists, by name."""
    call = json.dumps({"action": "list_workflows"})
    reply = run_process(home, "call", call, *flags, **environment).json
    assert reply["invalid"] == []
    return {one["workflow_type"]: one for one in reply["workflows"]}


@pytest.mark.requirement("format:places", "format:source-and-shadows")
def test_the_first_place_that_holds_a_name_has_it_and_says_what_it_hides(home: Home, write: Write) -> None:
    flags = [part for folder in ("first", "second") for part in ("--workflows-dir", str(home.project.parent / folder))]
    hidden = ["bundled"]
    for source, folder in reversed(PLACES):
        write(folder=f"{folder}/{NAME}", workflow_type=NAME, description=folder)
        found = listed(home, *flags)[NAME]
        assert (found["description"], found["source"], found["shadows"]) == (folder, source, hidden)
        hidden = [source, *hidden]
    assert (bundled_workflows() / NAME).is_dir()


@pytest.mark.requirement("format:places")
def test_folders_are_configured_in_the_environment_too(home: Home, write: Write) -> None:
    write(folder=f"elsewhere/{NAME}", workflow_type=NAME, description="elsewhere")
    folders = os.pathsep.join([str(home.project.parent / "gone"), str(home.project.parent / "elsewhere")])
    found = listed(home, POS_WORKFLOW_WORKFLOWS_DIRS=folders)[NAME]
    assert (found["description"], found["source"], found["shadows"]) == ("elsewhere", "configured", ["bundled"])


@pytest.mark.requirement("format:root-is-chosen")
def test_the_project_of_the_environment_has_its_definitions(home: Home, define: Write, tmp_path: Path) -> None:
    define("of_the_project_v1")
    flags = ["--user-dir", str(home.user)]
    call = json.dumps({"action": "list_workflows"})
    ran = run_process(None, "call", call, *flags, cwd=tmp_path, POS_WORKFLOW_PROJECT=str(home.project))
    assert "of_the_project_v1" in {one["workflow_type"] for one in ran.json["workflows"]}
    ran = run_process(None, "call", call, *flags, cwd=tmp_path)
    assert "of_the_project_v1" not in {one["workflow_type"] for one in ran.json["workflows"]}


@pytest.mark.requirement("format:broken-blocks-its-name", "format:broken-hides-no-other")
def test_a_broken_definition_keeps_its_name_from_the_one_that_ships(home: Home, ask: Ask, define: Write) -> None:
    folder = define(NAME, {"metadata.json": "{"})
    reply = ask(action="start", workflow_type=NAME, target_file="a")
    assert reply["error_type"] == "ConfigurationError"
    assert "metadata.json:1: is not valid JSON" in reply["error"]
    listing = ask(action="list_workflows")
    assert [one["workflow_type"] for one in listing["invalid"]] == [NAME]
    assert "test_generation_v3" in {one["workflow_type"] for one in listing["workflows"]}
    (folder / "metadata.json").unlink()
    assert home.asking()(action="start", workflow_type=NAME, target_file="a")["error_type"] == "ConfigurationError"
    folder.rmdir()
    assert begun(home.asking(), NAME)["source"] == "bundled"


@pytest.mark.requirement("format:aliases", "format:name-beats-alias", "format:alias-claimed-twice")
def test_an_alias_starts_a_workflow_unless_a_folder_or_another_has_it(ask: Ask, define: Write) -> None:
    define("one_v1", aliases=["short", "shared", "two_v1"])
    define("two_v1", aliases=["shared"])
    assert begun(ask, "short")["workflow_type"] == "one_v1"
    assert begun(ask, "two_v1")["workflow_type"] == "two_v1"
    reply = ask(action="start", workflow_type="shared", target_file="a")
    assert (reply["error_type"], "claimed by one_v1 and two_v1" in reply["error"]) == ("ConfigurationError", True)


@pytest.mark.requirement("format:read-again-when-changed")
def test_a_server_that_runs_on_lists_what_changed_came_and_went(home: Home, ask: Ask, define: Write) -> None:
    def seen() -> dict[str, str]:
        listing = ask(action="list_workflows")
        known: list[Any] = [*listing["workflows"], *listing["invalid"]]
        return {one["workflow_type"]: one.get("description", "invalid") for one in known if one["workflow_type"] < "b"}

    assert seen() == {}
    folder = define("a_v1", description="First")
    assert seen() == {"a_v1": "First"}
    define("a_v1", description="Other")
    assert seen() == {"a_v1": "Other"}
    (folder / "metadata.json").write_text("{")
    assert seen() == {"a_v1": "invalid"}
    define("a_v1", description="Third")
    assert seen() == {"a_v1": "Third"}
    folder.rename(home.definitions / "a_v2")
    assert seen() == {"a_v2": "Third"}


@pytest.mark.requirement("format:total-phases")
@pytest.mark.parametrize(("total", "warned"), [(None, False), (3, False), ("dynamic", False), (9, True), (2, True)])
def test_the_number_of_phases_is_counted_and_a_number_that_differs_is_a_warning(
    ask: Ask, define: Write, total: int | str | None, *, warned: bool
) -> None:
    phases = [{"phase_number": n, "phase_name": f"P{n}"} for n in (0, 2)]
    told = {} if total is None else {"total_phases": total}
    folder = define("counted_v1", {"phases/7/phase.md": "# Seven\n"}, phases=phases, **told)
    assert begun(ask, "counted_v1")["total_phases"] == 3
    summary = {one["workflow_type"]: one for one in ask(action="list_workflows")["workflows"]}["counted_v1"]
    assert summary["phases"] == 3
    assert any("total_phases" in problem.message for problem in validate_folder(folder)) is warned


@pytest.mark.requirement("format:phase-range", "format:fixed-phases-first", "format:numbering", "format:plan-option")
def test_fixed_phases_then_the_plan_s_then_the_closing_ones_are_walked(home: Home, ask: Ask, define: Write) -> None:
    define(
        "framed_v1",
        {"phases/closing/phase.md": "# Look back\n"},
        dynamic_phases=True,
        total_phases="dynamic",
        dynamic_config={"source_path_key": "where", "parser": "spec_tasks_parser"},
        phases=[{"phase_number": 0, "phase_name": "Read"}, {"phase_number": "1-N", "phase_name": "Build"}],
    )
    home.write({"spec/tasks.md": "".join(f"## 🚀 Phase {n}: Part {n}\n\n### Task {n}.1: Do\n\n" for n in (0, 2))})
    for path in ("spec", "spec/tasks.md"):
        seen = walked(ask, "framed_v1", where=path)
        assert [(one.number, one.title, one.required) for one in seen] == [
            (0, "Read", ["summary"]),
            (1, "Part 0", ["summary"]),
            (3, "Part 2", ["summary"]),
            (4, "Look back", ["summary"]),
        ]
    session_id = begun(ask, "framed_v1", where="spec")["session_id"]
    passed = ask(action="complete_phase", session_id=session_id, phase=0, evidence={"summary": "Read"})
    assert passed["next_phase"]["plan_phase"] == {"number": 0, "title": "Part 0"}


@pytest.mark.requirement("format:broken-gate")
@pytest.mark.parametrize(
    ("gate", "problem"),
    [
        ("evidence_schema:\n  a:\n    type: banana\n", "gate-definition.yaml:3: there is no type 'banana'"),
        (
            "evidence_schema:\n  a:\n    validator: gone\n",
            "gate-definition.yaml:3: the field 'a': there is no validator",
        ),
        ("evidence_schema: {a: {}}\nvalidators:\n  own: open('x')\n", "gate-definition.yaml:3: the validator 'own'"),
        ("evidence_schema: [\n", "gate-definition.yaml:2: is not valid YAML"),
    ],
)
def test_a_gate_that_is_broken_is_listed_with_its_line_and_not_started(
    ask: Ask, define: Write, gate: str, problem: str
) -> None:
    define("a_broken_v1", {"phases/1/gate-definition.yaml": gate})
    (invalid,) = ask(action="list_workflows")["invalid"]
    reply = ask(action="start", workflow_type="a_broken_v1", target_file="a")
    assert reply["error_type"] == "ConfigurationError"
    assert problem in invalid["problem"]
    assert problem in reply["error"]


@pytest.mark.requirement("format:newer-key-blocks")
def test_a_gate_with_a_key_that_is_not_known_stays_closed_whatever_is_shown(ask: Ask, define: Write) -> None:
    define("newer_v1", {"phases/1/gate-definition.yaml": "evidence_schema: {a: {}}\nquorum_of_reviewers: 3\n"})
    session_id = begun(ask, "newer_v1")["session_id"]
    evidence = {"a": 1, "quorum_of_reviewers": 3}
    reply = ask(action="complete_phase", session_id=session_id, phase=1, evidence=evidence)
    assert (reply["checkpoint_passed"], reply["gate"]) == (False, "blocked")
    assert "quorum_of_reviewers" in reply["error"]


@pytest.mark.requirement("format:validation-criteria", "format:summary", "format:required-evidence")
def test_without_a_gate_file_the_metadata_says_what_has_to_be_shown(ask: Ask, define: Write) -> None:
    long = "A sentence that is far too long for a name and goes on and on until it is cut off"
    phases: list[dict[str, Any]] = [
        {"phase_number": 1, "phase_name": "A", "checkpoint": {"required_evidence": ["one", "two"]}},
        {"phase_number": 2, "phase_name": "B", "validation_criteria": ["All: green!", "all GREEN", "Über", long]},
        {"phase_number": 3, "phase_name": "C"},
    ]
    phases[0]["validation_criteria"] = ["is not asked"]
    define("plain_v1", phases=phases)
    slug = "a_sentence_that_is_far_too_long_for_a_name_and_goes_on_and_o"
    assert walked(ask, "plain_v1") == [
        Seen(1, "A", required=["one", "two"]),
        Seen(2, "B", required=["all_green", "all_green_2", "ber", slug]),
        Seen(3, "C", required=["summary"]),
    ]
