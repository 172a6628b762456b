"""The tool as it is published: one flat schema folded from the actions' models, and the texts that models read."""

from __future__ import annotations

from typing import Any, Final

from mcp_server.actions import ACTIONS
from mcp_server.actions.action import AnyAction

TOOL_NAME: Final = "pos_workflow"

DESCRIPTION: Final = (
    "Work through a multi-phase workflow whose gates are checked by this server. Loop: list_workflows; start "
    "(workflow_type, target_file, options) gives a session_id and the first phase; get_task reads each of its tasks; "
    "do the work for real; complete_phase submits the evidence that phase_content.checkpoint asks for. A gate that "
    "says no names everything that is missing or wrong: do that work and submit all the evidence again. A gate that "
    "says yes opens the next phase, until workflow_completed. What the server cannot check is recorded as your word: "
    "report only what is so. Every reply about a session has next_actions, the calls that make sense next; fill names "
    "the arguments to add. After losing context: list_sessions, then get_state. pause/resume interrupt and go on; "
    "retry_phase and rollback repeat the current or an earlier phase; get_errors lists refusals; get_session is the "
    "whole record. next_cursor means more: repeat the call (after a change: get_phase) with it as cursor."
)

OUTPUT_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "status": {"type": "string", "enum": ["success", "error"]},
        "action": {"type": "string"},
        "session_id": {"type": "string"},
        "version": {"type": "integer"},
        "session_status": {"type": "string"},
        "next_actions": {"type": "array", "items": {"type": "object"}},
        "error": {"type": "string"},
        "error_type": {"type": "string"},
        "remediation": {"type": "string"},
    },
    "required": ["status", "action"],
}
"""The envelope that success and error share."""

ANNOTATIONS: Final[dict[str, bool]] = {
    "readOnlyHint": False,
    "destructiveHint": True,
    "idempotentHint": False,
    "openWorldHint": False,
}
"""They are per tool, and one of the fourteen actions deletes."""

_KEPT: Final = frozenset({"type", "enum", "pattern", "minimum", "maximum", "minLength", "maxLength"})


def input_schema(actions: tuple[AnyAction, ...] = ACTIONS) -> dict[str, Any]:
    """The parameters of all actions as one flat object: no ``$ref``, no root combinators, no null unions.

    Raises ValueError when two actions define a parameter of the same name differently.
    """
    properties: dict[str, dict[str, Any]] = {
        "action": {"type": "string", "enum": [action.name for action in actions], "description": "What to do."}
    }
    users: dict[str, list[str]] = {}
    for action in actions:
        schema = action.params.model_json_schema()
        for name, part in schema["properties"].items():
            folded = _folded(part)
            if properties.setdefault(name, folded) != folded:
                raise ValueError(f"{action.name} defines {name} differently from {users[name]}")
            users.setdefault(name, []).append(action.name + ("" if name in schema.get("required", ()) else "?"))
    for name, used_by in users.items():
        described = properties[name]
        described["description"] = f"{described['description']} Used by: {_users(used_by, actions)}."
    return {"type": "object", "properties": properties, "required": ["action"]}


def _folded(part: dict[str, Any]) -> dict[str, Any]:
    """A parameter without what only the validation needs: titles, defaults, and the null that stands for absent."""
    given = next((one for one in part.get("anyOf", ()) if one.get("type") != "null"), part)
    described = part.get("description") or given.get("description", "")
    return {**{key: value for key, value in given.items() if key in _KEPT}, "description": described}


def _users(used_by: list[str], actions: tuple[AnyAction, ...]) -> str:
    """The actions that take a parameter, ``?`` where it is optional; large groups by their name."""
    optional = {name.removesuffix("?") for name in used_by if name.endswith("?")}
    changing = {action.name for action in actions if action.mutating}
    if optional == changing:
        return "all that change something?"
    if optional == changing - {"start"}:
        return "all that change a session?"
    required = {name for name in used_by if not name.endswith("?")}
    rest = [action.name for action in actions if action.name not in required]
    if not optional and len(rest) <= 3 < len(required):
        return f"all but {', '.join(rest)}"
    if optional == {action.name for action in actions if not action.mutating}:
        return "all that read?"
    return ", ".join(used_by)


def tool_definition() -> dict[str, Any]:
    """The tool as it stands in ``tools/list``."""
    return {
        "name": TOOL_NAME,
        "description": DESCRIPTION,
        "inputSchema": input_schema(),
        "outputSchema": OUTPUT_SCHEMA,
        "annotations": ANNOTATIONS,
    }
