"""The resources: what a person attaches in the host, or an assistant reads: a workflow, a session, its report.

An address is taken apart by its pattern alone, and its parts are names that are looked up: none ever becomes a path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any, Final

from mcp import types
from pydantic_core import to_json

from mcp_server.actions.list_workflows import SHORT, SHOWN
from mcp_server.actions.paging import MAX_REPLY_BYTES, Pager, clipped
from mcp_server.dispatch import read
from mcp_server.engine import Engine
from mcp_server.errors import ConfigurationError, NotFoundError
from mcp_server.server.answering import Context, answered
from mcp_server.server.eras import is_modern
from mcp_server.storage.summary import Summary

WORKFLOWS: Final = "pos-workflow://workflows/"
SESSIONS: Final = "pos-workflow://sessions/"
REPORT: Final = "/report"
SESSIONS_LISTED: Final = 100
MARKDOWN: Final = "text/markdown"
JSON: Final = "application/json"
NOT_FOUND: Final = -32002
"""What the protocol's revisions with a handshake call a resource that is not there; later ones ``INVALID_PARAMS``."""

WORKFLOW: Final[dict[str, Any]] = {
    "uriTemplate": f"{WORKFLOWS}{{type}}",
    "name": "workflow",
    "title": "A workflow",
    "description": "What a workflow is for, its options, its phases and what each gate asks for.",
    "mimeType": MARKDOWN,
}
SESSION: Final[dict[str, Any]] = {
    "uriTemplate": f"{SESSIONS}{{id}}",
    "name": "session",
    "title": "A session",
    "description": "The record of a session, as the action get_session gives it.",
    "mimeType": JSON,
}
SESSION_REPORT: Final[dict[str, Any]] = {
    "uriTemplate": f"{SESSIONS}{{id}}{REPORT}",
    "name": "session_report",
    "title": "A session's report",
    "description": "A session on one page: what was verified, what was only said, what a person decided.",
    "mimeType": MARKDOWN,
}
TEMPLATES: Final = (WORKFLOW, SESSION, SESSION_REPORT)

_WORKFLOW: Final = re.compile(re.escape(WORKFLOWS) + r"([a-z0-9_][a-z0-9_.-]{0,99})")
_SESSION: Final = re.compile(re.escape(SESSIONS) + rf"([a-z0-9_]{{1,200}})({REPORT})?")


class Resources:
    """The resources of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def list(self, ctx: Context, params: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
        """The workflows and the open sessions, a page at a time."""
        return await answered(ctx, partial(_listed, self._engine, params.cursor if params else None))

    async def templates(
        self,
        ctx: Context,  # noqa: ARG002 - the protocol's
        params: types.PaginatedRequestParams | None,  # noqa: ARG002 - there is one page
    ) -> types.ListResourceTemplatesResult:
        """How the addresses of all resources are made, those of sessions that have ended included."""
        return types.ListResourceTemplatesResult.model_validate({"resourceTemplates": TEMPLATES})

    async def read(self, ctx: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        """What is at an address."""
        code = types.INVALID_PARAMS if is_modern(ctx) else NOT_FOUND
        content = partial(_content, self._engine, params.uri)
        mime_type, text = await answered(ctx, content, not_found=code, uri=params.uri)
        contents = types.TextResourceContents(uri=params.uri, mime_type=mime_type, text=text)
        return types.ReadResourceResult(contents=[contents])


def choices(engine: Engine, template: str, argument: str) -> list[str]:
    """What a variable of a template may be; NotFoundError when there is no such template."""
    if template not in {one["uriTemplate"] for one in TEMPLATES}:
        raise _no_resource(template)
    if f"{{{argument}}}" not in template:
        return []
    if template == WORKFLOW["uriTemplate"]:
        return [entry.workflow.workflow_type for entry in engine.list_workflows().entries]
    return [one.session_id for one in engine.open_sessions()]


def _listed(engine: Engine, cursor: str | None) -> types.ListResourcesResult:
    pager = Pager("resources", cursor)
    resources = pager.items(_resources(engine))
    return types.ListResourcesResult.model_validate({"resources": resources, "nextCursor": pager.next_cursor})


def _resources(engine: Engine) -> Iterator[dict[str, Any]]:
    for entry in engine.list_workflows().entries:
        workflow = entry.workflow
        yield {
            "uri": f"{WORKFLOWS}{workflow.workflow_type}",
            "name": workflow.workflow_type,
            "title": clipped(workflow.name, SHORT),
            "description": clipped(workflow.description, SHOWN),
            "mimeType": MARKDOWN,
        }
    try:
        sessions = engine.open_sessions()
    except ConfigurationError:
        # Without a project there are workflows all the same; who asks for a session is told.
        return
    for session in islice(sessions, SESSIONS_LISTED):
        yield from _of_session(session)


def _of_session(session: Summary) -> Iterator[dict[str, Any]]:
    about = f"{session.workflow_type} on {clipped(session.target_file, SHORT)}"
    place = f"{session.session_status}, phase {session.current_phase}"
    changed = {"annotations": {"lastModified": session.last_updated.isoformat()}}
    uri, name = f"{SESSIONS}{session.session_id}", session.session_id
    yield {"uri": uri, "name": name, "title": f"{about} ({place})", "mimeType": JSON, **changed}
    report = {"uri": uri + REPORT, "name": f"{name}{REPORT}", "title": f"Report: {about} ({place})"}
    yield {**report, "mimeType": MARKDOWN, **changed}


def _content(engine: Engine, uri: str) -> tuple[str, str]:
    """The type and the text of what is at an address."""
    if found := _WORKFLOW.fullmatch(uri):
        # What makes pages is imported when the first is asked for: a start of the server has no time for it.
        from mcp_server.server import workflow_page  # noqa: PLC0415

        return MARKDOWN, workflow_page.page(engine.definition(found[1]))
    if (found := _SESSION.fullmatch(uri)) is None:
        raise _no_resource(uri)
    if found[2] is None:
        return JSON, to_json(read(engine, action="get_session", session_id=found[1])).decode()
    from mcp_server import report  # noqa: PLC0415 - as above

    return MARKDOWN, clipped(report.page(engine, found[1], "md"), MAX_REPLY_BYTES)


def _no_resource(uri: str) -> NotFoundError:
    templates = ", ".join(str(one["uriTemplate"]) for one in TEMPLATES)
    return NotFoundError(
        f"There is no resource {clipped(uri, SHORT)!r}.",
        remediation=f"The resources are {templates}, with names as resources/list gives them.",
    )
