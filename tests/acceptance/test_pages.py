"""No reply is over 80,000 bytes, whatever a definition or an assistant puts in, and the pages together are all of it.

Every reply in these tests is weighed by ``checked``.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcp_server.actions.paging import MAX_REPLY_BYTES
from tests.support import PASSING, Ask, Body, Home, arrange, compact, field
from tests.wire import Wire

pytestmark = pytest.mark.acceptance

WIDE = "\U0001f9ed"
"""A character of four bytes."""
NARROW = "\x01"
"""A character that takes six bytes as JSON."""


def pages(ask: Ask, **arguments: Any) -> list[Body]:
    """All pages of a reading call."""
    found = [ask(**arguments)]
    arguments.pop("cursor", None)
    while "next_cursor" in found[-1]:
        assert len(found) < 500, "the pages never end"
        found.append(ask(**arguments, cursor=found[-1]["next_cursor"]))
    assert all(page["status"] == "success" for page in found)
    return found


def texts(parts: list[Body], *path: str) -> str:
    return "".join(_at(part, path) for part in parts)


def lists(parts: list[Body], *path: str) -> list[Any]:
    return [item for part in parts for item in _at(part, path)]


def dicts(parts: list[Body], *path: str) -> Body:
    return {name: value for part in parts for name, value in _at(part, path).items()}


def _at(part: Body, path: tuple[str, ...]) -> Any:
    found: Any = part
    for name in path:
        found = found[name]
    return found


def define_large(home: Home, name: str = "large") -> dict[str, Any]:
    """A workflow in which everything is long, and what it should read like."""
    instructions = "# Long\n\n" + "".join(f"{number} {WIDE * 3} und so weiter\n" for number in range(9_000))
    purpose = "Why " * 30_000
    fields = {
        f"a_field_of_a_long_name_{number:04}": field(validator="non_empty", description=f"The {number}. {WIDE * 40}")
        for number in range(900)
    }
    body = "# A task\n\nIt is long.\n\n" + "".join(
        f"## Step {number}: Do {WIDE * 10}\n\n{'words ' * 40}\n\n```bash\necho {number}\n```\n\n"
        for number in range(1, 700)
    )
    tasks = {f"task-{number}-{'n' * 100}.md": f"# Task {number} {'t' * 200}\n\nDo.\n" for number in range(2, 400)}
    home.define(
        name,
        [
            {
                "number": 1,
                "gate": {"max_attempts": 0, "evidence_schema": fields},
                "text": instructions,
                "purpose": purpose,
                "tasks": {"task-1-long.md": body, **tasks},
            },
            {"number": 2, "gate": {"evidence_schema": {"done": field()}}, "text": instructions},
        ],
    )  # fmt: skip
    return {"instructions": instructions, "purpose": purpose, "fields": fields, "body": body, "tasks": 399}


@pytest.mark.requirement("replies-stay-small")
@pytest.mark.requirement("a-change-is-continued-with-get-phase")
def test_a_long_phase_is_read_in_pages_that_are_all_of_it(home: Home) -> None:
    large = define_large(home)
    with Wire(home) as wire:
        started = wire.call(action="start", workflow_type="large", target_file="a.py")
        assert "next_cursor" in started
        session = started["session_id"]
        whole = pages(wire.call, action="get_phase", session_id=session)
        after_start = pages(wire.call, action="get_phase", session_id=session, cursor=started["next_cursor"])
    assert all(len(compact(page)) > 20_000 for page in whole[:-1])
    for parts in (whole, [started, *after_start]):
        assert texts(parts, "phase_content", "instructions").strip() == large["instructions"].strip()
        assert texts(parts, "phase_content", "description").strip() == large["purpose"].strip()
        assert lists(parts, "phase_content", "checkpoint", "required_evidence") == list(large["fields"])
        properties = dicts(parts, "phase_content", "checkpoint", "evidence_schema", "properties")
        assert {name: part["description"] for name, part in properties.items()} == {
            name: part["description"] for name, part in large["fields"].items()
        }
        numbers = [task["task_number"] for task in lists(parts, "phase_content", "tasks")]
        assert numbers == list(range(1, large["tasks"] + 1))


@pytest.mark.requirement("replies-stay-small")
def test_a_long_task_is_read_in_pages_that_are_all_of_it(home: Home) -> None:
    large = define_large(home)
    ask = home.asking()
    session = ask(action="start", workflow_type="large", target_file="a.py")["session_id"]
    parts = pages(ask, action="get_task", session_id=session, phase=1, task_number=1)
    assert len(parts) > 2
    assert texts(parts, "task_content", "instructions").strip() == large["body"].strip()
    steps = lists(parts, "task_content", "execution_steps")
    assert [step["step"] for step in steps] == list(range(1, 700))
    assert steps[-1]["commands"] == ["echo 699"]


@pytest.mark.requirement("replies-stay-small")
def test_hundreds_of_findings_fit_into_one_refusal(home: Home) -> None:
    large = define_large(home)
    ask = home.asking()
    session = ask(action="start", workflow_type="large", target_file="a.py")["session_id"]
    nothing = ask(action="complete_phase", session_id=session, phase=1, evidence={})
    assert nothing["missing_evidence"][0] == "a_field_of_a_long_name_0000"
    shown = len(nothing["missing_evidence"]) - 1
    assert shown > 300
    assert nothing["missing_evidence"][-1] == f"and {900 - shown} more"
    wrong = ask(action="complete_phase", session_id=session, phase=1, evidence=dict.fromkeys(large["fields"], 7))
    assert wrong["validation_errors"][0]["field"] == "a_field_of_a_long_name_0000"
    assert "more" in wrong["validation_errors"][-1]["problem"]
    assert len(lists(pages(ask, action="get_state", session_id=session), "outstanding_evidence")) == 900


@pytest.mark.requirement("replies-stay-small")
def test_a_hundred_refusals_are_read_in_pages_oldest_first(home: Home) -> None:
    define_large(home)
    ask = home.asking()
    session = ask(action="start", workflow_type="large", target_file="a.py")["session_id"]
    for number in range(30):
        ask(action="complete_phase", session_id=session, phase=1, evidence={f"a_field_of_a_long_name_{number:04}": "x"})
    parts = pages(ask, action="get_errors", session_id=session)
    assert len(parts) > 5
    assert [error["attempt"] for error in lists(parts, "errors")] == list(range(1, 31))
    assert {part["error_count"] for part in parts} == {30}
    retried = ask(action="retry_phase", session_id=session, phase=1)
    assert [error["attempt"] for error in retried["previous_errors"]] == [28, 29, 30]


@pytest.mark.requirement("replies-stay-small")
@pytest.mark.parametrize("letter", ["x", WIDE, NARROW])
def test_long_texts_of_a_definition_never_make_a_reply_too_large(home: Home, letter: str) -> None:
    long = letter * 25_000
    gate = {
        "evidence_schema": {
            "done": field(validator="one_of", validator_params={"values": [long, long + "x"]}, description=long),
            "rule": field("integer"),
        },
        "cross_field_validation": [{"rule": "lambda e: e['rule'] > 5", "error_message": long}],
        "on_no_go": {"advise": long},
        "max_attempts": 9,
        "checkpoint": {"strict": False},
    }
    blocking = {
        "evidence_schema": {"done": field()},
        "checks": [{"id": f"check_{n}", "description": long, "run": ["x"], "pass": {"exit_code": 0}} for n in range(5)],
    }
    task = f"# {letter * 3000}\n\n{long}\n\n## Step 1: {letter * 3000}\n\n{long}\n\n" + f"```\n{long}\n```\n" * 4
    home.define(
        "wordy",
        [
            {"number": 1, "gate": gate, "name": long, "purpose": long, "tasks": {"task-1-a.md": task}, "text": long},
            {"number": 2, "gate": blocking, "name": long},
        ],
        estimated_duration=long,
        tags=[letter * 900] * 21,
        target_languages=[letter * 900] * 21,
        artifacts=[letter * 900] * 21,
    )  # fmt: skip
    ask = home.asking()
    listed = pages(ask, action="list_workflows")
    assert lists(listed, "invalid") == []
    assert "wordy" in {one["workflow_type"] for one in lists(listed, "workflows")}
    target = "/".join(["ab\"'" * 25] * 40)
    started = ask(action="start", workflow_type="wordy", target_file=target)
    session = started["session_id"]
    pages(ask, action="get_phase", session_id=session)
    task_pages = pages(ask, action="get_task", session_id=session, phase=1, task_number=1)
    assert texts(task_pages, "task_content", "instructions").count(letter) >= 5 * 25_000
    first = ask(action="complete_phase", session_id=session, phase=1, evidence={"done": "no", "rule": 1})
    assert {error["field"] for error in first["validation_errors"]} == {"done", "rule"}
    assert first["advice"].startswith(letter)
    ask(action="complete_phase", session_id=session, phase=1, evidence={})
    pages(ask, action="get_errors", session_id=session)
    ask(action="retry_phase", session_id=session, phase=1)
    pages(ask, action="get_state", session_id=session)
    pages(ask, action="get_session", session_id=session, phase=1)
    ask(action="pause", session_id=session, checkpoint_note=letter * 2000)
    assert len(ask(action="get_state", session_id=session)["summary"].split()) <= 150
    ask(action="resume", session_id=session)
    passed = ask(action="complete_phase", session_id=session, phase=1, evidence={"done": long, "rule": 6})
    assert passed["checkpoint_passed"] is True
    ask(action="complete_phase", session_id=session, phase=2, evidence={"done": "x"})
    pages(ask, action="get_errors", session_id=session)
    ask(action="rollback", session_id=session, to_phase=1)
    ask(action="get_task", session_id=session, phase=7, task_number=1)


@pytest.mark.requirement("large-values-come-back-in-full")
def test_values_of_any_size_come_back_in_full(server: Wire) -> None:
    session = arrange(server.call, "open")
    evidence: Body = {
        "done": "just over a kibibyte " * 50,
        "nine_mebibytes": {"text": ("n" + WIDE) * (9 * 1024 * 1024 // 5)},
        "list": [{"number": number, "text": "é" * 30} for number in range(2_000)],
        "small": [1, None, {"a": 0.5}],
    }
    assert server.call(action="complete_phase", session_id=session, phase=2, evidence=evidence)["checkpoint_passed"]
    state = server.call(action="get_state", session_id=session)["artifacts"]["phase_2"]
    assert state["small"] == evidence["small"]
    assert state["nine_mebibytes"]["bytes"] == len(compact(evidence["nine_mebibytes"]).encode())
    found: dict[str, Any] = {}
    pieces: dict[str, str] = {}
    for item in lists(pages(server.call, action="get_session", session_id=session, phase=2), "evidence", "items"):
        if "json" in item:
            pieces[item["name"]] = pieces.get(item["name"], "") + item["json"]
        else:
            found[item["name"]] = item["value"]
    found |= {name: json.loads(text) for name, text in pieces.items()}
    assert found == evidence


@pytest.mark.requirement("large-values-come-back-in-full")
def test_options_of_any_size_come_back_in_full(ask: Ask) -> None:
    options: Body = {f"option_{number}": "o" * 500 for number in range(200)} | {"large": ["l" * 40] * 3000}
    session = ask(action="start", workflow_type="steps", target_file="o.py", options=options)["session_id"]
    parts = pages(ask, action="get_session", session_id=session)
    shown = dicts(parts, "session", "options")
    assert set(shown["large"]) == {"bytes", "sha256"}
    text = "".join(item["json"] for part in parts for item in part.get("large_options", []))
    assert {**shown, "large": json.loads(text)} == options


@pytest.mark.requirement("replies-stay-small")
def test_thousands_of_artifacts_are_listed_in_pages(ask: Ask) -> None:
    session = arrange(ask, "open")
    names = [f"{WIDE * 150}{number}" for number in range(1_500)]
    passed = ask(action="complete_phase", session_id=session, phase=2, evidence={**PASSING, **dict.fromkeys(names, 1)})
    assert passed["checkpoint_passed"] is True
    parts = pages(ask, action="get_state", session_id=session)
    assert len(parts) > 3
    assert {name for part in parts for name in part["artifacts"].get("phase_2", {})} == {"done", *names}
    earlier = ask(action="get_phase", session_id=session)["phase_content"]["artifacts_from_previous_phases"]
    assert earlier["phase_2"][-1].endswith("more")


@pytest.mark.requirement("replies-stay-small")
def test_hundreds_of_workflows_are_listed_in_pages(home: Home) -> None:
    there = home.asking()(action="list_workflows")["count"]
    for number in range(150):
        home.define(
            f"w{number:03}", [{"number": 1}], description="d" * 2000, category=f"{number}" * 60, tags=["t" * 100] * 5
        )
    for number in range(150):
        home.write({f".praxis-os/workflows/broken{number:03}/metadata.json": "{" + "x" * 500})
    parts = pages(home.asking(), action="list_workflows")
    assert len(parts) > 2
    names = [one["workflow_type"] for one in lists(parts, "workflows")]
    assert names == sorted(names)
    assert len(names) == parts[0]["count"] == 150 + there
    assert len(lists(parts, "invalid")) == 150
    assert len(lists(parts, "categories")) == len(set(lists(parts, "categories"))) >= 150


@pytest.mark.requirement("list-sessions")
def test_sessions_are_paged_newest_first_and_in_place_while_others_write(home: Home) -> None:
    ask, other = home.asking(), home.asking()
    ids = [ask(action="start", workflow_type="steps", target_file=f"{n}.py")["session_id"] for n in range(23)]
    seen: list[Body] = []
    page = ask(action="list_sessions", limit=5)
    while True:
        assert page["count"] == len(page["sessions"])
        seen += page["sessions"]
        if "next_cursor" not in page:
            break
        assert page["count"] == 5
        # Between two pages: a new session, one of those to come changed, one of those seen deleted.
        other(action="start", workflow_type="steps", target_file="new.py")
        other(action="complete_phase", session_id=ids[2], phase=1, evidence={})
        other(action="delete_session", session_id=seen[-1]["session_id"])
        page = ask(action="list_sessions", limit=5, cursor=page["next_cursor"])
    assert [one["session_id"] for one in seen] == ids[::-1]
    assert [one["created_at"] for one in seen] == sorted((one["created_at"] for one in seen), reverse=True)


@pytest.mark.requirement("list-sessions")
def test_as_many_sessions_as_are_asked_for_still_fit_a_reply(home: Home) -> None:
    ask = home.asking()
    target = "/".join([WIDE * 60] * 12)
    for _ in range(60):
        ask(action="start", workflow_type="steps", target_file=target)
    parts = pages(ask, action="list_sessions", limit=500)
    assert len(parts) > 1
    assert len({one["session_id"] for one in lists(parts, "sessions")}) == parts[0]["total"] == 60


@pytest.mark.requirement("corrupt-hides-no-other")
def test_more_corrupt_sessions_than_fit_are_counted(home: Home) -> None:
    ask = home.asking()
    session = arrange(ask, "open")
    for number in range(70):
        (home.state / "workflows" / f"broken_{number}.json").write_text("{")
    reply = ask(action="list_sessions")
    assert [one["session_id"] for one in reply["sessions"]] == [session]
    assert len(reply["corrupt"]) == 50
    assert reply["warnings"] == ["20 more sessions cannot be trusted; pos-workflow doctor lists them."]


def test_a_page_is_weighed_as_it_is_sent() -> None:
    assert MAX_REPLY_BYTES == 80_000
    assert len(compact({"a": WIDE}).encode()) == len('{"a":"') + 4 + len('"}')
