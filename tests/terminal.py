"""A person at a terminal, as a program: ``terminal.py LINES COMMAND…`` types each of the lines when something is asked.

There is `` | `` between the lines.
"""

from __future__ import annotations

import os
import re
import sys

from mcp_server.cli.terminal import ASKED, PATIENCE, Played, play

__all__ = ["ASKED", "PATIENCE", "STYLE", "Played", "play"]

STYLE = re.compile(r"\x1b\[[0-9;]*m")
"""Colours and weights, which are not what a page shows."""


if __name__ == "__main__":
    played = play(sys.argv[2:], sys.argv[1].split(" | ") if sys.argv[1] else [], env=os.environ, cwd=os.getcwd())  # noqa: PTH109
    sys.stdout.write(STYLE.sub("", played.out).replace("\r\n", "\n"))
    sys.exit(played.code)
