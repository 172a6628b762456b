"""The catalogue: fourteen actions, one file each. Schema, validation and documentation derive from this tuple."""

from typing import Final

from mcp_server.actions import (
    complete_phase,
    delete_session,
    get_errors,
    get_phase,
    get_session,
    get_state,
    get_task,
    list_sessions,
    list_workflows,
    pause,
    resume,
    retry_phase,
    rollback,
    start,
)
from mcp_server.actions.action import AnyAction

ACTIONS: Final[tuple[AnyAction, ...]] = (
    list_workflows.ACTION,
    start.ACTION,
    get_phase.ACTION,
    get_task.ACTION,
    complete_phase.ACTION,
    get_state.ACTION,
    list_sessions.ACTION,
    get_session.ACTION,
    delete_session.ACTION,
    pause.ACTION,
    resume.ACTION,
    retry_phase.ACTION,
    rollback.ACTION,
    get_errors.ACTION,
)
"""In the order in which a newcomer would meet them."""
