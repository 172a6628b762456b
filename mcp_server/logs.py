"""Structured logs on standard error: standard output belongs to the protocol."""

from __future__ import annotations

import io
import logging
import os
import select
import sys
from contextlib import suppress
from typing import Final, TextIO, cast

import structlog

_FIRST: Final = ("timestamp", "level", "event")


class _Unhindered(io.TextIOBase):
    """Standard error, on which a call never waits and never fails.

    Some hosts do not read what a server logs. Once the pipe is full the lines are lost, and the calls go on.
    """

    def write(self, text: str) -> int:
        """Write what can be written now, to what standard error is now."""
        try:
            descriptor = sys.stderr.fileno()
        except (OSError, ValueError):
            with suppress(ValueError):
                sys.stderr.write(text)
            return len(text)
        rest = memoryview(text.encode(errors="backslashreplace"))
        with suppress(OSError):
            while rest and select.select((), (descriptor,), (), 0)[1]:
                # A pipe that can be written to takes this much at once.
                rest = rest[os.write(descriptor, rest[: select.PIPE_BUF]) :]
        return len(text)


def keep_off_stdout() -> None:
    """Send our lines to standard error unless the program we are part of has decided where its own go.

    structlog prints to standard output by default, and there the wire of a server over stdio would be corrupted.
    """
    if not structlog.is_configured():
        structlog.configure(logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _Unhindered())))


def configure(level: str = "info", *, as_json: bool = False) -> None:
    """Send every log line of the process to standard error, as ``key=value`` pairs or as JSON."""
    number = logging.getLevelNamesMapping()[level.upper()]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.processors.LogfmtRenderer(key_order=_FIRST, drop_missing=True, bool_as_flag=False)
    )
    stream = cast("TextIO", _Unhindered())
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    # What the SDK and other libraries log goes the same way; their chatter below a warning helps nobody.
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)
