"""The operator: set, shown and cleared on a terminal, and asked for by what only a person may decide."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.support import Ran, forge, run_on_terminal, run_process
from tests.support import Ask, Home, arrange

pytestmark = pytest.mark.acceptance

PASSPHRASE = "nine lives and a tail"  # noqa: S105 - a test's own
REASON = ("--reason", "the gate was right, now it is done")


@pytest.fixture
def operator(home: Home) -> str:
    """An operator who knows the passphrase; the fingerprint."""
    ran = set_operator(home, [PASSPHRASE, PASSPHRASE])
    assert ran.code == 0, ran.out
    return run_process(home, "operator", "show").out.split()[1]


def set_operator(home: Home, typed: Sequence[str]) -> Ran:
    return run_on_terminal(home, "operator", "set", typed=typed)


def passphrase_file(folder: Path, text: str = PASSPHRASE, mode: int = 0o600) -> str:
    path = folder / "passphrase"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_an_operator_is_set_and_shown_and_the_passphrase_never_seen(home: Home) -> None:
    assert run_process(home, "operator", "show").out.startswith("No operator is set")
    ran = set_operator(home, [PASSPHRASE, PASSPHRASE])
    assert ran.code == 0
    assert PASSPHRASE not in ran.out
    shown = run_process(home, "operator", "show")
    assert shown.code == 0
    assert len(shown.out.split()[1]) == 16
    assert shown.out.split()[1] in ran.out
    assert not [path for path in home.user.rglob("*") if path.is_file() and PASSPHRASE in path.read_text()]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["short", "short"], "at least 12 characters"),
        (["é" * 11, "é" * 11], "at least 12 characters"),
        (["x" * 1025, "x" * 1025], "at most 1024 bytes"),
        ([PASSPHRASE, PASSPHRASE + "!"], "That was another one"),
        ([PASSPHRASE], "No passphrase was typed"),
    ],
    ids=["short", "short in characters", "long", "mistyped", "end of input"],
)
def test_a_passphrase_that_will_not_do_sets_nothing(home: Home, typed: list[str], said: str) -> None:
    ran = set_operator(home, typed)
    assert ran.code == 1
    assert said in ran.out
    assert home.tree() == {}


def test_a_new_passphrase_takes_the_old_one(home: Home, operator: str) -> None:
    before = home.tree()
    refused = set_operator(home, ["not the old passphrase"])
    assert refused.code == 1
    assert "That is not the operator's passphrase" in refused.out
    assert home.tree() == before
    ran = set_operator(home, [PASSPHRASE, "another passphrase", "another passphrase"])
    assert ran.code == 0
    assert operator not in run_process(home, "operator", "show").out


def test_clearing_takes_the_passphrase(home: Home, operator: str) -> None:
    before = home.tree()
    assert run_on_terminal(home, "operator", "clear", typed="not the passphrase").code == 1
    assert home.tree() == before
    assert run_on_terminal(home, "operator", "clear", typed=PASSPHRASE).code == 0
    assert run_process(home, "operator", "show").out.startswith("No operator is set")
    assert run_on_terminal(home, "operator", "clear").code == 0
    assert operator


@pytest.mark.parametrize("do", ["set", "clear"])
def test_without_a_terminal_the_operator_stays(home: Home, operator: str, do: str) -> None:
    ran = run_process(home, "operator", do, given=f"{PASSPHRASE}\n{PASSPHRASE}\n{PASSPHRASE}\n")
    assert ran.code == 1
    assert "needs a terminal" in ran.err
    assert operator in run_process(home, "operator", "show").out


def test_a_person_gives_the_passphrase_and_then_decides(home: Home, ask: Ask, operator: str) -> None:
    session = arrange(ask, "open")
    forge(home, session)
    ran = run_on_terminal(home, "seal", "--accept", session, typed=[PASSPHRASE, session])
    assert ran.code == 0
    assert PASSPHRASE not in ran.out
    record = home.engine().events(session)[-1].event
    assert record.type == "seal_accepted"
    assert record.authority.authenticated is True
    assert record.authority.operator == operator
    assert record.authority.channel == "terminal"


def test_who_does_not_know_the_passphrase_decides_nothing(home: Home, failed: str, operator: str) -> None:
    before = home.tree()
    ran = run_on_terminal(home, "reopen", failed, *REASON, typed=["a guess of the passphrase", "y"])
    assert ran.code == 1
    assert "That is not the operator's passphrase" in ran.out
    assert home.tree() == before
    assert operator


@pytest.mark.usefixtures("operator")
def test_automation_gives_the_passphrase_in_a_file_and_needs_no_terminal(
    home: Home, failed: str, tmp_path: Path
) -> None:
    ran = run_process(home, "reopen", failed, *REASON, "--operator-file", passphrase_file(tmp_path, PASSPHRASE + "\n"))
    assert (ran.code, ran.err) == (0, "")
    assert home.engine().events(failed)[-1].event.type == "phase_reopened"


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        ("another passphrase", 0o600, "That is not the operator's passphrase"),
        ("", 0o600, "That is not the operator's passphrase"),
        (PASSPHRASE, 0o640, "chmod 600"),
        (PASSPHRASE, 0o604, "chmod 600"),
    ],
)
def test_a_file_that_is_wrong_or_open_to_others_decides_nothing(
    home: Home, failed: str, tmp_path: Path, text: str, mode: int, said: str
) -> None:
    before = home.tree()
    ran = run_process(home, "reopen", failed, *REASON, "--operator-file", passphrase_file(tmp_path, text, mode))
    assert ran.code == 1
    assert said in ran.err
    assert PASSPHRASE not in ran.err
    assert home.tree() == before


@pytest.mark.usefixtures("operator")
def test_a_pipe_in_place_of_the_file_is_refused_and_not_waited_for(home: Home, failed: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    ran = run_process(home, "reopen", failed, *REASON, "--operator-file", str(tmp_path / "pipe"))
    assert ran.code == 1
    assert "no file of yours" in ran.err


def test_without_an_operator_a_file_proves_nothing(home: Home, failed: str, tmp_path: Path) -> None:
    before = home.tree()
    ran = run_process(home, "reopen", failed, *REASON, "--operator-file", passphrase_file(tmp_path))
    assert ran.code == 1
    assert "No operator is set" in ran.err
    assert home.tree() == before


def test_a_damaged_operator_is_not_taken_for_none(home: Home, failed: str, operator: str) -> None:
    (home.user / "config" / "operator.json").write_bytes(b"{}")
    before = home.tree()
    ran = run_on_terminal(home, "reopen", failed, *REASON, typed="y")
    assert ran.code == 1
    assert "The operator's file is damaged" in ran.out
    assert home.tree() == before
    assert operator
