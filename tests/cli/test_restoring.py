"""Restoring from the command line: a person sees what will happen, and says so."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.support import Cli, Ran, forge, run_on_terminal, run_process
from tests.support import Ask, Home, arrange, tree

pytestmark = pytest.mark.integration


@pytest.fixture
def moved_on(cli: Cli, ask: Ask, tmp_path: Path) -> tuple[str, Path]:
    """A session that was paused after its store was backed up, and the backup."""
    session = arrange(ask, "open")
    archive = tmp_path / "mine.zip"
    cli("backup", str(archive))
    ask(action="pause", session_id=session)
    return session, archive


def restore(home: Home, *arguments: str | Path, typed: str = "restore") -> Ran:
    return run_on_terminal(home, "restore", *map(str, arguments), typed=typed)


def test_a_dry_run_says_what_would_happen_and_changes_nothing(cli: Cli, moved_on: tuple[str, Path]) -> None:
    session, archive = moved_on
    before = cli.home.tree()
    ran = cli("restore", str(archive), "--dry-run")
    assert ran.code == 0
    assert f"{session}  " in ran.out
    assert "goes back to what it was" in ran.out
    assert ran.out.endswith("Nothing was changed.\n")
    (told,) = cli("restore", str(archive), "--dry-run", "--json").json["sessions"]
    assert (told["session_id"], told["does"]) == (session, "replaced")
    assert told["version_here"] == told["version"] + 1
    assert cli.home.tree() == before


@pytest.mark.acceptance
def test_a_person_restores_the_store_and_can_go_back(home: Home, ask: Ask, moved_on: tuple[str, Path]) -> None:
    session, archive = moved_on
    ran = restore(home, archive)
    assert ran.code == 0, ran.out
    assert "goes back to what it was" in ran.out
    assert "The session was restored." in ran.out
    assert ask(action="get_state", session_id=session)["session_status"] == "active"
    (saved,) = (home.state / "backups").iterdir()
    assert restore(home, saved.name).code == 0
    assert ask(action="get_state", session_id=session)["session_status"] == "paused"
    assert "session_restored" in run_process(home, "events", session).out
    assert run_process(home, "verify").code == 0


@pytest.mark.acceptance
def test_one_session_is_restored_by_typing_its_id(home: Home, ask: Ask, moved_on: tuple[str, Path]) -> None:
    session, archive = moved_on
    assert restore(home, archive, "--session", session, typed="restore").code == 1
    assert ask(action="get_state", session_id=session)["session_status"] == "paused"
    assert restore(home, archive, "--session", session, typed=session).code == 0
    assert ask(action="get_state", session_id=session)["session_status"] == "active"


def test_without_a_terminal_nothing_is_restored(home: Home, moved_on: tuple[str, Path]) -> None:
    before = home.tree()
    ran = run_process(home, "restore", str(moved_on[1]), given="restore\n")
    assert ran.code == 1
    assert "for a person to decide" in ran.err
    assert home.tree() == before


def test_where_nothing_is_to_be_done_nobody_is_asked(home: Home, ask: Ask, cli: Cli) -> None:
    arrange(ask, "open")
    cli("backup")
    (archive,) = (home.state / "backups").iterdir()
    ran = restore(home, archive.name, typed="")
    assert ran.code == 0
    assert "There is nothing to restore" in ran.out
    assert list((home.state / "backups").iterdir()) == [archive]


@pytest.mark.parametrize("content", [b"", b"nothing of the kind, and longer than the end of an archive"])
def test_what_is_no_archive_is_refused_before_anything_is_touched(cli: Cli, tmp_path: Path, content: bytes) -> None:
    bad = tmp_path / "bad.zip"
    bad.write_bytes(content)
    before = tree(cli.home.project)
    ran = cli("restore", str(bad), "--dry-run")
    assert ran.code == 1
    assert "torn: the archive" in ran.err
    assert "Nothing of it was used" in ran.err
    assert cli("restore", str(tmp_path / "none.zip"), "--dry-run").err.startswith("error: There is no such archive.")
    assert tree(cli.home.project) == before


def test_a_session_that_is_not_in_the_archive_is_an_error(cli: Cli, moved_on: tuple[str, Path]) -> None:
    ran = cli("restore", str(moved_on[1]), "--session", "nobody", "--dry-run")
    assert ran.code == 1
    assert "no session nobody in the archive" in ran.err


@pytest.mark.acceptance
def test_forged_files_give_way_to_those_of_the_backup(home: Home, ask: Ask, moved_on: tuple[str, Path]) -> None:
    session, archive = moved_on
    forge(home, session)
    ran = restore(home, archive)
    assert ran.code == 0, ran.out
    assert "takes the place of files that cannot be trusted" in ran.out
    assert f"{session}, here: tampered" in ran.out.replace("\r\n", "")
    assert ask(action="get_state", session_id=session)["target_file"] == "target.py"


@pytest.mark.acceptance
def test_on_another_machine_it_is_said_that_a_person_has_to_accept(
    home: Home, ask: Ask, moved_on: tuple[str, Path]
) -> None:
    session, archive = moved_on
    shutil.rmtree(home.state)
    shutil.rmtree(home.user)
    home.user.mkdir()
    ran = restore(home, archive)
    assert ran.code == 1
    assert "foreign: it is sealed with a key that this user does not have" in ran.out.replace("\r\n", "")
    assert "seal --accept" in ran.out
    assert run_on_terminal(home, "seal", "--accept", "--all", typed="y").code == 0
    assert ask(action="get_state", session_id=session)["session_status"] == "active"
    assert run_process(home, "verify").code == 0
