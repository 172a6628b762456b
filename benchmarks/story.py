"""A whole workflow as an assistant goes through it: the bytes of what it reads, and how often definitions are read."""

from __future__ import annotations

import copy
import json
import statistics
from collections.abc import Iterator
from typing import Any, Final

from benchmarks.calls import WORKFLOW
from benchmarks.figures import Figure, Setting
from mcp_server import logs
from mcp_server.actions.schema import tool_definition
from mcp_server.cli.evidence import honest_evidence, write_files
from mcp_server.definitions import counted
from tests.support import ACTIONS, Ask, Body, Home
from tests.trusting import trust

LONG: Final = (WORKFLOW, 5)
SHORT: Final = ("spec_creation_v1", 2)
"""A workflow that ships, and the phase in which the assistant is refused, loses its context and goes back a step."""
GOALS: Final = {"get_state": 3_000}
"""The bytes that a reply may have."""


def figures(setting: Setting) -> list[Figure]:
    """A row for the cache, one for the tool's definition, and one for each action's typical reply."""
    logs.configure("warning")
    workflow, middle = LONG if setting.less <= 10 else SHORT
    with setting.home() as home:
        trust(home, workflow)
        ask = home.asking()
        # What a server reads once in its life is not a part of this workflow's.
        ask(action="list_workflows")
        folders, pinned = copy.copy(counted.FOLDERS), copy.copy(counted.PINNED)
        replies: dict[str, list[int]] = {}
        for reply in walk(home, ask, workflow, middle):
            replies.setdefault(_kind(reply), []).append(_bytes(reply))
    wanted = counted.FOLDERS.wanted - folders.wanted + counted.PINNED.wanted - pinned.wanted
    read = counted.FOLDERS.read - folders.read + counted.PINNED.read - pinned.read
    hits = f"definitions from the cache, {wanted} wanted in {sum(map(len, replies.values()))} calls"
    return [
        Figure(hits, 100 * (1 - read / wanted), "%", goal="> 99 %", bound=99.0, at_least=True),
        _bytes_of("the tool's definition", _bytes(tool_definition()), 5_500),
        *(
            _bytes_of(f"reply of {kind}", statistics.median(sizes), GOALS.get(kind))
            for kind, sizes in sorted(replies.items(), key=lambda one: ACTIONS.index(one[0].split(",")[0]))
        ),
    ]


def walk(home: Home, ask: Ask, workflow: str, middle: int) -> Iterator[Body]:
    """Each reply, in order."""
    honest = next(one for one in honest_evidence() if one.workflow == workflow)
    honest.write_files(home.project)
    yield ask(action="list_workflows")
    started = ask(action="start", workflow_type=workflow, target_file=honest.target, options=honest.options)
    yield started

    def of(action: str, **arguments: Any) -> Body:
        return ask(action=action, session_id=started["session_id"], **arguments)

    for phase, evidence in honest.evidence.items():
        content = of("get_phase")
        yield content
        for task in content["phase_content"]["tasks"]:
            yield of("get_task", phase=phase, task_number=task["task_number"])
        if phase == middle:
            yield of("complete_phase", phase=phase, evidence={})
            yield of("get_errors")
            yield of("retry_phase", phase=phase)
            yield of("pause", checkpoint_note="The person goes home.")
            yield of("resume")
            yield of("get_state")
            yield ask(action="list_sessions")
            yield of("get_session")
            yield of("rollback", to_phase=phase - 1)
            yield of("complete_phase", phase=phase - 1, evidence=honest.evidence[phase - 1])
        write_files(home.project, honest.step(phase).files)
        yield of("complete_phase", phase=phase, evidence=evidence)
    yield of("delete_session", reason="It was a trial.")


def _kind(reply: Body) -> str:
    """The action; of an attempt also what came of it."""
    action: str = reply["action"]
    if reply["status"] == "success":
        return action
    if reply["error_type"] != "ValidationError":
        raise RuntimeError(f"the walk through the workflow went astray: {reply}")
    return f"{action}, refused"


def _bytes(body: Body) -> int:
    return len(json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode())


def _bytes_of(name: str, size: float, goal: int | None) -> Figure:
    return Figure(name, size, "bytes", goal=f"≤ {goal:,} bytes" if goal else "", bound=goal)
