"""What was begun under a start's request_id: durable before the session, so that a repeat never makes a second one."""

from __future__ import annotations

from pydantic import ValidationError

from mcp_server.domain.session import Frozen
from mcp_server.errors import ConflictError
from mcp_server.storage.durable import read_file, write_file
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.findings import torn
from mcp_server.storage.layout import Layout
from mcp_server.storage.log import Request


class _Start(Frozen):
    session_id: str
    digest: str


def require_same(request: Request, digest: str) -> None:
    """Raise ConflictError when a request_id comes back with other arguments than it had."""
    if request.digest != digest:
        raise ConflictError(
            "This request_id was used before, for something else.",
            remediation="Use a fresh random request_id for each new call; repeat one only for exactly the same call.",
        )


def session_begun(raw: bytes) -> str | None:
    """The session that a remembered start began; None for what does not parse."""
    try:
        return _Start.model_validate_json(raw).session_id
    except ValidationError:
        return None


class Starts:
    """The starts of one store."""

    def __init__(self, fs: FileSystem, layout: Layout) -> None:
        self._fs = fs
        self._layout = layout

    def find(self, request: Request) -> str | None:
        """The session that this request has begun; ConflictError when it came with other arguments then."""
        try:
            raw = read_file(self._fs, self._layout.start(request.id))
        except FileNotFoundError:
            return None
        try:
            start = _Start.model_validate_json(raw)
        except ValidationError:
            raise torn("what was remembered of this start does not parse") from None
        require_same(request, start.digest)
        return start.session_id

    def remember(self, request: Request, session_id: str) -> None:
        """Set down, durably, which session this request begins."""
        start = _Start(session_id=session_id, digest=request.digest)
        write_file(self._fs, self._layout.start(request.id), start.model_dump_json().encode() + b"\n")
