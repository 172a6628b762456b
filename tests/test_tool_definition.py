"""What is published of the tool: small, flat, the same as it was, and folded from the actions.

When a change of the published definition is meant, renew its snapshot and read the difference:

    RENEW_SNAPSHOTS=1 pytest tests/test_tool_definition.py
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import pytest
from jsonschema import Draft202012Validator
from mcp import Client
from pydantic import Field

from mcp_server.actions import ACTIONS, get_state, pause
from mcp_server.actions.action import Params
from mcp_server.actions.schema import DESCRIPTION, input_schema, tool_definition
from mcp_server.definitions.library import Library
from mcp_server.engine import Engine
from mcp_server.server import build_server
from mcp_server.server.identity import INSTRUCTIONS
from tests.support import ACTIONS as NAMES
from tests.support import MUTATING, READING, compact

pytestmark = pytest.mark.unit

SNAPSHOT = Path(__file__).parent / "snapshots" / "pos_workflow.json"
SCHEMA: dict[str, Any] = input_schema()

CONTRACT: dict[str, tuple[str, set[str], set[str]]] = {
    "session_id": ("string", set(NAMES) - {"list_workflows", "start", "list_sessions"}, set()),
    "workflow_type": ("string", {"start"}, set()),
    "target_file": ("string", {"start"}, set()),
    "options": ("object", set(), {"start"}),
    "category": ("string", set(), {"list_workflows"}),
    "phase": ("integer", {"get_task", "complete_phase", "retry_phase"}, {"get_session"}),
    "task_number": ("integer", {"get_task"}, set()),
    "evidence": ("object", {"complete_phase"}, set()),
    "status": ("string", set(), {"list_sessions"}),
    "limit": ("integer", set(), {"list_sessions"}),
    "cursor": ("string", set(), set(READING)),
    "reason": ("string", set(), {"delete_session"}),
    "checkpoint_note": ("string", set(), {"pause"}),
    "reset_evidence": ("boolean", set(), {"retry_phase"}),
    "to_phase": ("integer", {"rollback"}, set()),
    "expected_version": ("integer", set(), set(MUTATING) - {"start"}),
    "request_id": ("string", set(), set(MUTATING)),
}
"""Each parameter of the contract: its type, the actions that need it and those that may have it."""


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object inside a JSON value."""
    if isinstance(value, dict):
        yield value
        for part in value.values():  # pyright: ignore[reportUnknownVariableType]
            yield from parts(part)
    elif isinstance(value, list):
        for part in value:  # pyright: ignore[reportUnknownVariableType]
            yield from parts(part)


@pytest.mark.requirement("one-tool")
def test_what_is_published_is_what_it_was() -> None:
    present = json.dumps(tool_definition(), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("RENEW_SNAPSHOTS"):
        SNAPSHOT.parent.mkdir(exist_ok=True)
        SNAPSHOT.write_text(present, encoding="utf-8")
    assert present == SNAPSHOT.read_text(encoding="utf-8"), "RENEW_SNAPSHOTS=1 renews it, if the change is meant"


@pytest.mark.requirement("small-definition")
async def test_the_definition_is_small_as_a_client_sees_it() -> None:
    async with Client(build_server(Engine(Library([]), None))) as client:
        (tool,) = (await client.list_tools()).tools
        assert client.instructions == INSTRUCTIONS
    published = tool.model_dump(by_alias=True, exclude_none=True)
    assert len(compact(published).encode()) < 5_500
    assert len(DESCRIPTION) <= 1_000
    assert len(INSTRUCTIONS) <= 2_000


@pytest.mark.requirement("flat-schema")
def test_the_schema_is_flat_and_free_of_what_makes_hosts_drop_a_tool() -> None:
    definition = tool_definition()
    for schema in (definition["inputSchema"], definition["outputSchema"]):
        Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
        for part in parts(schema):
            assert not {"oneOf", "anyOf", "allOf", "not", "$ref", "$defs", "definitions"} & set(part)
            assert part.get("type") != "null"
            assert not isinstance(part.get("type"), list)
    assert definition["inputSchema"]["required"] == ["action"]
    assert definition["outputSchema"]["required"] == ["status", "action"]
    for part in definition["inputSchema"]["properties"].values():
        assert set(part) <= {"type", "enum", "pattern", "minimum", "maximum", "minLength", "maxLength", "description"}
        assert part["description"].endswith(".")


@pytest.mark.requirement("fourteen-actions")
def test_there_are_fourteen_actions_and_they_are_the_contracts() -> None:
    assert [action.name for action in ACTIONS] == list(NAMES) == SCHEMA["properties"]["action"]["enum"]
    assert len(NAMES) == 14
    assert [action.name for action in ACTIONS if action.mutating] == [name for name in NAMES if name in MUTATING]
    for action in ACTIONS:
        assert action.name in DESCRIPTION or action.mutating or action.name.startswith("get_"), action.name


@pytest.mark.requirement("parameters-of-the-contract")
def test_the_parameters_are_the_contracts() -> None:
    assert set(SCHEMA["properties"]) == {"action", *CONTRACT}
    for name, (kind, needed_by, taken_by) in CONTRACT.items():
        assert SCHEMA["properties"][name]["type"] == kind, name
        for action in ACTIONS:
            field = action.params.model_fields.get(name)
            assert (field is not None) == (action.name in needed_by | taken_by), (name, action.name)
            if field is not None:
                assert field.is_required() == (action.name in needed_by), (name, action.name)


@pytest.mark.requirement("parameters-of-the-contract")
def test_the_bounds_are_the_contracts() -> None:
    properties = SCHEMA["properties"]
    assert properties["session_id"]["pattern"] == "^[a-z0-9_]{1,200}$"
    assert (properties["limit"]["minimum"], properties["limit"]["maximum"]) == (1, 500)
    assert (properties["request_id"]["minLength"], properties["request_id"]["maxLength"]) == (12, 100)
    assert properties["status"]["enum"] == ["active", "paused", "completed", "failed"]
    assert {properties[name]["maxLength"] for name in ("reason", "checkpoint_note")} == {2_000}
    assert {properties[name]["minimum"] for name in ("phase", "task_number", "to_phase")} == {0}


@pytest.mark.requirement("annotations")
def test_the_annotations_hold_for_all_fourteen() -> None:
    assert tool_definition()["annotations"] == {
        "readOnlyHint": False,
        "destructiveHint": True,
        "idempotentHint": False,
        "openWorldHint": False,
    }


def test_each_parameter_says_who_uses_it() -> None:
    properties = SCHEMA["properties"]
    assert properties["workflow_type"]["description"].endswith("Used by: start.")
    assert properties["options"]["description"].endswith("Used by: start?.")
    assert "all but list_workflows, start, list_sessions" in properties["session_id"]["description"]
    assert "all that read?" in properties["cursor"]["description"]
    assert "all that change something?" in properties["request_id"]["description"]
    assert "all that change a session?" in properties["expected_version"]["description"]


def test_two_actions_that_mean_different_things_by_one_name_cannot_be_folded() -> None:
    class Other(Params):
        """Another."""

        session_id: Annotated[str, Field(max_length=5, description="Something else.")]

    other = replace(pause.ACTION, name="other", params=Other)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"other defines session_id differently from \['get_state'\]"):
        input_schema((get_state.ACTION, other))
    assert input_schema((get_state.ACTION, pause.ACTION))["properties"]["session_id"]
