"""Hosts start servers anywhere, with next to no environment: nothing is put into a place that nobody chose."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.support import ACTIONS, Home, bare_environment, tree
from tests.wire import Wire

pytestmark = pytest.mark.acceptance

NEEDS: dict[str, dict[str, object]] = {
    "start": {"workflow_type": "test_generation_v3", "target_file": "a.py", "request_id": "without-project-1"},
    "get_task": {"phase": 1, "task_number": 1},
    "complete_phase": {"phase": 1, "evidence": {"a": 1}},
    "retry_phase": {"phase": 1},
    "rollback": {"to_phase": 1},
}


@pytest.mark.requirement("format:no-root-no-state")
@pytest.mark.requirement("no-root-nobody-chose")
def test_without_a_project_workflows_are_listed_and_sessions_ask_for_a_root(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    entries = set(Path("/").iterdir())
    command = [sys.executable, "-m", "mcp_server"]
    environment = bare_environment(HOME=str(folder), PYTHONDONTWRITEBYTECODE="1")
    with Wire(command=command, environment=environment, cwd="/") as wire:
        listed = wire.call(action="list_workflows")
        assert {"test_generation_v3", "spec_creation_v1"} <= {one["workflow_type"] for one in listed["workflows"]}
        for action in ACTIONS:
            if action == "list_workflows":
                continue
            about = {} if action in ("start", "list_sessions") else {"session_id": "some_session"}
            reply = wire.call(action=action, **about, **NEEDS.get(action, {}))
            assert reply["error_type"] == "ConfigurationError", action
            assert "--project" in reply["remediation"]
            assert "POS_WORKFLOW_PROJECT" in reply["remediation"]
        assert wire.call(action="pause")["error_type"] == "ValueError"
        wire.close_input()
        assert wire.wait() == 0
        assert b"--project" in wire.log
    assert tree(folder) == {}
    assert set(Path("/").iterdir()) == entries


@pytest.mark.requirement("no-root-nobody-chose")
def test_the_home_folder_is_no_project_though_it_has_a_marker(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    before = tree(tmp_path)
    environment = bare_environment(HOME=str(tmp_path))
    with Wire(command=[sys.executable, "-m", "mcp_server"], environment=environment, cwd=tmp_path) as wire:
        assert wire.call(action="list_sessions")["error_type"] == "ConfigurationError"
    assert tree(tmp_path) == before


@pytest.mark.requirement("format:root-is-chosen")
@pytest.mark.requirement("no-root-nobody-chose")
def test_a_project_is_found_by_its_marker_above_the_working_directory(tmp_path: Path) -> None:
    home = Home.make(tmp_path)
    (home.project / "pyproject.toml").touch()
    (home.project / "src" / "deep").mkdir(parents=True)
    environment = bare_environment(HOME=str(tmp_path / "elsewhere"), POS_WORKFLOW_USER_DIR=str(home.user))
    command = [sys.executable, "-m", "mcp_server"]
    with Wire(command=command, environment=environment, cwd=home.project / "src" / "deep") as wire:
        session = wire.call(action="start", workflow_type="small_change", target_file="a.py")["session_id"]
    assert (home.state / "workflows" / f"{session}.json").is_file()


@pytest.mark.requirement("no-root-nobody-chose")
def test_a_session_that_only_is_read_makes_no_folder(tmp_path: Path) -> None:
    home = Home.make(tmp_path)
    with Wire(home) as wire:
        assert wire.call(action="list_sessions")["total"] == 0
        assert wire.call(action="get_state", session_id="some_session")["error_type"] == "NotFoundError"
        assert wire.call(action="delete_session", session_id="some_session")["deleted"] is False
        assert wire.call(action="pause", session_id="some_session")["error_type"] == "NotFoundError"
        assert wire.call(action="start", workflow_type="nothing", target_file="a")["error_type"] == "NotFoundError"
    assert tree(home.project) == {}
    assert tree(home.user) == {}


@pytest.mark.requirement("no-root-nobody-chose")
def test_a_project_that_is_not_there_keeps_the_server_from_starting_and_says_why(tmp_path: Path) -> None:
    home = Home(tmp_path / "nowhere", tmp_path / "user")
    with Wire(home, handshake=False) as wire:
        assert wire.wait() == 1
        assert wire.lines == []
        assert b"--project" in wire.log


@pytest.mark.requirement("storage-error-outcome")
@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_a_storage_error_and_nothing_is_done(home: Home) -> None:
    ask = home.asking()
    session = ask(action="start", workflow_type="steps", target_file="a.py")["session_id"]
    workflows = home.state / "workflows"
    workflows.chmod(0o500)
    try:
        reply = ask(action="pause", session_id=session)
        assert (reply["error_type"], reply["outcome"]) == ("StorageError", "unchanged")
        assert ask(action="get_state", session_id=session)["session_status"] == "active"
    finally:
        workflows.chmod(0o700)


@pytest.mark.requirement("storage-error-outcome")
def test_a_folder_that_is_gone_under_a_running_server_is_a_storage_error(home: Home) -> None:
    with Wire(home) as wire:
        session = wire.call(action="start", workflow_type="steps", target_file="a.py")["session_id"]
        (home.state / "locks").rename(home.state / "locks_elsewhere")
        reply = wire.call(action="pause", session_id=session)
        assert (reply["error_type"], reply["outcome"]) == ("StorageError", "unchanged")
        assert reply["session_status"] == "active"
        (home.state / "locks_elsewhere").rename(home.state / "locks")
        assert wire.call(action="pause", session_id=session)["paused"] is True


@pytest.mark.requirement("a-folder-that-is-not-ours")
def test_a_file_where_the_state_should_be_is_a_configuration_error(tmp_path: Path) -> None:
    home = Home.make(tmp_path)
    home.state.parent.mkdir()
    home.state.write_text("mine")
    with Wire(home) as wire:
        reply = wire.call(action="start", workflow_type="small_change", target_file="a.py")
        assert reply["error_type"] == "ConfigurationError"
        assert "--state-dir" in reply["remediation"]
    assert home.state.read_text() == "mine"
