"""Calls that read, beside a call that does nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.client import Client
from benchmarks.figures import Figure, Setting, beside, in_turn

WORKFLOW = "test_generation_v3"


def figures(setting: Setting) -> list[Figure]:
    """A row for each of the actions that an assistant asks most."""
    with setting.home() as home, Client.bare(home.user) as bare, Client.of(home) as server:
        session_id = server.call(action="start", workflow_type=WORKFLOW, target_file="shop.py")["session_id"]

        def reading(**arguments: Any) -> Callable[[], float]:
            return lambda: server.timed(session_id=session_id, **arguments)[0]

        no_op, *taken = in_turn(
            setting.count(300),
            bare.no_op,
            reading(action="get_state"),
            reading(action="get_phase"),
            reading(action="get_task", phase=1, task_number=1),
        )
    names = ("get_state", "get_phase", "get_task")
    return [beside(name, value, "ms", ("no-op", no_op), 1.6) for name, value in zip(names, taken, strict=True)]
