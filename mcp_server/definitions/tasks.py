"""What a task's Markdown says: its steps, its commands and what it is to produce."""

from __future__ import annotations

from mcp_server.domain.definition import Task, TaskContent


def task_content(task: Task) -> TaskContent:
    """The structured content of a task; ``instructions`` is its Markdown verbatim."""
    raise NotImplementedError
