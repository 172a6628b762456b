"""The parameters, each defined once: its type, its bounds and the text that a model reads about it."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from mcp_server.actions import json_values, paging

MAX_EVIDENCE_BYTES: Final = 10 * 1024 * 1024
MAX_OPTIONS_BYTES: Final = 256 * 1024
DEFAULT_LIMIT: Final = 50
MAX_PATH_BYTES: Final = 4096


def relative_path(path: str) -> str:
    """A path inside the project, normalised (``./a//b`` is ``a/b``).

    Raises ValueError for an absolute path, for ``..`` anywhere and for control characters: directory traversal.
    """
    if re.search(r"[\x00-\x1f\x7f]", path):
        raise ValueError("holds a control character")
    windows = PureWindowsPath(path)
    if PurePosixPath(path).is_absolute() or windows.drive or windows.root or path.startswith("~"):
        raise ValueError("is absolute; give it relative to the project root (directory traversal)")
    if ".." in PurePosixPath(path).parts or ".." in windows.parts:
        raise ValueError("climbs with '..' (directory traversal)")
    if len(_encodable(path).encode()) > MAX_PATH_BYTES:
        raise ValueError(f"is longer than {MAX_PATH_BYTES:,} bytes")
    return PurePosixPath(path).as_posix()


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("holds a lone surrogate, which is no character") from None
    return text


def _evidence(value: dict[str, Any]) -> dict[str, Any]:
    return json_values.check(value, MAX_EVIDENCE_BYTES)


def _options(value: dict[str, Any]) -> dict[str, Any]:
    return json_values.check(value, MAX_OPTIONS_BYTES)


def _cursor(cursor: str) -> str:
    if not paging.is_cursor(cursor):
        raise ValueError("is not the next_cursor of a reply")
    return cursor


SessionId = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,200}$", description="Session id, from start or list_sessions.")]
WorkflowType = Annotated[
    str,
    AfterValidator(_encodable),
    Field(min_length=1, max_length=200, description="Workflow name or alias, from list_workflows."),
]
TargetFile = Annotated[
    str,
    # The bounds first: normalised, nothing at all would be the project itself.
    Field(
        min_length=1,
        max_length=4096,
        description="What the work is about: path relative to the project root; need not exist; '.' for the project.",
    ),
    AfterValidator(relative_path),
]
Options = Annotated[
    dict[str, Any],
    BeforeValidator(json_values.object_from_text),
    AfterValidator(_options),
    Field(description="Settings by name: those that list_workflows shows as options or plan_option."),
]
Category = Annotated[str, Field(max_length=200, description="Only workflows of this category.")]
PhaseNumber = Annotated[int, Field(ge=0, le=1_000_000, description="Phase number; current_phase unless looking back.")]
ToPhase = Annotated[int, Field(ge=0, le=1_000_000, description="Phase to go back to, at or before current_phase.")]
TaskNumber = Annotated[int, Field(ge=0, le=1_000_000, description="Task number, from phase_content.tasks.")]
EvidenceObject = Annotated[
    dict[str, Any],
    BeforeValidator(json_values.object_from_text),
    AfterValidator(_evidence),
    Field(description="Facts that the gate asks for, as phase_content.checkpoint.evidence_schema describes them."),
]
StatusFilter = Annotated[
    Literal["active", "paused", "completed", "failed"], Field(description="Only sessions of this status.")
]
Limit = Annotated[int, Field(ge=1, le=500, description="Sessions per page, 50 unless given.")]
Cursor = Annotated[
    str, AfterValidator(_cursor), Field(max_length=1000, description="next_cursor of the reply before, to read on.")
]
Reason = Annotated[str, AfterValidator(_encodable), Field(max_length=2000, description="Why, for the audit log.")]
CheckpointNote = Annotated[
    str, AfterValidator(_encodable), Field(max_length=2000, description="Where you stand, for whoever resumes.")
]
ResetEvidence = Annotated[bool, Field(description="Forget the draft evidence; false unless given.")]
ExpectedVersion = Annotated[
    int, Field(description="Refuse (ConflictError) when the session's version is no longer this one.")
]
RequestId = Annotated[
    str,
    AfterValidator(_encodable),
    Field(min_length=12, max_length=100, description="Fresh random id; repeating the call with it is harmless."),
]
