"""The program: from arguments to an exit code. 0 is well, 1 a problem found or a refusal, 2 a wrong command line."""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Sequence
from typing import Final

from mcp_server.cli import serving
from mcp_server.cli.direct import serve_flags

INTERRUPTED: Final = 130
_PIPE_CLOSED: Final = 141


def run(arguments: Sequence[str]) -> int:
    """Run one command; never raises."""
    _open_what_is_closed()
    flags = serve_flags(arguments, on_terminal=sys.stdin.isatty())
    if flags is not None:
        return serving.start(flags)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A lone surrogate, which JSON can write and UTF-8 cannot, must not cost the answer.
            stream.reconfigure(errors="backslashreplace")
    try:
        from mcp_server.cli.application import launch  # noqa: PLC0415 - too heavy for the way to a server

        gc.enable()
        code = launch(arguments)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        code = _PIPE_CLOSED
    try:
        sys.stdout.flush()
    except OSError:
        # Whoever read has gone (`| head`), or the disk is full: the interpreter must not stumble over it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = code or 1
    return code


def _open_what_is_closed() -> None:
    """Whoever starts a program without a standard stream must not have the next file that is opened take its place."""
    for descriptor, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None and os.open(os.devnull, os.O_RDWR) == descriptor:
            setattr(sys, name, os.fdopen(descriptor, mode, encoding="utf-8"))
