"""The doctor: what it finds, and what it says has to be done."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from mcp_server.cli import diagnosis
from mcp_server.cli.diagnosis import locks_hold, nearest
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.mounts import network_file_system
from tests.cli.support import Cli, forge, run_process
from tests.support import Ask, Home, arrange

pytestmark = pytest.mark.integration


def findings(cli: Cli, level: str) -> list[dict[str, Any]]:
    return [one for one in cli("doctor", "--json").json["findings"] if one["level"] == level]


def test_a_project_in_order_is_well(cli: Cli, ask: Ask) -> None:
    arrange(ask, "open")
    arrange(ask, "completed")
    ran = cli("doctor")
    assert ran.code == 0
    assert "All is well." in ran.out
    assert "sessions: 2 (1 active, 1 completed)" in ran.out
    assert "locks: a lock keeps others out" in ran.out
    shown = cli("doctor", "--json").json
    assert shown["ok"] is True
    assert {"pos-workflow", "python", "mcp", "pydantic", "filelock"} <= set(shown["versions"])


def test_the_doctor_leaves_everything_as_it_was(cli: Cli, ask: Ask) -> None:
    assert cli("doctor").code == 0
    assert not cli.home.state.exists()
    arrange(ask, "open")
    before = cli.home.tree()
    assert cli("doctor").code == 0
    assert cli.home.tree() == before


def test_every_setting_is_shown_with_its_origin_and_a_flag_beats_the_environment_beats_the_file(home: Home) -> None:
    config = home.user / "config"
    config.mkdir()
    (config / "settings.toml").write_text('log_level = "error"\nlock_timeout = 3\nstale_after_days = 9\n')
    with (config / "settings.toml").open("a") as file:
        file.write('notify_command = ["notify-send", "a workflow"]\n')
    flags = ["--json", "--log-level", "warning", "--allow-network-fs"]
    ran = run_process(home, "doctor", *flags, POS_WORKFLOW_LOG_LEVEL="info", POS_WORKFLOW_LOCK_TIMEOUT="4")
    assert ran.code == 0
    made = {one["name"]: (one["value"], one["origin"]) for one in ran.json["settings"]}
    assert made["log_level"] == ("warning", "flag")
    assert made["lock_timeout"] == ("4.0", "environment")
    assert made["stale_after_days"] == ("9", "file")
    assert made["log_json"] == ("no", "default")
    assert made["allow_network_fs"] == ("yes", "flag")
    assert made["notify_command"] == ("notify-send 'a workflow'", "file")
    assert made["project"] == (str(home.project), "flag")
    assert made["state_dir"] == (str(home.state), "default")


@pytest.mark.requirement("format:root-is-told")
def test_how_a_project_was_found_is_shown(home: Home) -> None:
    ran = run_process(None, "doctor", "--json", "--user-dir", str(home.user), cwd=home.project)
    project = next(one for one in ran.json["settings"] if one["name"] == "project")
    assert (project["value"], project["origin"]) == (str(home.project), "found by .praxis-os")


def test_no_project_needs_a_person(home: Home) -> None:
    ran = run_process(None, "doctor", "--user-dir", str(home.user), cwd="/")
    assert ran.code == 1
    assert "problem project: no root is known" in ran.out
    assert "--project PATH" in ran.out


def test_a_session_that_cannot_be_trusted_needs_a_person(cli: Cli, ask: Ask) -> None:
    session = arrange(ask, "open")
    forge(cli.home, session)
    ran = cli("doctor")
    assert ran.code == 1
    assert f"{session}: tampered" in ran.out
    assert "seal --accept" in ran.out
    assert "1 of these need a person" in ran.err


def test_a_store_that_cannot_be_used_needs_a_person(cli: Cli) -> None:
    cli.home.state.mkdir(parents=True)
    (cli.home.state / "workflows").write_text("not a folder")
    assert cli("doctor").code == 1
    (problem,) = findings(cli, "problem")
    assert problem["about"] == "sessions"
    assert "not a folder" in problem["says"]
    assert problem["remedy"]


def test_a_definition_that_does_not_load_needs_a_person(cli: Cli) -> None:
    cli.home.write({".praxis-os/workflows/broken/metadata.json": "{"})
    (problem,) = findings(cli, "problem")
    assert problem["about"] == "definitions"
    assert problem["says"].startswith("broken (project): ")
    assert problem["remedy"] == "pos-workflow validate broken shows every problem."


def test_what_is_worth_knowing_is_no_problem(cli: Cli, ask: Ask) -> None:
    arrange(ask, "open")
    cli.home.state.chmod(0o777)
    cli.home.define("small_change_v1", [{"number": 1}])
    assert cli("doctor").code == 0
    said = [one["says"] for one in findings(cli, "note")]
    assert "other users of this machine may look into the folder" in said
    assert "The state folder can be written by other users of this machine." in said
    assert "small_change_v1 (project) hides one from: bundled" in said


@pytest.mark.parametrize("where", ["a file", "in a file", "where nothing can be made"])
def test_a_user_folder_that_cannot_be_needs_a_person(cli: Cli, tmp_path: Path, where: str) -> None:
    (tmp_path / "file").write_text("")
    folders = {"a file": tmp_path / "file", "in a file": tmp_path / "file" / "user"}
    user = str(folders.get(where, "/proc/nonexist"))
    ran = run_process(None, "doctor", "--project", str(cli.home.project), "--user-dir", user)
    assert ran.code == 1
    assert "the data folder" in ran.out
    assert "until then sessions go unsealed" in ran.out


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_state_folder_that_cannot_be_written_needs_a_person(cli: Cli) -> None:  # pragma: no cover
    cli.home.state.mkdir(parents=True, mode=0o500)
    assert "cannot be written" in cli("doctor").out


def test_a_network_file_system_is_a_problem_unless_it_was_allowed(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def on_nfs(fs: FileSystem, path: Path) -> str | None:
        return "nfs4" if "state" in path.parts else network_file_system(fs, path)

    monkeypatch.setattr(diagnosis, "network_file_system", on_nfs)
    assert cli("doctor").code == 1
    assert "on a network file system (nfs4)" in cli("doctor").out
    assert cli("doctor", "--allow-network-fs").code == 0


class Lying(FileSystem):
    """A file system whose locks keep nobody out, or that has none."""

    def __init__(self, error: OSError | None = None) -> None:
        self._error = error

    def lock(self, fd: int) -> bool:  # noqa: ARG002 - the seam's own
        if self._error is not None:
            raise self._error
        return True


@pytest.mark.parametrize("fs", [Lying(), Lying(OSError("no locks here"))], ids=["lying", "none"])
def test_locks_that_do_not_hold_are_found(tmp_path: Path, fs: FileSystem) -> None:
    assert locks_hold(FileSystem(), tmp_path)
    assert not locks_hold(fs, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_locks_that_do_not_hold_are_a_problem(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(fs: FileSystem, folder: Path) -> bool:
        return False

    monkeypatch.setattr(diagnosis, "locks_hold", never)
    (problem,) = findings(cli, "problem")
    assert problem["about"] == "locks"


def test_a_session_that_is_mended_in_between_is_told_as_such(
    cli: Cli, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = arrange(ask, "open")
    head = cli.home.state / "workflows" / f"{session}.json"
    raw = head.read_bytes()
    forge(cli.home, session)
    explained = diagnosis.__dict__["_explained"]

    def mended(*arguments: Any) -> Any:
        head.write_bytes(raw)
        return explained(*arguments)

    monkeypatch.setattr(diagnosis, "_explained", mended)
    assert "It can be trusted again by now." in cli("doctor").out


def test_the_nearest_folder_is_the_first_that_is_there(tmp_path: Path) -> None:
    assert nearest(tmp_path / "a" / "b") == tmp_path
    assert nearest(tmp_path) == tmp_path


def cut(cli: Cli, session: str, suffix: str = "json") -> Path:
    path = cli.home.state / "workflows" / f"{session}.{suffix}"
    path.write_bytes(path.read_bytes()[:-40])
    return path


def test_a_damaged_session_is_explained_with_what_a_fix_would_do(cli: Cli, ask: Ask) -> None:
    session = arrange(ask, "open")
    cut(cli, session)
    (problem,) = findings(cli, "problem")
    assert problem["says"].startswith(f"{session}: torn: ")
    assert "byte for byte, the file that was last sealed: version 2, active, phase 2" in problem["says"]
    assert problem["remedy"].startswith("pos-workflow doctor --fix makes its file anew; ")
    cut(cli, session, "jsonl")
    (problem,) = findings(cli, "problem")
    assert "what it was is not certain" in problem["says"]
    assert problem["remedy"].startswith(
        "pos-workflow doctor --fix puts its files into quarantine. pos-workflow restore"
    )


def test_a_fix_rebuilds_what_is_proven_and_needs_no_terminal(cli: Cli, ask: Ask) -> None:
    session = arrange(ask, "open")
    head = cli.home.state / "workflows" / f"{session}.json"
    raw = head.read_bytes()
    cut(cli, session)
    before = cli.home.tree()
    dry = cli("doctor", "--fix", "--dry-run")
    assert dry.code == 0
    assert f"rebuild     {session}: torn: " in dry.out
    assert "Nothing was changed." in dry.out
    assert cli.home.tree() == before
    ran = run_process(cli.home, "doctor", "--fix")
    assert ran.code == 0
    assert f"rebuilt     {session}: torn: " in ran.out
    assert head.read_bytes() == raw
    assert ask(action="get_state", session_id=session)["status"] == "success"
    assert cli("doctor", "--fix").out == "No session is damaged.\n"


def test_what_a_fix_cannot_prove_goes_to_the_quarantine_and_stays_listed(cli: Cli, ask: Ask) -> None:
    session = arrange(ask, "open")
    cut(cli, session)
    cut(cli, session, "jsonl")
    ran = cli("doctor", "--fix", "--json")
    assert ran.code == 1
    (one,) = ran.json["sessions"]
    assert (ran.json["ok"], one["session_id"], one["does"]) == (False, session, "quarantine")
    assert "restore" in one["remedy"]
    assert not (cli.home.state / "workflows" / f"{session}.json").exists()
    (problem,) = findings(cli, "problem")
    assert f"{session}: torn: " in problem["says"]
    assert "in quarantine since" in problem["says"]
    again = cli("doctor", "--fix")
    assert again.code == 1
    assert f"left        {session}" in again.out
    assert "1 of these need a person" in again.err


@pytest.mark.parametrize("arguments", [("--dry-run",), ("--fix", "--selftest")])
def test_what_does_not_go_together_is_refused(cli: Cli, arguments: tuple[str, ...]) -> None:
    assert cli("doctor", *arguments).code == 2
