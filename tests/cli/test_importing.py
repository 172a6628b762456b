"""Importing and migrating as a person does it: it is shown, asked, done, and told."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.support import Cli, run_on_terminal, run_process
from tests.importing.support import HERE, ID, complete, session
from tests.support import Ask, Home, arrange, tree

pytestmark = pytest.mark.integration

DONE = "2-done"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files: one under way with something that cannot be carried over, one complete, one broken."""
    folder = tmp_path / "old"
    folder.mkdir()
    for name, fields in {"1-open": session(mood="good"), DONE: complete(session_id=DONE)}.items():
        (folder / f"{name}.json").write_text(json.dumps(fields))
    (folder / "3-broken.json").write_text("{")
    return folder


def test_a_dry_run_tells_what_would_become_of_each_file_and_needs_nobody(cli: Cli, folder: Path) -> None:
    before = tree(folder.parent)
    ran = cli("import", str(folder), "--dry-run")
    assert ran.code == 1
    assert ran.out.splitlines() == [
        "1-open.json: would be imported: steps on target.py: active, 1 of 3 phases completed",
        "  not carried over: mood: unknown here",
        "2-done.json: would be imported: steps on target.py: completed, 3 of 3 phases completed",
        "3 files: 2 would be imported, 0 there already, 1 refused.",
    ]
    assert ran.err == "refused: 3-broken.json: it is not JSON (line 1, column 2)\n"
    assert tree(folder.parent) == before


def test_a_dry_run_tells_programs_the_same(cli: Cli, folder: Path) -> None:
    ran = cli("import", str(folder), "--dry-run", "--json")
    assert ran.code == 1
    assert (ran.json["dry_run"], ran.json["imported"], ran.json["refused"]) == (True, 2, 1)
    assert ran.json["files"][0] == {
        "file": "1-open.json",
        "outcome": "imported",
        "session_id": HERE,
        "says": "steps on target.py: active, 1 of 3 phases completed",
        "not_carried_over": ["mood: unknown here"],
    }


def test_without_a_terminal_nothing_is_imported(home: Home, folder: Path) -> None:
    before = tree(folder.parent)
    ran = run_process(home, "import", str(folder), given="import\n")
    assert ran.code == 1
    assert "needs a terminal" in ran.err
    assert tree(folder.parent) == before


@pytest.mark.acceptance
def test_a_person_at_a_terminal_imports_what_was_shown(home: Home, ask: Ask, folder: Path) -> None:
    ran = run_on_terminal(home, "import", str(folder), typed="import")
    assert ran.code == 1
    assert "1-open.json: will be imported" in ran.out
    assert "3 files: 2 imported, 0 there already, 1 refused." in ran.out
    state = ask(action="get_state", session_id=HERE)
    assert (state["session_status"], state["current_phase"]) == ("active", 2)
    record = home.engine().events(HERE)[0].event
    assert record.type == "session_imported"
    assert (record.authority.authenticated, record.authority.channel) == (False, "terminal")
    again = run_on_terminal(home, "import", str(folder), typed="import")
    assert "0 imported, 2 there already" in again.out
    assert run_process(home, "verify").code == 0
    assert re.search(f"^imported +{ID}$", run_process(home, "session", HERE).out, re.MULTILINE)
    shown = run_process(home, "events", HERE)
    assert f"session_imported    steps on target.py, from {ID}" in shown.out


@pytest.mark.acceptance
@pytest.mark.parametrize("line", ["y", "", "no"])
def test_nothing_is_imported_unless_it_is_confirmed(home: Home, folder: Path, line: str) -> None:
    before = tree(folder)
    ran = run_on_terminal(home, "import", str(folder), typed=line)
    assert ran.code == 1
    assert "Not confirmed" in ran.out
    assert not home.state.exists()
    assert tree(folder) == before


def test_a_folder_that_is_not_there_is_said(cli: Cli, tmp_path: Path) -> None:
    ran = cli("import", str(tmp_path / "nowhere"), "--dry-run")
    assert (ran.code, ran.err.splitlines()[0]) == (1, "error: There is no such folder.")


def test_a_migration_of_what_is_in_the_present_form_changes_nothing(cli: Cli, ask: Ask) -> None:
    arrange(ask, "open")
    before = cli.home.tree()
    for arguments in (("--dry-run",), ()):
        ran = cli("migrate", *arguments)
        assert ran.code == 0
        assert "0 sessions" in ran.out
        assert ran.out.endswith("migrated, 1 in version 1 already.\n")
    told = cli("migrate", "--json").json
    assert told == {"dry_run": False, "schema_version": 1, "migrated": [], "present": 1, "left": [], "backup": None}
    assert cli.home.tree() == before


def test_a_migration_names_what_it_cannot_read(cli: Cli, ask: Ask) -> None:
    bad = arrange(ask, "open")
    head = cli.home.state / "workflows" / f"{bad}.json"
    head.write_bytes(head.read_bytes()[:100])
    ran = cli("migrate", "--dry-run")
    assert ran.code == 1
    assert f"{bad}: torn" in ran.err
    assert [one["session_id"] for one in cli("migrate", "--json").json["left"]] == [bad]
    assert len(head.read_bytes()) == 100
