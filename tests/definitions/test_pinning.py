"""A session is served exactly what it started with, whatever becomes of the files of its definition and its plan."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.support import run_process
from tests.definitions.conftest import METADATA, Write
from tests.definitions.seen import begun, pages, task
from tests.support import Ask, Body, Home

pytestmark = pytest.mark.integration

PLAN = "## Phase 1: Build\n\n**Objective:** It stands.\n\n### Task 1.1: Lay bricks\n\n**Gate:**\n- [ ] It stands\n"
FILES: dict[str, str | bytes] = {
    "phases/1/phase.md": "# Read {{not_a_template}}\n",
    "phases/1/task-1-open.md": "# Open\n\n## Steps\n\n1. Open it\n",
    "phases/1/gate-definition.yaml": "evidence_schema: {seen: {type: string}}\nmax_attempts: 9\n",
    "phases/dynamic/phase-template.md": "# {{phase_name}}: {{phase_description}}\n",
    "phases/dynamic/task-template.md": "# {{task_name}} of [PHASE_NAME]\n",
    "phases/closing/phase.md": "# Look back\n",
    "core/words.md": "# Words\n",
    "picture.bin": b"\xff\x00",
}
DYNAMIC: dict[str, Any] = {
    "dynamic_phases": True,
    "dynamic_config": {"source_path_key": "plan", "parser": "spec_tasks_parser"},
    "phases": [{"phase_number": 1, "phase_name": "Read"}, {"phase_number": "2-N", "phase_name": "Build"}],
}
SOURCES = ["metadata.json", *FILES, "plan"]
"""Every file that the session's definition was made of; the plan lies in the project."""

Change = Callable[[Path], Any]


def edit(path: Path) -> None:
    """Another content that can be read as well."""
    if path.name == "metadata.json":
        path.write_text(json.dumps({**METADATA, **DYNAMIC, "workflow_type": "kept_v1", "version": "2.0.0"}))
    elif path.suffix == ".yaml":
        path.write_text("evidence_schema: {other: {type: integer}}\n")
    elif path.name == "tasks.md":
        path.write_text(PLAN.replace("Build", "Destroy"))
    else:
        path.write_text("# Changed\n")


def break_(path: Path) -> None:
    """What no definition and no plan can have."""
    if path.suffix == ".bin":
        path.write_bytes(b"x" * (1024 * 1024 + 1))
    else:
        path.write_bytes(b"\xff\xfe{[")


def link_out(path: Path) -> None:
    """A link to somewhere else."""
    path.unlink()
    path.symlink_to("/etc/hostname")


@pytest.fixture
def folder(home: Home, define: Write) -> Path:
    """The definition's folder; its plan is ``specs/tasks.md``."""
    home.write({"specs/tasks.md": PLAN})
    return define("kept_v1", FILES, **DYNAMIC)


def source(home: Home, folder: Path, name: str) -> Path:
    return home.project / "specs" / "tasks.md" if name == "plan" else folder / name


def start(ask: Ask) -> str:
    """A session at the plan's first phase."""
    session_id: str = begun(ask, "kept_v1", plan="specs")["session_id"]
    passed = ask(action="complete_phase", session_id=session_id, phase=1, evidence={"seen": "all"})
    assert passed["checkpoint_passed"] is True, passed
    return session_id


def served(ask: Ask, session_id: str) -> list[Any]:
    """All that a session is told of its definition, less the word that the definition has moved on."""
    read: list[Any] = [page["phase_content"] for page in pages(ask, action="get_phase", session_id=session_id)]
    read += [task(ask, session_id, 1, 1), task(ask, session_id, 2, 1)]
    definition: Body = ask(action="get_session", session_id=session_id)["session"]["definition"]
    refused = ask(action="complete_phase", session_id=session_id, phase=2, evidence={})
    return [*read, {**definition, "moved_on": None}, refused["missing_evidence"]]


def moved_on(ask: Ask, session_id: str) -> bool:
    found: bool = ask(action="get_session", session_id=session_id)["session"]["definition"]["moved_on"]
    return found


@pytest.fixture
def running(home: Home, folder: Path) -> tuple[str, list[Any]]:
    """A session in the middle, and what it is served."""
    assert folder.is_dir()
    session_id = start(home.asking())
    return session_id, served(home.asking(), session_id)


@pytest.mark.requirement("format:pinned", "format:plan-is-pinned", "format:moved-on")
@pytest.mark.parametrize("change", [edit, break_, link_out, Path.unlink], ids=["edit", "break", "link", "delete"])
@pytest.mark.parametrize("name", SOURCES)
def test_whatever_becomes_of_one_file_the_session_is_served_what_it_began_with(
    home: Home, folder: Path, running: tuple[str, list[Any]], name: str, change: Change
) -> None:
    session_id, before = running
    assert moved_on(home.asking(), session_id) is False
    path = source(home, folder, name)
    written = path.read_bytes()
    change(path)
    ask = home.asking()
    assert served(ask, session_id) == before
    assert moved_on(ask, session_id) is True
    path.unlink(missing_ok=True)
    path.write_bytes(written)
    assert moved_on(home.asking(), session_id) is False


@pytest.mark.requirement("format:pinned", "format:moved-on")
def test_the_session_is_served_and_completed_by_another_process_when_all_is_gone(
    home: Home, folder: Path, running: tuple[str, list[Any]]
) -> None:
    session_id, (content, *_) = running
    shutil.rmtree(folder)
    shutil.rmtree(home.project / "specs")

    def elsewhere(**arguments: Any) -> Body:
        reply: Body = run_process(home, "call", json.dumps({"session_id": session_id, **arguments})).json
        return reply

    assert elsewhere(action="get_phase")["phase_content"] == content
    assert elsewhere(action="get_session")["session"]["definition"]["moved_on"] is True
    assert (
        elsewhere(action="complete_phase", phase=2, evidence={"it_stands": True})["next_phase"]["title"] == "Look back"
    )
    assert elsewhere(action="complete_phase", phase=3, evidence={"summary": "Well"})["workflow_completed"] is True


@pytest.mark.requirement("format:moved-on")
def test_a_new_start_sees_what_is_there_now(home: Home, folder: Path, running: tuple[str, list[Any]]) -> None:
    session_id, before = running
    (folder / "phases/dynamic/phase-template.md").write_text("# New: {{phase_name}}\n")
    edit(home.project / "specs" / "tasks.md")
    ask = home.asking()
    other = start(ask)
    assert ask(action="get_phase", session_id=other)["phase_content"]["instructions"] == "# New: Destroy\n"
    assert moved_on(ask, other) is False
    assert served(ask, session_id) == before
    assert moved_on(ask, session_id) is True


@pytest.mark.requirement("format:moved-on")
@pytest.mark.parametrize("name", ["metadata.json", "phases/1/gate-definition.yaml", "plan"])
def test_a_new_start_of_what_is_broken_is_refused_while_the_session_goes_on(
    home: Home, folder: Path, running: tuple[str, list[Any]], name: str
) -> None:
    session_id, _ = running
    break_(source(home, folder, name))
    ask = home.asking()
    reply = ask(action="start", workflow_type="kept_v1", target_file="a", options={"plan": "specs"})
    assert reply["error_type"] in {"ConfigurationError", "ValueError"}
    done = ask(action="complete_phase", session_id=session_id, phase=2, evidence={"it_stands": True})
    assert done["checkpoint_passed"] is True


@pytest.mark.requirement("format:pinned")
def test_a_server_that_runs_on_sees_an_edit_in_new_sessions_only(home: Home, folder: Path) -> None:
    ask = home.asking()
    first = start(ask)
    before = served(ask, first)
    edit(folder / "phases/dynamic/task-template.md")
    second = start(ask)
    assert task(ask, second, 2, 1)["instructions"] == "# Changed\n"
    assert served(ask, first) == before


@pytest.mark.requirement("format:shared-copy")
def test_sessions_with_the_same_content_share_one_stored_copy_named_by_its_sha_256(
    home: Home, folder: Path, define: Write
) -> None:
    first = start(home.asking())
    for path in folder.rglob("*"):
        os.utime(path)
    define("kept_v1", FILES, **DYNAMIC)
    shutil.copytree(home.project / "specs", home.project / "elsewhere")
    ask = home.asking()
    sessions = [first, start(ask), begun(ask, "kept_v1", plan="elsewhere/tasks.md")["session_id"]]
    (digest,) = {ask(action="get_session", session_id=one)["session"]["definition"]["digest"] for one in sessions}
    (copy,) = [path for path in home.state.rglob("*") if path.is_file() and digest in path.name]
    assert hashlib.sha256(copy.read_bytes()).hexdigest() == digest
    (folder / "core/words.md").write_text("# Other words\n")
    other = start(home.asking())
    assert ask(action="get_session", session_id=other)["session"]["definition"]["digest"] != digest
