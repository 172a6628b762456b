"""Verifying what is stored, and what only a person decides: accepting it, opening a phase again."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_server.cli import person
from tests.cli.support import Cli, forge, run_on_terminal, run_process
from tests.support import Ask, Home, arrange, tree

pytestmark = pytest.mark.integration


class Typing:
    """A terminal on which somebody types this."""

    def __init__(self, line: str) -> None:
        self._line = line

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        return self._line


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> type[Typing]:
    """Put somebody before the terminal of this process."""

    class Here(Typing):
        def __init__(self, line: str) -> None:
            super().__init__(line)
            monkeypatch.setattr(person.sys, "stdin", self)

    return Here


def events(home: Home, session_id: str) -> list[str]:
    return [record.event.type for record in home.engine().events(session_id)]


def test_verify_says_that_all_is_well(cli: Cli, ask: Ask) -> None:
    session = arrange(ask, "open")
    arrange(ask, "completed")
    assert cli("verify").out == "2 sessions were verified: all is well.\n"
    assert cli("verify", session).out == "1 session was verified: all is well.\n"
    assert cli("verify", "--json").json == {"ok": True, "sessions": 2, "corrupt": [], "store": [], "repaired": 0}


def test_verify_names_what_was_changed_by_other_hands(cli: Cli, ask: Ask) -> None:
    good, bad = arrange(ask, "open"), arrange(ask, "open")
    forge(cli.home, bad)
    ran = cli("verify")
    assert ran.code == 1
    assert f"{bad}: tampered" in ran.err
    assert "(1 found, 2 sessions were looked at)" in ran.err
    assert ran.out == ""
    assert good not in ran.err
    shown = cli("verify", bad, "--json")
    assert shown.code == 1
    assert [one["session_id"] for one in shown.json["corrupt"]] == [bad]
    assert cli("verify", good).code == 0


def test_verify_names_what_is_wrong_with_the_store_itself(cli: Cli, ask: Ask) -> None:
    arrange(ask, "open")
    (cli.home.state / "audit.jsonl").write_text("{}\n")
    ran = cli("verify")
    assert ran.code == 1
    assert "store: " in ran.err
    assert "audit log" in ran.err


def test_verify_adds_what_a_crash_left_out_of_the_audit_log(cli: Cli, ask: Ask) -> None:
    arrange(ask, "open")
    (cli.home.state / "audit.jsonl").unlink()
    for anchor in cli.home.user.rglob("audit.json"):
        anchor.unlink()
    assert "1 lines that a crash had left out" in cli("verify").out


def test_verify_of_a_session_that_is_not_there_is_an_error(cli: Cli) -> None:
    assert cli("verify", "no_such_session").code == 1


@pytest.mark.acceptance
def test_verify_shows_on_a_terminal_how_far_it_is(home: Home, ask: Ask) -> None:
    arrange(ask, "open")
    ran = run_on_terminal(home, "verify")
    assert ran.code == 0
    assert "Verifying" in ran.out
    assert "all is well" in ran.out


@pytest.mark.acceptance
@pytest.mark.parametrize("which", ["one", "all"])
def test_a_person_at_a_terminal_accepts_what_was_found(home: Home, ask: Ask, which: str) -> None:
    session = arrange(ask, "open")
    forge(home, session)
    chosen, typed = (session, session) if which == "one" else ("--all", "y")
    ran = run_on_terminal(home, "seal", "--accept", chosen, typed=typed)
    assert ran.code == 0
    assert "tampered" in ran.out
    assert "target_file: the log says target.py, the file says forged.py" in ran.out
    record = home.engine().events(session)[-1].event
    assert record.type == "seal_accepted"
    assert record.authority.authenticated is False
    assert record.authority.user
    assert ask(action="get_state", session_id=session)["target_file"] == "forged.py"
    assert run_process(home, "verify").code == 0


@pytest.mark.parametrize("which", ["one", "all"])
def test_a_phase_that_was_never_passed_is_not_accepted(cli: Cli, ask: Ask, types: type[Typing], which: str) -> None:
    started = ask(action="start", workflow_type="steps", target_file="target.py")
    session = started["session_id"]
    head = cli.home.state / "workflows" / f"{session}.json"
    edited = head.read_bytes().replace(b'"current_phase": 1', b'"current_phase": 3')
    head.write_bytes(edited)
    types("y\n" if which == "all" else f"{session}\n")
    ran = cli("seal", "--accept", "--all" if which == "all" else session)
    assert ran.code == 1
    assert "changed: current_phase: the log says 1, the file says 3" in ran.err
    assert "phase 1 is not completed" in ran.err
    assert head.read_bytes() == edited
    assert ask(action="get_state", session_id=session)["error_type"] == "CorruptStateError"


@pytest.mark.parametrize("arguments", [["seal", "--accept", "{}"], ["seal", "--accept", "--all"]], ids=str)
def test_without_a_terminal_nothing_is_accepted(home: Home, ask: Ask, arguments: list[str]) -> None:
    session = arrange(ask, "open")
    forge(home, session)
    before = home.tree()
    ran = run_process(home, *(argument.format(session) for argument in arguments), given=f"{session}\ny\n")
    assert ran.code == 1
    assert "needs a terminal" in ran.err
    assert home.tree() == before


@pytest.mark.parametrize("line", ["", "\n", "y\n", "no\n"], ids=repr)
def test_accepting_a_session_takes_its_id_and_nothing_less(cli: Cli, ask: Ask, types: type[Typing], line: str) -> None:
    session = arrange(ask, "open")
    forge(cli.home, session)
    before = cli.home.tree()
    types(line)
    ran = cli("seal", "--accept", session)
    assert ran.code == 1
    assert "Not confirmed" in ran.err
    assert cli.home.tree() == before


def test_where_all_is_well_there_is_nothing_to_accept(cli: Cli, ask: Ask, types: type[Typing]) -> None:
    session = arrange(ask, "open")
    types("")
    assert cli("seal", "--accept", session).out == "All is well; there is nothing to accept.\n"
    assert cli("seal", "--accept", "--all").code == 0


def test_an_accepted_session_tells_so_in_its_events(cli: Cli, ask: Ask, types: type[Typing]) -> None:
    session = arrange(ask, "open")
    forge(cli.home, session)
    types(f"{session}\n")
    assert cli("seal", "--accept", session).code == 0
    assert "by a person, who was told: tampered" in cli("events", session).out


def test_what_cannot_be_accepted_is_left_and_named(cli: Cli, ask: Ask, types: type[Typing]) -> None:
    forged, torn = arrange(ask, "open"), arrange(ask, "open")
    forge(cli.home, forged)
    head = cli.home.state / "workflows" / f"{torn}.json"
    head.write_bytes(head.read_bytes()[:100])
    types("y\n")
    ran = cli("seal", "--accept", "--all")
    assert ran.code == 1
    assert "1 sessions were accepted" in ran.out
    assert f"{torn} cannot be accepted" in ran.err
    types(f"{torn}\n")
    assert cli("seal", "--accept", torn).code == 1
    assert len(head.read_bytes()) == 100


@pytest.mark.acceptance
def test_a_person_at_a_terminal_opens_a_failed_phase_again(home: Home, ask: Ask, failed: str) -> None:
    refused = ask(action="retry_phase", session_id=failed, phase=1)
    assert refused["error_type"] == "StateError"
    ran = run_on_terminal(home, "reopen", failed, "--reason", "the gate was right, now it is done", typed="y")
    assert ran.code == 0
    assert "missing done" in ran.out
    record = home.engine().events(failed)[-1].event
    assert record.type == "phase_reopened"
    assert record.reason == "the gate was right, now it is done"
    assert record.authority.authenticated is False
    assert ask(action="get_state", session_id=failed)["session_status"] == "active"


def test_without_a_terminal_nothing_is_opened_again(home: Home, failed: str) -> None:
    before = home.tree()
    ran = run_process(home, "reopen", failed, "--reason", "because", given="y\n")
    assert ran.code == 1
    assert "needs a terminal" in ran.err
    assert home.tree() == before


@pytest.mark.parametrize(("line", "reason", "code"), [("n\n", "because", 1), ("y\n", " ", 2), ("y\n", "x" * 2001, 2)])
def test_reopening_takes_a_yes_and_a_reason(
    cli: Cli, failed: str, types: type[Typing], line: str, reason: str, code: int
) -> None:
    types(line)
    assert cli("reopen", failed, "--reason", reason).code == code
    assert events(cli.home, failed)[-1] == "attempts_exhausted"


@pytest.mark.parametrize("state", ["open", "paused", "completed"])
def test_only_a_failed_session_is_opened_again(cli: Cli, ask: Ask, types: type[Typing], state: str) -> None:
    types("y\n")
    ran = cli("reopen", arrange(ask, state), "--reason", "because")
    assert ran.code == 1
    assert "only a failed one" in ran.err


def test_undelete_brings_a_session_back_as_it_was(cli: Cli, ask: Ask) -> None:
    session = arrange(ask, "paused")
    ask(action="delete_session", session_id=session)
    ran = cli("undelete", session)
    assert ran.code == 0
    assert f"{session} is back: paused, phase 2." in ran.out
    assert ask(action="get_state", session_id=session)["session_status"] == "paused"


def test_undelete_of_what_was_not_deleted_changes_nothing(cli: Cli, ask: Ask, tmp_path: Path) -> None:
    session = arrange(ask, "open")
    before = tree(cli.home.state)
    ran = cli("undelete", session)
    assert ran.code == 0
    assert "was not deleted" in ran.out
    assert tree(cli.home.state) == before
    assert cli("undelete", "no_such_session").code == 1
