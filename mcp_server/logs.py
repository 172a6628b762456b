"""Structured logs on standard error: standard output belongs to the protocol."""

from __future__ import annotations

import io
import json
import logging
import os
import select
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

_PLAIN: Final = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"})
"""What every record has; what else a record has is a field of the line."""


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


class LineFormatter(logging.Formatter):
    """A record as one line: when, how grave, what, and the facts that were given as ``extra``.

    The line is ``key=value`` pairs (logfmt), or a JSON object.
    """

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        fields: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **{name: value for name, value in vars(record).items() if name not in _PLAIN},
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        if self._as_json:
            return json.dumps(fields, default=str)
        return " ".join(f"{name}={_word(value)}" for name, value in fields.items())


def _word(value: Any) -> str:
    """A value as ``logfmt`` writes it: quoted where its end could not be told otherwise."""
    if value is None or isinstance(value, bool):
        return json.dumps(value) if value is not None else ""
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if any(mark in text for mark in ' ="\n\r') else text


def configure(level: str = "info", *, as_json: bool = False) -> None:
    """Send every log line of the process to standard error, as ``key=value`` pairs or as JSON."""
    number = logging.getLevelNamesMapping()[level.upper()]
    handler = logging.StreamHandler(_Unhindered())
    handler.setFormatter(LineFormatter(as_json=as_json))
    # What the SDK and other libraries log goes the same way; their chatter below a warning helps nobody.
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)
    logging.getLogger("mcp_server").setLevel(number)
