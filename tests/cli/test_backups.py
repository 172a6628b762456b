"""Backing up from the command line, and what becomes of the backups."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.support import Cli, forge, run_on_terminal
from tests.support import Ask, Home, arrange

pytestmark = pytest.mark.integration


def own(home: Home) -> list[Path]:
    """The store's backups, the oldest first."""
    return sorted((home.state / "backups").iterdir(), key=lambda path: path.stat().st_mtime_ns)


def test_a_backup_is_made_and_said_where(cli: Cli, ask: Ask) -> None:
    arrange(ask, "open")
    ran = cli("backup")
    assert ran.code == 0
    (archive,) = own(cli.home)
    assert ran.out.startswith("1 session (")
    assert ran.out.endswith(f"backups/{archive.name}, verified.\n")


def test_a_backup_tells_programs_what_it_holds(cli: Cli, ask: Ask, tmp_path: Path) -> None:
    ask(action="delete_session", session_id=arrange(ask, "open"))
    arrange(ask, "paused")
    told = cli("backup", "--json", str(tmp_path / "mine.zip")).json
    assert told["path"] == str(tmp_path / "mine.zip")
    assert (told["sessions"], told["deleted"], told["corrupt"], told["kind"]) == (2, 1, [], "backup")
    assert told["bytes"] == (tmp_path / "mine.zip").stat().st_size
    assert told["files"]["workflows"] == 2


def test_sessions_that_cannot_be_trusted_are_backed_up_and_named(cli: Cli, ask: Ask) -> None:
    session = arrange(ask, "open")
    forge(cli.home, session)
    ran = cli("backup")
    assert ran.code == 1
    assert f"session: {session}: tampered" in ran.err
    assert "1 session" in ran.out
    assert cli("backups", "verify").code == 1


def test_backups_are_listed_and_verified(cli: Cli, ask: Ask) -> None:
    assert cli("backups", "list").out == "There are no backups. pos-workflow backup makes one.\n"
    arrange(ask, "open")
    cli("backup")
    cli("backup")
    names = {path.name for path in own(cli.home)}
    assert {Path(one["path"]).name for one in cli("backups", "list", "--json").json["backups"]} == names
    listed = cli("backups", "list").out.splitlines()
    assert listed[0].split() == ["ARCHIVE", "MADE", "WHY", "SESSIONS", "SIZE"]
    assert {line.split()[0] for line in listed[1:]} == names
    assert sorted(cli("backups", "verify").out.splitlines()) == sorted(
        f"{name}: 1 session verified, all is well." for name in names
    )
    assert cli("backups", "verify", "--json").json["ok"] is True


def test_a_damaged_backup_is_named_wherever_one_looks(cli: Cli, ask: Ask) -> None:
    arrange(ask, "open")
    cli("backup")
    (archive,) = own(cli.home)
    archive.write_bytes(archive.read_bytes()[:-30])
    for command in (("list",), ("verify",), ("prune", "--keep", "1")):
        ran = cli("backups", *command)
        assert ran.code == 1
        assert f"damaged: {archive.name}: torn: the archive" in ran.err
    assert archive.exists()
    assert cli("backups", "verify", "--json").json["ok"] is False
    assert cli("backups", "verify", archive.name).code == 1
    assert cli("backups", "verify", "no-such.zip").code == 1


def test_an_archive_behind_a_link_is_found(cli: Cli, ask: Ask, tmp_path: Path) -> None:
    arrange(ask, "open")
    cli("backup", str(tmp_path / "mine.zip"))
    (tmp_path / "link.zip").symlink_to(tmp_path / "mine.zip")
    assert cli("backups", "verify", str(tmp_path / "link.zip")).code == 0


def test_the_oldest_are_pruned(cli: Cli, ask: Ask) -> None:
    arrange(ask, "open")
    for _ in range(3):
        cli("backup")
    kept = cli("backups", "prune", "--keep", "2", "--json").json
    assert (len(kept["kept"]), len(kept["removed"])) == (2, 1)
    assert {path.name for path in own(cli.home)} == set(kept["kept"])
    assert cli("backups", "prune", "--keep", "0").code == 2


@pytest.mark.acceptance
def test_on_a_terminal_it_is_shown_how_far_it_is(home: Home, ask: Ask) -> None:
    arrange(ask, "open")
    ran = run_on_terminal(home, "backup", "--json")
    assert ran.code == 0
    assert "Checking sessions … 0 of 1" in ran.out
    assert json.loads(ran.out[ran.out.index("{") : ran.out.rindex("}") + 1])["sessions"] == 1
