"""A condition holds or it does not; what cannot be told does not."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from mcp_server.checks.criteria import FileFacts, GlobFacts, RunFacts, unmet, value_read
from mcp_server.checks.files import ProjectFiles
from mcp_server.checks.output import Output
from mcp_server.domain.checks import CONDITIONS_OF, Check, Conditions

pytestmark = pytest.mark.unit

ENDLESS = r"^(a|aa|a*)*$"
ENDLESS_TEXT = "a" * 60 + "b"


def output(text: str | bytes = "", *, cut: bool = False) -> Output:
    data = text.encode() if isinstance(text, str) else text
    lines = data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
    whole = len(data) + 1000 * cut
    return Output(sha256=hashlib.sha256(data).hexdigest(), size=whole, lines=lines + 10 * cut, tail=data)


def judged(condition: str, wanted: Any, text: str | bytes = "", *, cut: bool = False, exit_code: int = 0) -> str | None:
    conditions = Conditions.model_validate({condition: wanted})
    return unmet(conditions, RunFacts(exit_code, output(text, cut=cut)))


def read(conditions: dict[str, Any], text: str, *, exit_code: int = 0) -> JsonValue:
    check = Check(id="c", kind="run", run=("x",), conditions=Conditions.model_validate(conditions))
    return value_read(check, RunFacts(exit_code, output(text)))


def file(tmp_path: Path, path: str, changed: str | None = None, **wanted: Any) -> str | None:
    return unmet(Conditions(**wanted), FileFacts(path, ProjectFiles(tmp_path), lambda: changed))


def number(pattern: str = r"total (\S+)", **bounds: float) -> dict[str, Any]:
    return {"pattern": pattern, **bounds}


def at(path: str, **bounds: Any) -> dict[str, Any]:
    if "equals" in bounds:
        bounds["equals"] = (bounds["equals"],)
    return {"path": path, **bounds}


@pytest.mark.parametrize(
    ("condition", "wanted", "text"),
    [
        ("exit_code", 0, ""),
        ("stdout_matches", "1 failed", "=== 1 failed in 2 s\n"),
        ("stdout_matches", "1 failed", "\x1b[31m1 \x1b[0mfailed\n"),
        ("stdout_not_matches", "error", "fine\n"),
        ("stdout_min_lines", 2, "a\nb"),
        ("stdout_number", number(at_least=90), "total 12\ntotal 90\n"),
        ("stdout_number", number(at_most=90), "total 90\n"),
        ("stdout_number", number(equals=90), "total 90.0\n"),
        ("stdout_number", number(r"\d+", equals=3), "1 2 3"),
        ("stdout_json", at("a.b", at_least=1, at_most=2), '{"a": {"b": 1.5}}'),
        ("stdout_json", at("a.1.b", equals="x"), '{"a": [0, {"b": "x"}]}'),
        ("stdout_json", at("a", equals=None), '{"a": null}'),
        ("stdout_json", at("a", equals=[1, {"b": True}]), '{"a": [1, {"b": true}]}'),
        ("stdout_json", at("0", equals=1), "\ufeff[1]"),
    ],
)
def test_a_condition_on_a_program_holds(condition: str, wanted: Any, text: str) -> None:
    assert judged(condition, wanted, text) is None


@pytest.mark.parametrize(
    ("condition", "wanted", "text", "problem"),
    [
        ("exit_code", 1, "", "the exit code was 0, wanted 1"),
        ("stdout_matches", "1 failed", "2 passed", "the output does not match '1 failed'"),
        ("stdout_matches", ENDLESS, ENDLESS_TEXT, "stdout_matches cannot be told: the pattern takes too long"),
        ("stdout_matches", "(", "(", "stdout_matches cannot be told: it is no pattern"),
        ("stdout_not_matches", "error", "an error\n", "the output matches 'error', which it must not"),
        ("stdout_not_matches", ENDLESS, ENDLESS_TEXT, "stdout_not_matches cannot be told: the pattern takes too long"),
        ("stdout_not_matches", "(", "", "stdout_not_matches cannot be told: it is no pattern"),
        ("stdout_min_lines", 3, "a\nb\n", "the output has 2 lines, wanted at least 3"),
        ("stdout_number", number(at_least=90), "total 89.9", "the number in the output is 89.9, wanted at least 90"),
        ("stdout_number", number(at_least=90), "total 95\ntotal 5", "is 5, wanted at least 90"),
        ("stdout_number", number(at_most=90), "total 91", "the number in the output is 91, wanted at most 90"),
        ("stdout_number", number(equals=90), "total 91", "the number in the output is 91, wanted 90"),
        ("stdout_number", number(at_least=0), "nothing", "stdout_number finds no number: nothing matches"),
        ("stdout_number", number(at_least=0), "total all", "found 'all', which is no number"),
        ("stdout_number", number(at_least=0), "total nan", "found 'nan', which is no finite number"),
        ("stdout_number", number(at_least=0), "total inf", "found 'inf', which is no finite number"),
        ("stdout_number", number(ENDLESS, at_least=0), ENDLESS_TEXT, "the pattern takes too long"),
        ("stdout_number", number("(x)|y", at_least=0), "y", "found '', which is no number"),
        ("stdout_json", at("a", at_least=2), '{"a": 1}', "a is 1, wanted at least 2"),
        ("stdout_json", at("a", at_most=2), '{"a": 3}', "a is 3, wanted at most 2"),
        ("stdout_json", at("a", at_least=0), '{"a": true}', "a is true, wanted a number"),
        ("stdout_json", at("a", equals=1), '{"a": true}', "a is true, wanted 1"),
        ("stdout_json", at("a", equals=True), '{"a": 1}', "a is 1, wanted true"),
        ("stdout_json", at("a", equals=None), '{"b": null}', "stdout_json finds nothing at a"),
        ("stdout_json", at("a.2", at_least=0), '{"a": [1, 2]}', "stdout_json finds nothing at a.2"),
        ("stdout_json", at("a.-1", at_least=0), '{"a": [1, 2]}', "stdout_json finds nothing at a.-1"),
        ("stdout_json", at("a.b", at_least=0), '{"a": "b"}', "stdout_json finds nothing at a.b"),
        ("stdout_json", at("a", at_least=0), '{"a": NaN}', "the output is no JSON"),
        ("stdout_json", at("a", at_least=0), '{"a": Infinity}', "the output is no JSON"),
        ("stdout_json", at("a", at_least=0), '{"a": 1e999}', "the output is no JSON"),
        ("stdout_json", at("a", at_least=0), '{"a": 1, "b": "\\ud800"}', "the output is no JSON"),
        ("stdout_json", at("a", at_least=0), "warning\n{}", "the output is no JSON"),
        ("stdout_json", at("a", at_least=0), "[" * 100_000, "the output is no JSON"),
    ],
)
def test_a_condition_on_a_program_does_not_hold(condition: str, wanted: Any, text: str, problem: str) -> None:
    assert problem in (judged(condition, wanted, text) or "")


def test_bytes_that_are_no_text_are_no_json() -> None:
    assert "no JSON" in (judged("stdout_json", at("a", at_least=0), b'{"a": 1, "b": "\xff"}') or "")


@pytest.mark.parametrize(
    ("condition", "wanted", "text"),
    [
        ("stdout_matches", "begin", "the end"),
        ("stdout_not_matches", "error", "the end"),
        ("stdout_number", number(at_least=0), "the end"),
        ("stdout_number", number(r"\d+", at_least=0), "42 at the cut"),
        ("stdout_json", at("a", equals=1), '{"a": 1}'),
    ],
)
def test_what_needs_all_of_an_output_that_was_cut_cannot_be_told(condition: str, wanted: Any, text: str) -> None:
    problem = judged(condition, wanted, text, cut=True)
    assert problem == f"{condition} cannot be told, since only the end of the output was kept"


@pytest.mark.parametrize(
    ("condition", "wanted", "text"),
    [
        ("stdout_matches", "end", "the end"),
        ("stdout_min_lines", 11, "the end"),
        ("stdout_number", number(r"\d+", equals=42), "at the end 42"),
    ],
)
def test_what_the_end_of_an_output_tells_is_told(condition: str, wanted: Any, text: str) -> None:
    assert judged(condition, wanted, text, cut=True) is None


def test_what_is_found_though_cut_is_found() -> None:
    assert judged("stdout_not_matches", "end", "the end", cut=True) == "the output matches 'end', which it must not"


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ({"exists": True}, "guide.md"),
        ({"absent": True}, "gone.md"),
        ({"min_bytes": 9}, "guide.md"),
        ({"contains": "## Usage"}, "guide.md"),
        ({"matches": r"(?m)^## \w+$"}, "guide.md"),
        ({"unchanged_since_phase_start": True}, "guide.md"),
    ],
)
def test_a_condition_on_a_file_holds(tmp_path: Path, wanted: dict[str, Any], path: str) -> None:
    (tmp_path / "guide.md").write_text("## Usage\n")
    assert file(tmp_path, path, **wanted) is None


@pytest.mark.parametrize(
    ("wanted", "path", "problem"),
    [
        ({"exists": True}, "gone.md", "there is no such file in the project"),
        ({"exists": True}, "../outside.md", "there is no such file in the project"),
        ({"absent": True}, "guide.md", "it is there, wanted absent"),
        ({"absent": True}, "../gone.md", "absent cannot be told: the path leads outside the project"),
        ({"min_bytes": 10}, "guide.md", "it has 9 bytes, wanted at least 10"),
        ({"min_bytes": 0}, "gone.md", "there is no such file in the project"),
        ({"contains": "## Install"}, "guide.md", "it does not contain '## Install'"),
        ({"contains": "x"}, "../outside.md", "contains cannot be told: the path leads outside the project"),
        ({"matches": "^## I"}, "guide.md", "it does not match '^## I'"),
        ({"matches": "("}, "guide.md", "matches cannot be told: it is no pattern"),
        ({"matches": ENDLESS}, "endless.md", "matches cannot be told: the pattern takes too long"),
        ({"unchanged_since_phase_start": True}, "guide.md", "it has changed"),
    ],
)
def test_a_condition_on_a_file_does_not_hold(tmp_path: Path, wanted: dict[str, Any], path: str, problem: str) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (tmp_path / "outside.md").write_text("x")
    (root / "guide.md").write_text("## Usage\n")
    (root / "endless.md").write_text(ENDLESS_TEXT)
    assert problem in (file(root, path, "it has changed", **wanted) or "")


def test_the_content_of_a_file_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("hunter2")
    problem = file(tmp_path, "secret.md", contains="x", matches="y", min_bytes=99)
    assert problem is not None
    assert "hunter2" not in problem


def test_a_missing_file_is_told_once(tmp_path: Path) -> None:
    problem = file(tmp_path, "gone.md", exists=True, min_bytes=1, contains="x", matches="y")
    assert problem == "there is no such file in the project"


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ({"count_at_least": 3}, None),
        ({"count_at_most": 3}, None),
        ({"count_at_least": 4}, "3 match, wanted at least 4"),
        ({"count_at_most": 2}, "3 match, wanted at most 2"),
    ],
)
def test_a_condition_on_a_glob(wanted: dict[str, Any], problem: str | None) -> None:
    assert unmet(Conditions(**wanted), GlobFacts(3)) == problem


def test_every_condition_that_does_not_hold_is_named() -> None:
    conditions = Conditions(exit_code=0, stdout_matches="passed", stdout_min_lines=1)
    problem = unmet(conditions, RunFacts(2, output("")))
    assert problem == (
        "the exit code was 2, wanted 0; the output does not match 'passed'; the output has 0 lines, wanted at least 1"
    )


def test_what_a_failed_program_did_not_write_is_not_held_against_it_too() -> None:
    conditions = Conditions.model_validate({"exit_code": 0, "stdout_json": at("names", at_least=1)})
    assert unmet(conditions, RunFacts(1, output("Traceback"))) == "the exit code was 1, wanted 0"
    assert unmet(conditions, RunFacts(0, output("Traceback"))) == "stdout_json cannot be told: the output is no JSON"


def test_a_check_that_asks_for_nothing_does_not_pass() -> None:
    assert unmet(Conditions(), RunFacts(0, output())) == "nothing is said that has to hold"


def test_a_condition_of_another_kind_does_not_hold() -> None:
    assert unmet(Conditions(exit_code=0, exists=True), RunFacts(0, output())) == "exists says nothing about this check"


def test_every_condition_that_can_be_declared_is_judged(tmp_path: Path) -> None:
    facts = {
        "run": RunFacts(0, output()),
        "file": FileFacts("gone", ProjectFiles(tmp_path), lambda: None),
        "glob": GlobFacts(0),
    }
    values: dict[str, Any] = {
        "stdout_number": number(at_least=0),
        "stdout_json": at("a", at_least=0),
        **dict.fromkeys(("exists", "absent", "unchanged_since_phase_start"), True),
        **dict.fromkeys(("stdout_matches", "stdout_not_matches", "contains", "matches"), "x"),
    }
    for kind, names in CONDITIONS_OF.items():
        for name in names:
            conditions = Conditions.model_validate({name: values.get(name, 1)})
            assert "says nothing" not in (unmet(conditions, facts[kind]) or "")


@pytest.mark.parametrize(
    ("conditions", "text", "value"),
    [
        ({"stdout_json": at("a", at_least=0), "stdout_number": number(r"\d", at_least=0)}, '{"a": 91.5}', 91.5),
        ({"stdout_json": at("a", equals=[True])}, '{"a": [true]}', [True]),
        ({"stdout_json": at("a", at_least=0)}, f'{{"a": {2**70}}}', float(2**70)),
        ({"stdout_number": number(at_least=0)}, "total 91", 91),
        ({"stdout_number": number(at_least=0)}, "total 91.5", 91.5),
        ({"stdout_number": number(at_least=0)}, f"total {2**70}", float(2**70)),
        ({"stdout_number": number(at_least=0)}, "none", None),
        ({"stdout_json": at("a", at_least=0)}, "none", None),
        ({"exit_code": 0}, "", True),
        ({"exit_code": 1}, "", False),
    ],
)
def test_what_is_read_for_evidence(conditions: dict[str, Any], text: str, value: JsonValue) -> None:
    found = read(conditions, text)
    assert found == value
    assert type(found) is type(value)
    assert json.loads(json.dumps(found)) == value


def test_a_glob_gives_its_count() -> None:
    check = Check(id="c", kind="glob", glob="*", conditions=Conditions(count_at_least=9))
    assert value_read(check, GlobFacts(3)) == 3
