"""What a person decides on a terminal: it is shown, asked, done, recorded, and never done otherwise."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.support import PATIENCE, Cli, Ran, command, run_on_terminal, run_process
from tests.support import Ask, Body, Home, bare_environment, field

pytestmark = pytest.mark.integration

GATE: Body = {"max_attempts": 2, "evidence_schema": {"done": field(), "large": {"type": "string", "required": False}}}
ASKING: Body = {**GATE, "approval": {"required": True, "prompt": "Is it ready to build?", "expires_hours": 24}}
LOOKING: Body = {
    **ASKING,
    "protected_paths": ["tests/**"],
    "checks": [{"id": "guide", "file": "docs/GUIDE.md", "pass": {"contains": "Usage"}}],
}


@pytest.fixture
def home(home: Home) -> Home:
    home.define("asking", [{"number": 1, "gate": ASKING}, {"number": 2, "gate": GATE}])
    home.define("looking", [{"number": 1, "gate": LOOKING}])
    home.write({"docs/GUIDE.md": "## Usage", "tests/test_a.py": "assert True\n"})
    return home


def waiting_at(ask: Ask, workflow: str = "asking", **evidence: Any) -> str:
    session: str = ask(action="start", workflow_type=workflow, target_file="target.py")["session_id"]
    given = {"done": "seen", **evidence}
    reply = ask(action="complete_phase", session_id=session, phase=1, evidence=given)
    assert reply["gate"] == "awaiting_approval", reply
    return session


@pytest.fixture
def waiting(ask: Ask) -> str:
    return waiting_at(ask)


def state(ask: Ask, session: str) -> Body:
    return ask(action="get_state", session_id=session)


def decide(home: Home, *arguments: str, typed: str | list[str] = "y") -> Ran:
    return run_on_terminal(home, *arguments, typed=typed, columns=200)


@pytest.mark.acceptance
def test_an_approval_shows_what_is_asked_then_asks_and_moves_the_session_on(home: Home, ask: Ask) -> None:
    session = waiting_at(ask, "looking", large="x" * 5000)
    ran = decide(home, "approve", session, "--note", "go ahead")
    assert ran.code == 0, ran.out
    shown, _, after = ran.out.partition("confirm:")
    for seen in ("Is it ready to build?", "attempt 1", "tests/**", "done", "attested", '"seen"', "guide", "passed"):
        assert seen in shown
    assert "x" * 1000 not in shown
    assert "that was the last one" in after
    assert state(ask, session)["session_status"] == "completed"


@pytest.mark.acceptance
def test_a_rejection_is_a_refused_attempt_with_the_note_as_its_error(home: Home, ask: Ask, waiting: str) -> None:
    ran = decide(home, "reject", waiting, "--note", "there are no tests")
    assert ran.code == 0, ran.out
    errors = ask(action="get_errors", session_id=waiting)["errors"]
    assert "there are no tests" in errors[0]["message"]
    now = state(ask, waiting)
    assert (now["current_phase"], now["gate"], now["attempts_left"]) == (1, "refused", 1)


@pytest.mark.parametrize("command", ["approve", "reject"])
def test_who_does_not_confirm_has_decided_nothing(home: Home, ask: Ask, waiting: str, command: str) -> None:
    ran = decide(home, command, waiting, typed="n")
    assert ran.code == 1
    assert "nothing was changed" in ran.out
    assert state(ask, waiting)["gate"] == "awaiting_approval"


DECISIONS = {
    "approve": (),
    "reject": (),
    "override": ("--reason", "why"),
    "repin": ("--reason", "why"),
    "budget": ("--tokens", "5", "--reason", "why"),
}


@pytest.mark.acceptance
@pytest.mark.parametrize("name", DECISIONS)
def test_without_a_terminal_nothing_is_decided(home: Home, ask: Ask, waiting: str, name: str) -> None:
    before = home.tree()
    ran = run_process(home, name, waiting, *DECISIONS[name], given="y\noverride\n")
    assert ran.code == 1
    assert "needs a terminal" in ran.err
    assert home.tree() == before


@pytest.mark.acceptance
def test_files_that_changed_are_checked_again_before_it_asks(home: Home, ask: Ask) -> None:
    session = waiting_at(ask, "looking")
    home.write({"src.py": "new = True\n"})
    ran = decide(home, "approve", session)
    assert ran.code == 0, ran.out
    assert ran.out.index("have changed") < ran.out.index("checks are run again") < ran.out.index("confirm:")
    assert ran.out.count("guide") == 2
    assert state(ask, session)["session_status"] == "completed"


@pytest.mark.acceptance
def test_what_no_longer_passes_is_not_asked_about(home: Home, ask: Ask) -> None:
    session = waiting_at(ask, "looking")
    home.write({"tests/test_a.py": "assert 1\n"})
    ran = decide(home, "approve", session)
    assert ran.code == 1
    assert "confirm:" not in ran.out
    assert "tests/test_a.py" in ran.out
    assert state(ask, session)["gate"] == "refused"


def test_a_paused_session_has_to_be_resumed_first(home: Home, ask: Ask, waiting: str) -> None:
    ask(action="pause", session_id=waiting)
    ran = decide(home, "approve", waiting)
    assert ran.code == 1
    assert "resume it first" in ran.out


def test_checks_that_nobody_trusts_are_not_run_again(home: Home, cli: Cli, ask: Ask) -> None:
    check = {"id": "answer", "run": ["python", "-c", "print('forty-two')"], "pass": {"exit_code": 0}}
    home.define("running", [{"number": 1, "gate": {**ASKING, "checks": [check]}}])
    assert decide(home, "trust", "running").code == 0
    session = waiting_at(ask, "running")
    assert "forty-two" in decide(home, "approve", session, "--output", typed="n").out
    home.write({"src.py": "new = True\n"})
    assert cli("untrust", "running").code == 0
    ran = decide(home, "approve", session)
    assert ran.code == 1
    assert f"pos-workflow trust --session {session}" in ran.out
    assert state(ask, session)["gate"] == "awaiting_approval"
    assert decide(home, "trust", "--session", session).code == 0
    assert decide(home, "approve", session).code == 0


@pytest.mark.acceptance
def test_automation_decides_with_the_operators_passphrase_in_a_file(home: Home, cli: Cli, ask: Ask) -> None:
    phrase = "nine lives and a tail"
    assert decide(home, "operator", "set", typed=[phrase, phrase]).code == 0
    secret = home.user / "passphrase"
    secret.write_text(phrase)
    secret.chmod(0o600)
    session = waiting_at(ask)
    ran = run_process(home, "approve", session, "--operator-file", str(secret))
    assert ran.code == 0, ran.err
    decided = ask(action="get_session", session_id=session)["session"]["phase_history"][0]["decided_by"]
    assert (decided["channel"], decided["authenticated"]) == ("operator_file", True)


@pytest.mark.acceptance
def test_an_override_is_recorded_and_shown_as_such(home: Home, cli: Cli, ask: Ask, waiting: str) -> None:
    ran = decide(home, "override", waiting, "--reason", "the demo is today", typed="override")
    assert ran.code == 0, ran.out
    phase = ask(action="get_session", session_id=waiting)["session"]["phase_history"][0]
    assert (phase["basis"], phase["decided_by"]["note"]) == ("overridden", "the demo is today")
    assert phase["decided_by"]["authenticated"] is False
    assert "the demo is today" in cli("session", waiting).out
    assert cli("verify", waiting).code == 0


def test_a_failed_session_is_overridden_too(home: Home, ask: Ask, failed: str) -> None:
    assert decide(home, "override", failed, "--reason", "good enough", typed="override").code == 0
    assert state(ask, failed)["current_phase"] == 2


def test_a_gate_that_forbids_it_is_not_overridden(home: Home, ask: Ask) -> None:
    home.define("firm", [{"number": 1, "gate": {**GATE, "checkpoint": {"allow_override": False}}}])
    session = ask(action="start", workflow_type="firm", target_file="target.py")["session_id"]
    ran = decide(home, "override", session, "--reason", "hurry", typed="override")
    assert ran.code == 1
    assert "not to be overridden" in ran.out


@pytest.mark.acceptance
def test_a_session_is_pinned_to_the_definition_on_disk_after_it_was_shown(home: Home, ask: Ask, waiting: str) -> None:
    home.define("asking", [{"number": 1, "gate": GATE}, {"number": 2}, {"number": 3}], version="2.0.0")
    ran = decide(home, "repin", waiting, "--reason", "the gate was wrong")
    assert ran.code == 0, ran.out
    shown = ran.out.partition("confirm:")[0]
    for seen in ("1.0.0", "2.0.0", "1, 2, 3", "no longer for a person's approval", "phase 3 is new"):
        assert seen in shown
    assert state(ask, waiting)["total_phases"] == 3


@pytest.mark.acceptance
def test_a_budget_is_raised_where_it_is_said(home: Home, ask: Ask) -> None:
    budget: Body = {"max_tokens": 100, "max_cost_usd": 2.0, "mode": "strict"}
    home.define("frugal", [{"number": 1, "gate": GATE}], budget=budget)
    session = ask(action="start", workflow_type="frugal", target_file="target.py")["session_id"]
    evidence = {"done": "seen", "usage": {"tokens": 90, "cost_usd": 0.5}}
    refused = ask(action="complete_phase", session_id=session, phase=1, evidence={"usage": evidence["usage"]})
    assert refused["attempts_left"] == 1
    assert any("90 of 100 tokens" in one for one in state(ask, session)["warnings"])
    assert ask(action="complete_phase", session_id=session, phase=1, evidence=evidence)["gate"] == "blocked"
    ran = decide(home, "budget", session, "--tokens", "500", "--reason", "it is worth it")
    assert ran.code == 0, ran.out
    for seen in ("180", "100", "500", "strict"):
        assert seen in ran.out.partition("confirm:")[0]
    assert "warnings" not in state(ask, session)
    assert ask(action="complete_phase", session_id=session, phase=1, evidence=evidence)["checkpoint_passed"]


@pytest.mark.parametrize("given", [(), ("--tokens", "0"), ("--cost", "nan"), ("--minutes", "-1")])
def test_a_budget_that_makes_no_sense_is_refused(home: Home, waiting: str, given: tuple[str, ...]) -> None:
    ran = decide(home, "budget", waiting, *given, "--reason", "why")
    assert ran.code == 2, ran.out


def test_what_waits_is_listed_with_its_command_longest_first(home: Home, cli: Cli, ask: Ask, failed: str) -> None:
    assert ask(action="start", workflow_type="steps", target_file="a.py")["status"] == "success"
    blocked = ask(action="start", workflow_type="guarded", target_file="a.py")["session_id"]
    ask(action="complete_phase", session_id=blocked, phase=1, evidence={"done": "seen"})
    ask(action="complete_phase", session_id=blocked, phase=2, evidence={"done": "seen"})
    waiting = waiting_at(ask)
    found = cli("pending", "--json").json["pending"]
    assert [(one["session_id"], one["wants"]) for one in found][::2] == [(failed, "reopening"), (waiting, "approval")]
    assert found[1]["session_id"] == blocked
    shown = cli("pending").out
    assert f"pos-workflow approve {waiting}" in shown
    assert f"pos-workflow reopen {failed} --reason" in shown
    assert "Is it ready to build?" in shown
    assert decide(home, "approve", waiting).code == 0
    assert waiting not in cli("pending").out


def test_nothing_that_waits_is_said_to_be_nothing(cli: Cli) -> None:
    assert cli("pending").out == "Nothing waits for a person.\n"


@pytest.mark.acceptance
def test_watching_tells_what_comes_and_runs_the_persons_own_command(home: Home, ask: Ask, tmp_path: Path) -> None:
    told = tmp_path / "told"
    script = tmp_path / "notify"
    script.write_text(f'#!/bin/sh\nprintf "%s|%s" "$2" "$3" > {told}.part && mv {told}.part {told}\n')
    script.chmod(0o700)
    settings = home.user / "config" / "settings.toml"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(f'notify_command = ["{script}", "-x"]\n')
    # What a project or an environment says of it counts for nothing.
    home.write({"settings.toml": 'notify_command = ["false"]\n'})
    environment = bare_environment(POS_WORKFLOW_NOTIFY_COMMAND="false", PYTHONUNBUFFERED="1")
    with subprocess.Popen(
        command(home, "pending", "--watch", "--json"), stdout=subprocess.PIPE, env=environment, cwd="/"
    ) as watching:
        try:
            assert watching.stdout is not None
            first = waiting_at(ask)
            line = json.loads(watching.stdout.readline())
            assert line["session_id"] == first
            second = waiting_at(ask)
            assert json.loads(watching.stdout.readline())["session_id"] == second
            third = waiting_at(ask)
            assert json.loads(watching.stdout.readline())["session_id"] == third
        finally:
            watching.send_signal(signal.SIGINT)
            assert watching.wait(PATIENCE) == 0
    session_id, text = told.read_text().split("|")
    assert session_id in (second, third)
    assert re.match(r"Phase 1 of asking on target\.py asks for approval: Is it ready", text)


def test_a_session_shows_who_approved_and_what_it_rests_on(home: Home, cli: Cli, ask: Ask) -> None:
    session = waiting_at(ask, "looking")
    assert any(session in line and "waits for a person" in line for line in cli("sessions").out.splitlines())
    assert decide(home, "approve", session, "--note", "well done").code == 0
    shown = cli("session", session, "--phase", "1").out
    for seen in ("human", "well done", "not authenticated", "terminal", "guide", "passed", '"seen"'):
        assert seen in shown
    phase = cli("session", session, "--phase", "1", "--json").json["phase"]
    assert (phase["basis"], phase["evidence"][0]["basis"]) == ("human", "human")
    assert phase["checks"][0]["status"] == "passed"
