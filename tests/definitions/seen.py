"""What an assistant sees of a definition: asked of the tool, page by page, from start to completion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.support import Ask, Body

_HONEST: Body = {"boolean": True, "integer": 1, "number": 1, "string": "shown", "array": ["shown"], "object": {"a": 1}}


@dataclass(frozen=True)
class SeenTask:
    """A task as ``get_task`` gives it."""

    title: str
    instructions: str = ""
    missing: bool = False


@dataclass(frozen=True)
class Seen:
    """A phase as ``get_phase`` gives it, with its tasks by number."""

    number: int
    title: str
    instructions: str = ""
    required: list[str] = field(default_factory=list[str])
    tasks: dict[int, SeenTask] = field(default_factory=dict[int, SeenTask])


def begun(ask: Ask, workflow: str, **options: Any) -> Body:
    """The reply to a start that succeeds."""
    reply = ask(action="start", workflow_type=workflow, target_file="src/a.py", options=options)
    assert reply["status"] == "success", reply
    return reply


def pages(ask: Ask, **arguments: Any) -> Iterator[Body]:
    """Every page of a reading action."""
    reply = ask(**arguments)
    while True:
        assert reply["status"] == "success", reply
        yield reply
        if "next_cursor" not in reply:
            return
        reply = ask(**arguments, cursor=reply["next_cursor"])


def task(ask: Ask, session_id: str, phase: int, number: int) -> Body:
    """A whole task, its pages put together."""
    found = [
        page["task_content"]
        for page in pages(ask, action="get_task", session_id=session_id, phase=phase, task_number=number)
    ]
    whole = dict(found[0])
    for page in found[1:]:
        for part in ("instructions", "execution_steps", "artifacts_to_produce"):
            whole[part] += page[part]
    return whole


def phase(ask: Ask, session_id: str) -> Seen:
    """The whole current phase with all of its tasks."""
    contents = [page["phase_content"] for page in pages(ask, action="get_phase", session_id=session_id)]
    number = contents[0]["phase_number"]
    tasks: dict[int, SeenTask] = {}
    for listed in (entry for content in contents for entry in content["tasks"]):
        content = task(ask, session_id, number, listed["task_number"])
        assert content["title"] == listed["title"]
        tasks[listed["task_number"]] = SeenTask(
            content["title"], content["instructions"], content.get("missing", False)
        )
    required = [name for content in contents for name in content["checkpoint"]["required_evidence"]]
    instructions = "".join(content["instructions"] for content in contents)
    return Seen(number, contents[0]["title"], instructions, required, tasks)


def honest(ask: Ask, session_id: str) -> Body:
    """Evidence in the form that the current phase asks for."""
    evidence: Body = {}
    for page in pages(ask, action="get_phase", session_id=session_id):
        checkpoint = page["phase_content"]["checkpoint"]
        properties = checkpoint["evidence_schema"]["properties"]
        evidence |= {name: _HONEST[properties[name].get("type", "string")] for name in properties}
    return evidence


def walked(ask: Ask, workflow: str, **options: Any) -> list[Seen]:
    """All phases of a workflow as they are seen on the way through it, each gate refusing what shows nothing."""
    session_id = begun(ask, workflow, **options)["session_id"]
    found: list[Seen] = []
    while True:
        found.append(phase(ask, session_id))
        number = found[-1].number
        evidence = honest(ask, session_id)
        for nothing in ({}, dict.fromkeys(found[-1].required, False)):
            refused = ask(action="complete_phase", session_id=session_id, phase=number, evidence=nothing)
            assert refused["error_type"] == "ValidationError", refused
        passed = ask(action="complete_phase", session_id=session_id, phase=number, evidence=evidence)
        assert passed["status"] == "success", passed
        if passed.get("workflow_completed"):
            return found
