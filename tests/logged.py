"""What the program logs while something is done, line by line."""

from __future__ import annotations

import json
import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from mcp_server.logs import LineFormatter


@contextmanager
def logged() -> Generator[list[dict[str, Any]]]:
    """The lines, as the program would write them as JSON."""
    lines: list[dict[str, Any]] = []
    handler = _Collecting(lines)
    logger = logging.getLogger("mcp_server")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


class _Collecting(logging.Handler):
    def __init__(self, lines: list[dict[str, Any]]) -> None:
        super().__init__()
        self.setFormatter(LineFormatter(as_json=True))
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(json.loads(self.format(record)))
