"""The program: from arguments to an exit code. 0 is well, 1 a problem found or a refusal, 2 a wrong command line."""

from __future__ import annotations

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
    on_terminal = sys.stdin is not None and sys.stdin.isatty()  # pyright: ignore[reportUnnecessaryComparison]
    flags = serve_flags(arguments, on_terminal=on_terminal)
    if flags is not None:
        return serving.start(flags)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A lone surrogate, which JSON can write and UTF-8 cannot, must not cost the answer.
            stream.reconfigure(errors="backslashreplace")
    try:
        from mcp_server.cli.application import launch  # noqa: PLC0415 - too heavy for the way to a server

        code = launch(arguments)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read has gone (`| head`); the interpreter must not stumble over it once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return _PIPE_CLOSED
