"""Serving: from settings to a server on standard input and output, and a clean end whenever it comes."""

from __future__ import annotations

import gc
import logging
import signal
import sys
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import mcp_server
from mcp_server import logs
from mcp_server.errors import ConfigurationError
from mcp_server.settings import Loaded, load

if TYPE_CHECKING:
    from mcp_server.engine import Engine

_log = logging.getLogger(__name__)


def start(flags: Mapping[str, Any]) -> int:
    """Serve until the client goes or somebody stops the server; the exit code."""
    # Until the server listens for it, a request to stop would kill instead.
    signal.signal(signal.SIGTERM, _leave)
    try:
        return _start(flags)
    except KeyboardInterrupt:
        return 0


def _start(flags: Mapping[str, Any]) -> int:
    try:
        loaded = load(flags)
    except ConfigurationError as error:
        logs.configure()
        _log.error("cannot start", extra={"error": error.message, "remediation": error.remediation})
        return 1
    logs.configure(loaded.settings.log_level, as_json=loaded.settings.log_json)
    _announce(loaded)
    from mcp_server.server.serving import serve  # noqa: PLC0415 - after the announcement: the SDK is most of the start

    stopping = threading.Event()

    def assemble() -> Engine:
        from mcp_server.app import build_engine  # noqa: PLC0415 - nothing of it is needed to greet a client

        engine = build_engine(loaded, stopping)
        gc.freeze()
        gc.enable()
        return engine

    serve(assemble, stopping)
    _log.info("stopped")
    return 0


def _announce(loaded: Loaded) -> None:
    project = loaded.project
    if project is None:
        _log.warning(
            "no project root is known, so sessions have no place",
            extra={
                "reason": loaded.project_found_by,
                "remediation": "start the server with --project PATH, or set POS_WORKFLOW_PROJECT",
            },
        )
        return
    _log.info(
        "serving",
        extra={
            "version": mcp_server.__version__,
            "project": str(project),
            "project_found_by": loaded.project_found_by,
            "state_dir": str(loaded.settings.state_root(project)),
        },
    )


def _leave(_signal: int, _frame: object) -> NoReturn:
    sys.exit(0)
