"""Trying the gates of a definition with evidence: what is true passes, what is not does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.support import Cli, Ran
from tests.support import Home

pytestmark = pytest.mark.integration

GATE = """
evidence_schema:
  count: {type: integer, required: true, validator: positive}
  place: {type: string, required: true, validator: file_exists}
"""
HONEST = {"count": 3, "place": "notes.md"}
LIE = {"says": "none counted", "evidence": {"count": 0}}


@pytest.fixture
def definition(home: Home, monkeypatch: pytest.MonkeyPatch) -> Path:
    home.define("counting", [{"number": 1, "text": "# One\n"}])
    gate(home.definitions / "counting", GATE)
    (home.project / "notes.md").write_text("notes\n")
    monkeypatch.chdir(home.project)
    return home.definitions / "counting"


def gate(definition: Path, text: str) -> None:
    (definition / "phases/1/gate-definition.yaml").write_text(text)


def tried(cli: Cli, definition: Path, said: Any, *flags: str) -> Ran:
    text = said if isinstance(said, str) else json.dumps(said)
    Path("tried.json").write_text(text)
    return cli("validate", str(definition), "--evidence", "tried.json", *flags)


def test_a_gate_that_knows_what_is_true_passes(cli: Cli, definition: Path) -> None:
    ran = tried(cli, definition, {"1": {"honest": HONEST, "lies": [LIE]}}, "--strict")
    assert (ran.code, ran.err) == (0, "")
    assert "0 errors, 0 warnings" in ran.out


@pytest.mark.parametrize(
    ("honest", "said"),
    [
        ({"count": 3}, "honest evidence is refused: place is missing"),
        ({**HONEST, "count": "3"}, "honest evidence is refused: count: has to be an integer, not a string"),
        ({**HONEST, "place": "../notes.md"}, "honest evidence is refused: place: "),
    ],
)
def test_a_gate_that_refuses_what_is_true_fails(cli: Cli, definition: Path, honest: dict[str, Any], said: str) -> None:
    ran = tried(cli, definition, {"1": {"honest": honest, "lies": [LIE]}})
    assert ran.code == 1
    assert f"tried.json: error: phase 1: {said}" in ran.out


def test_a_lie_that_passes_fails(cli: Cli, definition: Path) -> None:
    lies = [LIE, {"says": "guessed", "evidence": {"count": 7}}, {"says": "left out", "evidence": {"place": None}}]
    ran = tried(cli, definition, {"1": {"honest": HONEST, "lies": lies}})
    assert ran.code == 1
    assert [line for line in ran.out.splitlines() if "a lie passes" in line] == [
        "  tried.json: error: phase 1: a lie passes: guessed"
    ]


def test_a_gate_that_takes_nothing_in_the_right_form_fails(cli: Cli, definition: Path) -> None:
    gate(definition, "evidence_schema: {count: {type: integer, required: true}, names: {type: list, required: true}}\n")
    ran = tried(cli, definition, {"1": {"honest": {"count": 1, "names": ["a"]}, "lies": []}})
    assert ran.code == 1
    assert "phase 1: nothing in the right form passes" in ran.out
    assert "nothing at all passes" not in ran.out


def test_a_gate_that_was_told_no_lie_is_a_warning(cli: Cli, definition: Path) -> None:
    told = {"1": {"honest": HONEST}}
    assert "warning: phase 1: no lie is told to it" in tried(cli, definition, told).out
    assert tried(cli, definition, told).code == 0
    assert tried(cli, definition, told, "--strict").code == 1


def test_what_a_check_fills_in_is_not_asked_for(cli: Cli, definition: Path) -> None:
    check = "checks: [{id: lines, run: [wc, -l, notes.md], pass: {stdout_number: {pattern: '(\\d+)', at_least: 1}}}]\n"
    gate(definition, f"{check}evidence_schema: {{lines: {{type: integer, from_check: lines}}}}\n")
    ran = tried(cli, definition, {"1": {"honest": {}}}, "--strict")
    assert (ran.code, ran.err) == (0, "")


def test_every_phase_needs_honest_evidence_and_no_other_does(cli: Cli, definition: Path) -> None:
    ran = tried(cli, definition, {"2": {"honest": {}}})
    assert ran.code == 1
    assert "there is no phase 2" in ran.out
    assert "phase 1: there is no honest evidence for it" in ran.out


def test_a_definition_that_cannot_be_read_is_told_as_such(cli: Cli, definition: Path) -> None:
    (definition / "metadata.json").write_text("{")
    ran = tried(cli, definition, {"1": {"honest": HONEST}})
    assert ran.code == 1
    assert "metadata.json" in ran.out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "tried.json cannot be used: it: Invalid JSON"),
        ("[]", "tried.json cannot be used: it: Input should be"),
        ('{"1": {}}', "tried.json cannot be used: 1.honest: Field required"),
        (
            '{"1": {"honest": {}, "lies": [{"says": "x"}]}}',
            "tried.json cannot be used: 1.lies.0.evidence: Field required",
        ),
        ("[" * 100_000, "tried.json cannot be used: it: Invalid JSON"),
        (" " * (5 << 20), "tried.json is larger than 4 MiB"),
    ],
)
def test_a_file_that_holds_something_else_is_refused_with_its_form(
    cli: Cli, definition: Path, text: str, said: str
) -> None:
    ran = tried(cli, definition, text)
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err
    assert "honest" in ran.err


def test_evidence_is_for_one_definition(cli: Cli, definition: Path) -> None:
    assert definition.is_dir()
    ran = cli("validate", "--evidence", "tried.json")
    assert ran.code == 2
    assert "of one definition" in ran.err
    ran = cli("validate", "counting", "--evidence", "nowhere.json")
    assert (ran.code, "cannot be read" in ran.err) == (1, True)
