"""What a gate file says of checks, approval and going back, and what a definition declares as options and budget."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcp_server.definitions.folder import read_folder
from mcp_server.definitions.gate_files import read_gate
from mcp_server.definitions.parse import Parsed, parse
from mcp_server.domain.checks import (
    Approval,
    Budget,
    Check,
    Conditions,
    NumberInOutput,
    OptionDeclaration,
    Retry,
    ValueInJson,
    filled,
    placeholders,
)
from mcp_server.domain.definition import Gate
from tests.definitions.conftest import Write

pytestmark = pytest.mark.unit


def gate(text: str) -> Gate:
    found, report = read_gate(text, "gate.yaml")
    assert [str(problem) for problem in report.problems] == []
    return found


def errors(text: str) -> str:
    found, report = read_gate(text, "gate.yaml")
    assert found.problem is not None
    return "; ".join(str(problem) for problem in report.problems if problem.severity == "error")


def of_file(**conditions: Any) -> str:
    """A gate file with one check of a file."""
    return check(run=None, file="x", **{"pass": conditions})


def passing(**conditions: Any) -> str:
    """A gate file with one check that runs something, and these conditions."""
    return check(**{"pass": conditions})


def check(**parts: Any) -> str:
    """A gate file with one check, in the JSON that YAML takes."""
    return json.dumps({"checks": [{"id": "c", "run": ["tool"], "pass": {"exit_code": 0}, **parts}]})


def test_everything_that_a_check_can_say_is_read() -> None:
    (found,) = gate(
        """
checks:
  - id: all.of-it_1
    description: Everything
    run: [python, -m, pytest, "{target_file}", "{options.runner}", "{{literal}}", " blank "]
    for_each: "data/*/project.db"
    timeout_seconds: 600
    serial: true
    inputs: ["src/**"]
    outputs: [".coverage"]
    retry:
      {attempts: 4, backoff_seconds: 0, backoff_factor: 1.5, max_backoff_seconds: 5, on: [timeout, {exit_code: 75}]}
    pass:
      exit_code: 0
      stdout_matches: 'ok [0-9]'
      stdout_not_matches: error
      stdout_min_lines: 2
      stdout_number: {pattern: '([0-9]+) passed', at_least: 3, at_most: 9}
      stdout_json: {path: totals.covered, equals: null}
"""
    ).checks
    assert found == Check(
        id="all.of-it_1",
        kind="run",
        description="Everything",
        run=("python", "-m", "pytest", "{target_file}", "{options.runner}", "{{literal}}", " blank "),
        for_each="data/*/project.db",
        timeout_seconds=600,
        serial=True,
        inputs=("src/**",),
        outputs=(".coverage",),
        retry=Retry(
            attempts=4,
            backoff_seconds=0,
            backoff_factor=1.5,
            max_backoff_seconds=5,
            on_timeout=True,
            on_exit_codes=(75,),
        ),
        conditions=Conditions(
            exit_code=0,
            stdout_matches="ok [0-9]",
            stdout_not_matches="error",
            stdout_min_lines=2,
            stdout_number=NumberInOutput(pattern="([0-9]+) passed", at_least=3, at_most=9),
            stdout_json=ValueInJson(path="totals.covered", equals=(None,)),
        ),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (check(id="no id"), "'no id' is no id"),
        (check(run="pytest -q"), "'run' is a list of arguments"),
        (check(run=[]), "'run' names no program"),
        (check(run=["{target_file}"]), "the program has to be written out"),
        (check(run=["a", "{evidence}"]), "nothing is known as '{evidence}' in run"),
        (check(run=["a", "{match}"]), "'{match}' has no for_each to come from"),
        (check(run=["a", "\0"]), "cannot hold a zero byte"),
        (check(inputs=["{evidence}"]), "nothing is known as '{evidence}' in inputs"),
        (check(file="x"), "has to have one of run, file and glob"),
        (check(run=None), "has to have one of run, file and glob"),
        (check(run=None, file="x"), "'exit_code' says nothing about a file"),
        (check(run=None, file="x", timeout_seconds=3), "'timeout_seconds' makes sense for"),
        (check(run=None, file="{definition}/x"), "nothing is known as '{definition}' in file"),
        (of_file(exists=True, absent=True), "cannot be both there and absent"),
        (of_file(exists=False), "can only be true"),
        (of_file(contains=""), "contains has to be a text"),
        (passing(), "a check without 'pass' would pass always"),
        (check(**{"pass": None}), "a check without 'pass' would pass always"),
        (passing(stdout_min_lines=0), "would pass always"),
        (check(run=None, glob="x", **{"pass": {"count_at_least": 0}}), "would pass always"),
        (passing(exit_code=-1), "has to be an integer not below 0"),
        (passing(exit_code=True), "has to be an integer not below 0"),
        (passing(stdout_matches="("), "is no regular expression"),
        (passing(stdout_matches=3), "has to be a regular expression"),
        (passing(stdout_number={"pattern": "x"}), "compares with nothing"),
        (passing(stdout_number={"at_least": 1}), "needs a pattern"),
        (passing(stdout_number={"pattern": "x", "at_least": "1"}), "has to be a number"),
        (passing(stdout_number={"pattern": "x", "at_least": 2, "at_most": 1}), "at_least is above at_most"),
        (passing(stdout_json={"path": "a"}), "compares with nothing"),
        (passing(stdout_json={"equals": 1}), "needs a path"),
        (check(timeout_seconds=0), "has to be a number above 0"),
        (check(timeout_seconds=10**9), "at most 86400"),
        (check(retry={"attempts": 99, "on": ["timeout"]}), "more than 10 attempts are no retry"),
        (check(retry={"attempts": 2}), "says not after what"),
        (check(retry={"on": ["sometimes"]}), "a retry is for 'timeout' or"),
        (check(retry={"on": ["timeout"], "backoff_factor": 0}), "has to be a number above 0"),
        (check(retry={"on": ["timeout"], "backoff_seconds": -1}), "has to be a number not below 0"),
        (json.dumps({"checks": [{"id": "a", "file": "x", "pass": {"exists": True}}] * 2}), "'a' is there twice"),
        ("evidence_schema: {n: {from_check: tests}}", "comes from the check 'tests', which is not there"),
        ("approval: {channel: pigeon}", "there is no channel 'pigeon'"),
        ("approval: {expires_hours: 0}", "has to be a number above 0"),
        ("on_no_go: {rollback_to: first}", "has to be an integer not below 0"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_check_blocks_the_gate_and_says_why(text: str, message: str) -> None:
    assert message in errors(text)


OUTSIDE = ["../x", "/etc/passwd", "a/../../x", "a/..", "{target_file}/../x", "/{target_file}", ".", "a\0b"]


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize(
    "said",
    [
        {"run": None, "file": "PATH", "pass": {"exists": True}},
        {"run": None, "glob": "PATH", "pass": {"count_at_least": 1}},
        {"for_each": "PATH"},
        {"inputs": ["src/**", "PATH"]},
        {"outputs": "PATH"},
    ],
)
def test_a_path_that_leads_out_of_the_project_is_an_error(said: dict[str, Any], path: str) -> None:
    text = check(**said).replace('"PATH"', json.dumps(path))
    assert f"'{path}' is no path inside the project" in errors(text)


@pytest.mark.parametrize("path", OUTSIDE)
def test_a_protected_path_that_leads_out_of_the_project_is_an_error(path: str) -> None:
    assert f"'{path}' is no path inside the project" in errors(json.dumps({"protected_paths": ["tests/**", path]}))


def test_at_least_none_beside_another_condition_is_harmless() -> None:
    assert gate(passing(exit_code=0, stdout_min_lines=0)).problem is None
    bounds = {"count_at_least": 0, "count_at_most": 3}
    assert gate(check(run=None, glob="x", **{"pass": bounds})).problem is None


def test_a_path_out_of_the_project_is_told_with_its_line() -> None:
    _, report = read_gate("protected_paths:\n  - tests/**\n  - ../tests/**\n", "gate.yaml")
    assert [problem.line for problem in report.problems] == [3]


@pytest.mark.parametrize(
    "path", ["{target_file}", "{target_file}.bak", "./a/b", "a..b/...", "**/*.py", "a//b", "{{a}}"]
)
def test_a_path_is_judged_as_it_is_with_its_placeholders_filled_in(path: str) -> None:
    assert gate(check(run=None, file=path, **{"pass": {"exists": True}})).problem is None


@pytest.mark.parametrize(
    ("text", "approval"),
    [
        ("approval: true", Approval()),
        ("approval: false", None),
        ("approval: {required: false, prompt: x}", None),
        (
            "approval: {prompt: Go?, channel: any, expires_hours: 1}",
            Approval(prompt="Go?", channel="any", expires_hours=1),
        ),
    ],
)
def test_an_approval_is_read(text: str, approval: Approval | None) -> None:
    assert gate(text).approval == approval


def defined(write: Write, gate_file: str, **metadata: Any) -> Parsed:
    phases = [{"phase_number": number, "phase_name": "P"} for number in (1, 2)]
    return parse(read_folder(write({"phases/2/gate-definition.yaml": gate_file}, phases=phases, **metadata)).bundle)


def test_options_are_choices_between_fragments_or_confined_paths(write: Write) -> None:
    found = defined(
        write,
        check(run=["{options.runner}", "{options.file}", "{options.mode}"]),
        options={
            "runner": {"choice": {"pytest": ["python", "-m", "pytest"], "unittest": ["python", "-m", "unittest"]}},
            "file": {"path": True, "description": "The test"},
            "mode": {"choice": ["fast", "slow"], "default": "fast"},
            "told": "a remark",
        },
    )
    assert found.errors == ()
    assert found.workflow is not None
    assert found.workflow.options == (
        OptionDeclaration(
            name="runner",
            choices={"pytest": ("python", "-m", "pytest"), "unittest": ("python", "-m", "unittest")},
        ),
        OptionDeclaration(name="file", path=True, description="The test"),
        OptionDeclaration(name="mode", choices={"fast": ("fast",), "slow": ("slow",)}, default="fast", required=False),
    )


@pytest.mark.parametrize(
    ("run", "options", "message"),
    [
        (["a", "{options.file}"], {}, "{options.file} filled in, which the metadata does not declare"),
        (["a", "--x={options.o}"], {"o": {"choice": {"b": ["c", "d"]}}}, "so it has to stand alone"),
        (["a"], {"o": {"choice": ["b"], "path": True}}, "is a choice or a path, not both"),
        (["a"], {"o": {"choice": ["b"], "default": "c"}}, "has no choice 'c'"),
        (["sh", "-c", "cat {options.o}"], {"o": {"path": True}}, "{options.o} is filled into a script"),
        (["a"], {"o": {"choice": []}}, "a choice between nothing"),
        (["a"], {"o": {"choice": {"b": []}}}, "stands for no argument"),
        (["a"], {"o": {"path": True, "pattern": "x"}}, "'pattern' says nothing about an option"),
        (["a"], {"an option": {"path": True}}, "is no name for an option"),
    ],
)
def test_what_is_wrong_with_an_option_is_an_error(
    write: Write, run: list[str], options: dict[str, Any], message: str
) -> None:
    found = defined(write, check(run=run), options=options)
    assert message in "; ".join(str(problem) for problem in found.errors)


def test_a_choice_may_be_filled_into_a_script(write: Write) -> None:
    found = defined(write, check(run=["sh", "-c", "make {options.o}"]), options={"o": {"choice": ["a", "b"]}})
    assert found.errors == ()


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        ({"tokens": 5}, "'tokens' is no part of a budget"),
        ({"mode": "strict"}, "limits nothing"),
        ({"max_tokens": 0}, "has to be a number above 0"),
        ({"max_tokens": 1.5}, "has to be an integer"),
        ({"max_tokens": 5, "mode": "lax"}, "there is no mode 'lax'"),
        (3, "budget has to be a mapping"),
    ],
)
def test_what_is_wrong_with_a_budget_is_an_error(write: Write, budget: object, message: str) -> None:
    found = defined(write, "evidence_schema: {a: {type: string}}", budget=budget)
    assert message in "; ".join(str(problem) for problem in found.errors)


def test_a_budget_says_what_it_limits(write: Write) -> None:
    said = {"max_tokens": 5, "max_cost_usd": 0.5, "max_active_minutes": 30, "mode": "strict"}
    found = defined(write, "evidence_schema: {a: {type: string}}", budget=said)
    assert found.workflow is not None
    assert found.workflow.budget == Budget(max_tokens=5, max_cost_usd=0.5, max_active_minutes=30, mode="strict")


@pytest.mark.parametrize(("target", "wrong"), [(1, False), (0, True), (2, True), (9, True)])
def test_a_no_go_goes_back_to_an_earlier_phase_or_the_gate_is_invalid(write: Write, target: int, wrong: bool) -> None:
    text = check()[:-1] + f', "on_no_go": {{"rollback_to": {target}}}}}'
    found = defined(write, text)
    assert bool(found.errors) == wrong
    assert found.workflow is not None
    second = found.workflow.phase(2)
    assert second is not None
    assert (second.gate.problem is not None) == wrong


def test_placeholders_are_filled_in_and_doubled_braces_stand_for_themselves() -> None:
    text = "{a}-{{b}}-{options.c}-{}"
    assert list(placeholders(text)) == ["a", "options.c"]
    assert filled(text, {"a": "{{x}}", "options.c": "y"}) == "{{x}}-{b}-y-{}"
    with pytest.raises(KeyError):
        filled(text, {"a": "x"})


def test_a_retry_waits_longer_each_time_and_never_longer_than_it_may() -> None:
    retry = Retry(backoff_seconds=1, backoff_factor=3, max_backoff_seconds=5)
    assert [retry.delay(failures) for failures in (1, 2, 3, 4)] == [1, 3, 5, 5]


@pytest.mark.parametrize("text", [check(), "approval: true", "protected_paths: [tests/**]"])
def test_a_gate_that_asks_for_no_evidence_still_asks_for_what_it_says(write: Write, text: str) -> None:
    found = defined(write, text)
    assert found.problems == ()
    assert found.workflow is not None
    second = found.workflow.phase(2)
    assert second is not None
    assert (second.gate.origin, second.gate.fields) == ("file", ())
