"""Requests beside the tool: answered in a thread, and what goes wrong told as an error of the protocol.

A tool's errors are results that a model reads. These are read by the host, which shows them to the person who asked.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

import anyio.to_thread
from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError

from mcp_server.actions.paging import clipped
from mcp_server.errors import InvalidArgumentError, NotFoundError, PosWorkflowError

Context = ServerRequestContext[Any]
MESSAGE_BYTES: Final = 4_000

T = TypeVar("T")
_log = logging.getLogger(__name__)


async def answered(
    ctx: Context, work: Callable[[], T], *, not_found: int = types.INVALID_PARAMS, uri: str | None = None
) -> T:
    """What ``work`` returns, made in a worker thread; MCPError when it fails.

    ``not_found`` is the code for what is not there, ``uri`` the resource that an error tells of. A defect of ours is
    logged with its traceback under an id, and the error tells nothing but that id.
    """
    return await anyio.to_thread.run_sync(partial(_made, ctx.method, work, not_found, uri))


def _made(method: str, work: Callable[[], T], not_found: int, uri: str | None) -> T:
    try:
        made = work()
    except PosWorkflowError as error:
        _log.info("request", extra={"method": method, "outcome": error.error_type})
        raise _told(error, not_found, uri) from None
    except Exception:  # noqa: BLE001 - the last line of defence: what escapes here is a defect, told by its id alone
        error_id = uuid.uuid4().hex[:12]
        _log.exception("defect", extra={"method": method, "correlation_id": error_id})
        said = f"The server failed in a way that is a defect of ours. Its log has the traceback under {error_id}."
        raise MCPError(types.INTERNAL_ERROR, said, {"error_type": "RuntimeError", "error_id": error_id}) from None
    _log.info("request", extra={"method": method, "outcome": "success"})
    return made


def _told(error: PosWorkflowError, not_found: int, uri: str | None) -> MCPError:
    code = types.INTERNAL_ERROR
    if isinstance(error, InvalidArgumentError):
        code = types.INVALID_PARAMS
    elif isinstance(error, NotFoundError):
        code = not_found
    said = clipped(f"{error.message.rstrip('.')}. {error.remediation}", MESSAGE_BYTES)
    about = {} if uri is None else {"uri": clipped(uri, MESSAGE_BYTES)}
    return MCPError(code, said, {**about, "error_type": error.error_type, **error.facts})
