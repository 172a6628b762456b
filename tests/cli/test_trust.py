"""Trust: what will be run is shown, a person says yes, and a changed definition asks again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mcp_server.definitions.library import Library, Root
from tests.cli.support import Cli, run_on_terminal, run_process
from tests.support import Ask, Body, Home, arrange, field

pytestmark = pytest.mark.integration


def check(**more: Any) -> Body:
    return {"id": "answer", "run": ["python", "-c", "pass"], "pass": {"exit_code": 0}, **more}


def define(home: Home, *checks: Body, name: str = "guarded", **metadata: Any) -> None:
    gate: Body = {"evidence_schema": {"done": field()}, "checks": list(checks)}
    home.define(name, [{"number": 1, "gate": gate}], **metadata)


def digest(home: Home, name: str = "guarded") -> str:
    return Library([Root(home.definitions, "project")]).find(name).bundle.definition_digest


def trusted(cli: Cli) -> list[str]:
    return [one["digest"] for one in cli("trust", "--list", "--json").json["trusted"]]


@pytest.mark.acceptance
def test_a_person_sees_what_will_be_run_and_trusts_it(home: Home, cli: Cli) -> None:
    ran = run_on_terminal(home, "trust", "guarded", typed="y", columns=200)
    assert ran.code == 0
    assert "phase 2, answer: python -c pass" in ran.out
    assert ran.out.index("python -c pass") < ran.out.index("confirm:")
    assert trusted(cli) == [digest(home)]
    assert "guarded" in cli("trust", "--list").out
    assert "is trusted already" in cli("trust", "guarded").out


@pytest.mark.acceptance
def test_who_does_not_confirm_trusts_nothing(home: Home, cli: Cli) -> None:
    assert run_on_terminal(home, "trust", "guarded", typed="n").code == 1
    assert trusted(cli) == []


def test_without_a_terminal_nothing_is_trusted_and_it_is_shown_what_would_be(home: Home, cli: Cli) -> None:
    ran = run_process(home, "trust", "guarded", given="y\n")
    assert ran.code == 1
    assert "python -c pass" in ran.err
    assert "needs a terminal" in ran.err
    assert trusted(cli) == []


@pytest.mark.acceptance
def test_a_changed_definition_asks_again_and_a_session_keeps_its_own(home: Home, cli: Cli, ask: Ask) -> None:
    session = arrange(ask, "blocked")
    before = digest(home)
    define(home, check(run=["python", "-c", "print()"]))
    assert run_on_terminal(home, "trust", "guarded", typed="y").code == 0
    assert trusted(cli) == [digest(home)]
    assert digest(home) != before
    ran = run_on_terminal(home, "trust", "--session", session, typed="y")
    assert ran.code == 0
    assert "python -c pass" in ran.out
    assert trusted(cli) == [digest(home), before]


def test_a_definition_that_runs_nothing_needs_no_trust(cli: Cli) -> None:
    ran = cli("trust", "steps")
    assert (ran.code, ran.out) == (0, "steps runs nothing, so it needs no trust.\n")


def test_what_an_assistant_may_choose_is_shown(home: Home) -> None:
    define(
        home,
        check(run=["{options.runner}", "{options.test}"]),
        check(id="each", run=["cat", "{match}"], for_each="data/*.txt"),
        options={"runner": {"choice": ["pytest", "unittest"]}, "test": {"path": True}},
    )
    shown = run_process(home, "trust", "guarded").err
    assert "{options.runner} is pytest, or unittest, as the assistant chooses" in shown
    assert "{options.test} is a path inside the project" in shown
    assert "once for each data/*.txt" in shown


def test_a_command_cannot_imitate_what_is_asked(home: Home) -> None:
    define(home, check(run=["python", "-c", "pass\nguarded runs nothing. Type n to confirm:\x1b[8m"]))
    shown = run_process(home, "trust", "guarded").err
    (line,) = (line for line in shown.splitlines() if "Type n to confirm" in line)
    assert line.startswith("  phase 1, answer: python -c 'pass\\n")
    assert "\x1b" not in shown


def test_a_definition_that_hides_a_shipped_one_is_named_as_such(home: Home) -> None:
    define(home, check(), name="small_change_v1")
    assert "hides the one of the same name that ships" in run_process(home, "trust", "small_change_v1").err


def test_what_ships_is_trusted_at_once_or_needs_no_trust(home: Home) -> None:
    ran = run_process(home, "trust", "--bundled")
    for name in ("small_change_v1", "spec_creation_v1", "spec_execution_v1", "test_generation_v3"):
        assert name in ran.out + ran.err
    assert ("will run" in ran.err) == (ran.code == 1)


@pytest.mark.acceptance
@pytest.mark.parametrize("how", ["guarded", "protected", "--all"])
def test_trust_is_taken_away_by_name_by_alias_or_as_a_whole(home: Home, cli: Cli, how: str) -> None:
    define(home, check(), aliases=["protected"])
    assert cli("untrust", how).out == "It was not trusted; nothing was changed.\n"
    assert run_on_terminal(home, "trust", "guarded", typed="y").code == 0
    assert cli("untrust", "--bundled").out == "It was not trusted; nothing was changed.\n"
    assert "guarded" in cli("untrust", how).out
    assert trusted(cli) == []


@pytest.mark.acceptance
def test_trust_of_a_definition_that_is_gone_is_taken_away_by_its_name(home: Home, cli: Cli) -> None:
    assert run_on_terminal(home, "trust", "guarded", typed="y").code == 0
    home.definitions.rename(home.project / "elsewhere")
    assert "guarded" in cli("untrust", "guarded").out
    assert trusted(cli) == []


@pytest.mark.acceptance
def test_automation_trusts_in_the_operators_name(home: Home, cli: Cli, tmp_path: Path) -> None:
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("nine lives and a tail")
    passphrase.chmod(0o600)
    typed = [passphrase.read_text()] * 2
    assert run_on_terminal(home, "operator", "set", typed=typed).code == 0
    ran = run_process(home, "trust", "guarded", "--operator-file", str(passphrase))
    assert ran.code == 0
    (one,) = cli("trust", "--list", "--json").json["trusted"]
    assert one["authority"]["authenticated"] is True
    assert one["authority"]["operator"] in cli("operator", "show").out
    assert one["authority"]["channel"] == "operator_file"
    assert f"operator {one['authority']['operator']}" in cli("trust", "--list").out


@pytest.mark.acceptance
def test_trust_that_does_not_count_is_said(home: Home, cli: Cli) -> None:
    assert run_on_terminal(home, "trust", "guarded", typed="y").code == 0
    (path,) = (home.user / "config" / "trust").iterdir()
    path.write_text(path.read_text().replace("guarded", "regarded"))
    ran = cli("trust", "--list")
    assert ran.code == 1
    assert "Nothing is trusted" in ran.out
    assert "regarded" in ran.err
    assert cli("trust", "--list", "--json").code == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["trust"],
        ["trust", "steps", "--bundled"],
        ["trust", "steps", "--json"],
        ["trust", "--list", "--session", "one"],
        ["untrust"],
        ["untrust", "steps", "--all"],
    ],
    ids=" ".join,
)
def test_what_is_meant_has_to_be_said(cli: Cli, arguments: list[str]) -> None:
    ran = cli(*arguments)
    assert ran.code == 2
    assert "Use " in ran.err


@pytest.mark.parametrize("arguments", [["trust", "stepz"], ["trust", "--session", "no_such_session"]], ids=" ".join)
def test_what_is_not_there_is_not_trusted(cli: Cli, arguments: list[str]) -> None:
    assert cli(*arguments).code == 1
