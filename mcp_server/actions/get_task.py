"""``get_task``: read one task."""

from __future__ import annotations

from typing import Any

from mcp_server.actions.action import Action, Answer, Params, Part, Reply
from mcp_server.actions.content import TITLE_BYTES
from mcp_server.actions.fields import Cursor, PhaseNumber, SessionId, TaskNumber
from mcp_server.actions.paging import Pager, clipped
from mcp_server.definitions.tasks import task_content
from mcp_server.domain.definition import Step, TaskContent
from mcp_server.engine import Engine, require_phase

SHOWN = 4_000
OUTLINE = 120
"""Bytes of a command, and of a step's description, that are shown beside the instructions, which hold all of it."""


class GetTask(Params):
    """Read one task of the current phase, or of an earlier one.

    A long task comes in pages: ``instructions`` first, then steps and artifacts.
    """

    session_id: SessionId
    phase: PhaseNumber
    task_number: TaskNumber
    cursor: Cursor | None = None


class TaskStep(Part):
    """One step, its ``description`` in brief; ``commands`` are meant for the assistant, the server runs none."""

    step: int
    title: str
    description: str
    commands: list[str]


class Task(Part):
    """A task; ``instructions`` is its whole Markdown, ``missing`` that the definition names a file it does not have."""

    title: str
    description: str
    instructions: str
    execution_steps: list[TaskStep]
    artifacts_to_produce: list[str]
    estimated_duration: str | None = None
    missing: bool | None = None


class OneTask(Reply):
    """The task, and the number of the one that follows in the phase."""

    phase: int
    task_number: int
    task_content: Task
    next_task: int | None = None


def run(engine: Engine, params: GetTask) -> Answer:
    """Show the task."""
    view, task = engine.task(params.session_id, params.phase, params.task_number)
    numbers = [one.number for one in require_phase(view.workflow, params.phase).tasks]
    pager = Pager(f"task {params.session_id} {params.phase} {params.task_number}", params.cursor)
    reply = OneTask(
        phase=params.phase,
        task_number=task.number,
        task_content=_page(task_content(task), pager),
        next_task=next((number for number in numbers if number > task.number), None),
        next_cursor=pager.next_cursor,
    )
    current = params.phase == view.session.current_phase
    return Answer(reply, view.session, task=task.number if current else None)


def _page(content: TaskContent, pager: Pager) -> Task:
    instructions = pager.text(content.instructions)
    return Task(
        title=clipped(content.title, TITLE_BYTES),
        description=clipped(content.description, SHOWN),
        instructions=instructions,
        execution_steps=[TaskStep.model_validate(step) for step in pager.items(map(_shown, content.execution_steps))],
        artifacts_to_produce=pager.items(clipped(text, SHOWN) for text in content.artifacts_to_produce),
        estimated_duration=clipped(content.estimated_duration, TITLE_BYTES) if content.estimated_duration else None,
        missing=content.missing or None,
    )


def _shown(step: Step) -> dict[str, Any]:
    return {
        "step": step.step,
        "title": clipped(step.title, TITLE_BYTES),
        "description": clipped(step.description, OUTLINE),
        "commands": [clipped(command, SHOWN) for command in step.commands[:10]],
    }


ACTION = Action("get_task", GetTask, OneTask, run)
