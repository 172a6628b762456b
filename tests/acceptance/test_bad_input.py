"""What is malformed is refused by name, whatever it is, and nothing comes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support import ACTIONS, PASSING, Ask, Body, Home, arrange
from tests.wire import Wire

pytestmark = pytest.mark.acceptance

S = "{session}"
"""Stands for the id of a session at phase 2."""

START: Body = {"action": "start", "workflow_type": "steps", "target_file": "a.py"}
COMPLETE: Body = {"action": "complete_phase", "session_id": S, "phase": 2, "evidence": PASSING}
MIB = 1024 * 1024


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return {"deep": value}


Case = tuple[str, Body, str, str]


def wrong(name: str, word: str, *, kind: str = "ValueError", **arguments: Any) -> Case:
    """A call that is wrong, and a word that the error must have."""
    return name, arguments, kind, word


PATHS: list[Case] = [
    (name, START | {"target_file": path}, "ValueError", "target_file")
    for name, path in {
        "climbing": "../../../etc/passwd",
        "the folder above": "..",
        "climbing inside": "src/../../x",
        "climbing and coming back": "src/../src/x",
        "climbing at the end": "src/..",
        "absolute": "/etc/passwd",
        "two slashes": "//server/share/x",
        "a drive": "C:\\windows\\system32",
        "a drive's folder": "C:x",
        "a drive with slashes": "c:/windows",
        "a backslash in front": "\\windows",
        "climbing with backslashes": "..\\..\\x",
        "climbing with both": "src\\..\\..\\x",
        "a share": "\\\\server\\share",
        "a home": "~/.ssh/id_rsa",
        "somebody's home": "~root/x",
        "a null byte": "a\x00.py",
        "a null byte before climbing": "\x00/../x",
        "a line break": "a\nb.py",
        "a carriage return": "a\rb.py",
        "an escape": "a\x1b[31m.py",
        "a delete": "a\x7f.py",
        "nothing": "",
        "very long": "a" * 4097,
        "too long once it is encoded": "é" * 2049,
        "a link out of the project": "way_out/x",
        "a link to a file outside": "file_out",
        "a link to the folder above": "above",
        "a link in a circle": "circle/x",
    }.items()
]

IDS: list[Case] = [
    (f"session id: {name}", {"action": "get_state", "session_id": value}, "ValueError", "session_id")
    for name, value in {
        "empty": "",
        "upper case": "Steps_A",
        "a slash": "a/b",
        "climbing": "../x",
        "a dot": "a.json",
        "a space": "a b",
        "a trailing line break": "abc\n",
        "a null byte": "a\x00",
        "201 characters": "a" * 201,
        "a hyphen": "a-b",
        "other letters": "séance",
        "digits of another script": "\u0661\u0662",
        "a number": 7,
        "a list": ["abc"],
        "an object": {"id": "abc"},
        "true": True,
    }.items()
]

NUMBERS: list[Case] = [
    (f"phase: {name}", {"action": "retry_phase", "session_id": S, "phase": value}, "ValueError", "phase")
    for name, value in {
        "negative": -1,
        "text": "2",
        "a fraction": 2.5,
        "true": True,
        "a list": [2],
        "beyond reason": 10**30,
        "an object": {"phase": 2},
    }.items()
] + [
    wrong("limit: none at all", "limit", action="list_sessions", limit=0),
    wrong("limit: too many", "limit", action="list_sessions", limit=501),
    wrong("limit: text", "limit", action="list_sessions", limit="50"),
    wrong("task: negative", "task_number", action="get_task", session_id=S, phase=1, task_number=-1),
    wrong("to_phase: negative", "to_phase", action="rollback", session_id=S, to_phase=-1),
    wrong("to_phase: text", "to_phase", action="rollback", session_id=S, to_phase="1"),
    wrong("version: text", "expected_version", action="pause", session_id=S, expected_version="2"),
    wrong("version: a fraction", "expected_version", action="pause", session_id=S, expected_version=2.5),
    wrong("reset: text", "reset_evidence", action="retry_phase", session_id=S, phase=2, reset_evidence="yes"),
    wrong("reset: a number", "reset_evidence", action="retry_phase", session_id=S, phase=2, reset_evidence=1),
]

OBJECTS: list[Case] = [
    (f"evidence: {name}", COMPLETE | {"evidence": value}, "ValueError", word)
    for name, value, word in [
        ("a list", [PASSING], "evidence"),
        ("a number", 1, "evidence"),
        ("text that is no JSON", "done: yes", "not JSON"),
        ("half an object", '{"done": ', "not JSON"),
        ("no text", "", "not JSON"),
        ("a list as text", "[1]", "evidence"),
        ("null as text", "null", "evidence"),
        ("text in text", json.dumps(json.dumps(PASSING)), "evidence"),
        ("a name twice", '{"done": "a", "done": "b"}', "more than once"),
        ("a name twice, deep inside", '{"done": {"x": [{"a": 1, "a": 1}]}}', "more than once"),
        ("not a number", '{"done": NaN}', "finite"),
        ("infinity", '{"done": [Infinity]}', "finite"),
        ("too large a fraction", '{"done": 1e999}', "finite"),
        ("an integer beyond 64 bits", {"done": 2**64}, "64 bits"),
        ("an integer of five thousand digits", '{"done": ' + "9" * 5000 + "}", "64 bits"),
        ("an integer far below", {"done": {"n": -(2**63) - 1}}, "done.n"),
        ("65 levels", nested(65), "nested deeper"),
        ("100,000 levels as text", "[" * 100_000, "nested deeper"),
        ("a lone surrogate as text", '{"done": "\\ud800"}', "surrogate"),
        ("a lone surrogate for a name", '{"\\udfff": 1}', "surrogate"),
        ("a lone surrogate for a name inside", '{"done": {"\\udfff": 1}}', "surrogate"),
        ("a name of 201 characters", {"n" * 201: 1}, "201 characters"),
        ("eleven mebibytes", {"done": "x" * (11 * MIB)}, "too large"),
        ("eleven mebibytes as text", json.dumps({"done": "x" * (11 * MIB)}), "too large"),
        ("six million characters of two bytes", {"done": "é" * 6_000_000}, "too large"),
    ]
] + [
    (f"options: {name}", START | {"options": value}, "ValueError", word)
    for name, value, word in [
        ("a list", [1], "options"),
        ("too large", {"o": "x" * (256 * 1024)}, "too large"),
        ("text that is no JSON", "a=1", "not JSON"),
        ("a name twice", '{"a": 1, "a": 2}', "more than once"),
        ("65 levels", nested(65), "nested deeper"),
        ("an integer beyond 64 bits", {"n": 10**20}, "64 bits"),
    ]
]

TEXTS: list[Case] = [
    wrong("workflow: nothing", "workflow_type", **{**START, "workflow_type": ""}),
    wrong("workflow: a number", "workflow_type", action="start", workflow_type=3, target_file="a.py"),
    wrong("workflow: 201 characters", "workflow_type", **{**START, "workflow_type": "w" * 201}),
    wrong("workflow: a path", "workflow", kind="NotFoundError", **{**START, "workflow_type": "../workflows/steps"}),
    wrong("workflow: a hidden folder", "workflow", kind="NotFoundError", **{**START, "workflow_type": ".git"}),
    wrong("workflow: a null byte", "workflow", kind="NotFoundError", **{**START, "workflow_type": "a\x00b"}),
    wrong("category: a list", "category", action="list_workflows", category=["x"]),
    wrong("category: 201 characters", "category", action="list_workflows", category="c" * 201),
    wrong("status: unknown", "status", action="list_sessions", status="open"),
    wrong("status: upper case", "status", action="list_sessions", status="ACTIVE"),
    wrong("reason: 2,001 characters", "reason", action="delete_session", session_id=S, reason="r" * 2001),
    wrong("reason: a number", "reason", action="delete_session", session_id=S, reason=5),
    wrong("note: 2,001 characters", "checkpoint_note", action="pause", session_id=S, checkpoint_note="n" * 2001),
    wrong("note: an object", "checkpoint_note", action="pause", session_id=S, checkpoint_note={}),
    wrong("request id: 11 characters", "request_id", **START, request_id="r" * 11),
    wrong("request id: 101 characters", "request_id", **START, request_id="r" * 101),
    wrong("request id: a number", "request_id", **START, request_id=123456789012),
    wrong("cursor: of nothing", "cursor", action="get_phase", session_id=S, cursor=""),
    wrong("cursor: made up", "cursor", action="get_phase", session_id=S, cursor="abc"),
    wrong("cursor: of another call", "cursor", action="get_phase", session_id=S, cursor="WyJlcnJvcnMiLCAxXQ"),
    wrong("cursor: other letters", "cursor", action="list_sessions", cursor="é"),
    wrong("cursor: 1,001 characters", "cursor", action="get_state", session_id=S, cursor="c" * 1001),
    wrong("cursor: a number", "cursor", action="get_errors", session_id=S, cursor=1),
]

MISPLACED: list[Case] = [
    wrong("unknown parameter", "colour", **START, colour="red"),
    wrong("a parameter in another case", "Target_File", **START, Target_File="b.py"),
    wrong("phase for pause", "phase", action="pause", session_id=S, phase=2),
    wrong("session for start", "session_id", **START, session_id=S),
    wrong("session for list_workflows", "session_id", action="list_workflows", session_id=S),
    wrong("version for start", "expected_version", **START, expected_version=1),
    wrong("request id for a reader", "request_id", action="get_state", session_id=S, request_id="r" * 12),
    wrong("version for a reader", "expected_version", action="get_phase", session_id=S, expected_version=1),
    wrong("cursor for a change", "cursor", action="pause", session_id=S, cursor="c"),
    wrong("limit for list_workflows", "limit", action="list_workflows", limit=5),
    wrong("reset for rollback", "reset_evidence", action="rollback", session_id=S, to_phase=1, reset_evidence=True),
    wrong("reason for pause", "reason", action="pause", session_id=S, reason="r"),
    wrong("evidence for retry", "evidence", action="retry_phase", session_id=S, phase=2, evidence={}),
    wrong("no evidence", "evidence", action="complete_phase", session_id=S, phase=2),
    wrong("evidence null", "evidence", action="complete_phase", session_id=S, phase=2, evidence=None),
    wrong("no session", "session_id", action="resume"),
    wrong("no to_phase", "to_phase", action="rollback", session_id=S),
    wrong("no task", "task_number", action="get_task", session_id=S, phase=2),
]

UNKNOWN: list[Case] = [
    (f"action: {name}", {"action": value}, "ValueError", "action")
    for name, value in {
        "none": None,
        "nothing": "",
        "another": "finish",
        "upper case": "START",
        "with a blank": "start ",
        "a number": 1,
        "true": True,
        "a list": ["start"],
        "an object": {"name": "start"},
        "a megabyte": "start" * 200_000,
        "a person's command": "approve",
        "an attribute of Python": "__class__",
    }.items()
]

CASES = PATHS + IDS + NUMBERS + OBJECTS + TEXTS + MISPLACED + UNKNOWN


@pytest.fixture(scope="module")
def session(server: Wire) -> str:
    home = server.home
    assert home is not None
    (home.project / "way_out").symlink_to("/tmp")  # noqa: S108 - somewhere outside, never written
    (home.project / "file_out").symlink_to("/etc/passwd")
    (home.project / "above").symlink_to("..")
    (home.project / "circle").symlink_to("circle")
    return arrange(server.call, "open")


def test_there_are_many_ways_to_be_wrong() -> None:
    names = [name for name, *_ in CASES]
    assert len(set(names)) == len(names) >= 60


@pytest.mark.requirement("form-errors-name-the-field")
@pytest.mark.requirement("no-path-leaves-the-project")
@pytest.mark.requirement("refusals-change-nothing")
@pytest.mark.parametrize(("given", "error_type", "word"), [pytest.param(*case, id=name) for name, *case in CASES])
def test_what_is_wrong_is_named_and_nothing_is_done(
    ask: Ask, shared_home: Home, session: str, given: Body, error_type: str, word: str
) -> None:
    before = shared_home.tree()
    arguments = {name: session if value == S else value for name, value in given.items()}
    reply = ask(**arguments)
    assert reply["error_type"] == error_type
    assert word in reply["error"]
    assert reply["remediation"]
    if error_type == "ValueError":
        assert ("valid_actions" in reply) == (arguments["action"] not in ACTIONS)
        assert ("fields" in reply) == (arguments["action"] in ACTIONS)
    for entry in reply.get("fields", []):
        assert entry["field"] in reply["error"]
        assert entry["problem"] in reply["error"]
    if "directory traversal" in reply["error"]:
        assert reply["fields"][0]["field"] == "target_file"
    assert len(reply["error"]) < 2_000
    assert shared_home.tree() == before


@pytest.mark.requirement("form-errors-all-at-once")
def test_all_errors_of_form_come_together(ask: Ask, session: str) -> None:
    reply = ask(
        action="complete_phase",
        session_id=session,
        phase="two",
        evidence=[],
        expected_version="v",
        request_id="short",
        cursor="c",
        colour="red",
    )
    assert reply["error_type"] == "ValueError"
    fields = {entry["field"] for entry in reply["fields"]}
    assert fields == {"phase", "evidence", "expected_version", "request_id", "cursor", "colour"}
    assert all(name in reply["error"] for name in fields)
    assert reply["session_id"] == session


@pytest.mark.requirement("form-errors-all-at-once")
def test_thousands_of_unknown_parameters_are_counted_and_not_recited(ask: Ask) -> None:
    reply = ask(action="list_workflows", **{f"parameter_{number}": number for number in range(5000)})
    assert reply["error_type"] == "ValueError"
    assert reply["fields"][0]["field"] == "parameter_0"
    assert "more" in reply["error"]


@pytest.mark.requirement("form-errors-name-the-field")
def test_an_unknown_parameter_of_any_length_is_named_in_part(ask: Ask) -> None:
    reply = ask(action="list_workflows", **{"p" * 100_000: 1})
    assert reply["fields"][0]["field"].startswith("ppp")


@pytest.mark.requirement("unknown-action")
def test_a_near_miss_is_told_what_was_meant(ask: Ask) -> None:
    assert "complete_phase" in ask(action="completephase")["remediation"]


@pytest.mark.requirement("null-is-absent")
def test_null_is_as_good_as_absent(ask: Ask) -> None:
    reply = ask(action="start", workflow_type="steps", target_file="a.py", options=None, request_id=None, phase=None)
    assert reply["status"] == "success"
    nulls = ask(action="list_sessions", status=None, limit=None, cursor=None, colour=None)
    assert nulls["status"] == "success"


@pytest.mark.requirement("objects-as-text")
def test_an_object_may_come_as_text(ask: Ask) -> None:
    started = ask(action="start", workflow_type="steps", target_file="a.py", options='{"depth": 2, "none": null}')
    session = started["session_id"]
    assert ask(action="get_session", session_id=session)["session"]["options"] == {"depth": 2, "none": None}
    passed = ask(action="complete_phase", session_id=session, phase=1, evidence=json.dumps(PASSING))
    assert passed["checkpoint_passed"] is True


@pytest.mark.requirement("target-file")
@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (".", "."),
        ("./src//a.py", "src/a.py"),
        ("not/there/yet.py", "not/there/yet.py"),
        ("-rf", "-rf"),
        ("..hidden", "..hidden"),
        ("%2e%2e/%2e%2e/etc/passwd", "%2e%2e/%2e%2e/etc/passwd"),
        ("\u2024\u2024/x", "\u2024\u2024/x"),
        ("naïve/日本.py", "naïve/日本.py"),
        ("a b'c\"d;$(e).py", "a b'c\"d;$(e).py"),
    ],
)
def test_any_name_inside_the_project_may_be_a_target(ask: Ask, given: str, kept: str) -> None:
    reply = ask(action="start", workflow_type="steps", target_file=given)
    assert reply["target_file"] == kept
    assert set(reply["session_id"]) <= set("abcdefghijklmnopqrstuvwxyz0123456789_")


@pytest.mark.requirement("evidence-of-ten-mebibytes")
def test_evidence_of_just_ten_mebibytes_is_taken(ask: Ask) -> None:
    session = arrange(ask, "open")
    room = 10 * MIB - len('{"done":""}')
    reply = ask(action="complete_phase", session_id=session, phase=2, evidence={"done": "x" * room})
    assert reply["checkpoint_passed"] is True
    over = ask(action="complete_phase", session_id=session, phase=3, evidence={"done": "x" * (room + 1)})
    assert "too large" in over["error"]


@pytest.mark.requirement("objects-as-text")
def test_64_levels_and_64_bits_are_kept_as_they_are(ask: Ask) -> None:
    session = arrange(ask, "open")
    evidence = {"done": "x", **nested(62), "n": 2**64 - 1, "m": -(2**63), "f": 0.1, "u": "\u0000é\U0001f600"}
    assert ask(action="complete_phase", session_id=session, phase=2, evidence=evidence)["checkpoint_passed"] is True
    items = ask(action="get_session", session_id=session, phase=2)["evidence"]["items"]
    assert {item["name"]: item["value"] for item in items} == evidence
