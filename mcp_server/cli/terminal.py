"""A person at a terminal: a command on a pseudo-terminal of its own, and what is typed when it asks."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

PATIENCE: Final = 30.0

ASKED: Final = re.compile(rb"(?:confirm|passphrase):(?:\s|\x1b\[[0-9;]*m)*\Z")
"""How the program asks: whatever it has printed by then ends so, and then perhaps in the end of a colour."""

# The controlling terminal is what a passphrase is asked on; only the process itself can take one.
_AT_TERMINAL: Final = "import os, sys; os.login_tty(0); os.execvp(sys.argv[1], sys.argv[1:])"


@dataclass(frozen=True)
class Played:
    """How a command ended, and all that was to be seen on the terminal."""

    code: int
    out: str


def play(
    command: Sequence[str],
    typed: Sequence[str] = (),
    *,
    env: Mapping[str, str] | None = None,
    cwd: str = "/",
    asked: re.Pattern[bytes] = ASKED,
) -> Played:
    """Run a command on a terminal of its own; each time it asks, type the next of the lines.

    One that asks for more than is typed is told the end of the input. One that does not come to an end is killed after
    ``PATIENCE`` seconds more: subprocess.TimeoutExpired.
    """
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(  # noqa: S603 - the caller's own command
            [sys.executable, "-c", _AT_TERMINAL, *command], stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd, env=env
        )
    finally:
        os.close(theirs)
    lines = iter(typed)
    shown = b""
    seen = 0
    deadline = time.monotonic() + PATIENCE
    try:
        while select.select([ours], [], [], max(0.0, deadline - time.monotonic()))[0]:
            try:
                part = os.read(ours, 4096)
            except OSError:
                # Linux answers so where the other end has gone.
                part = b""
            if not part:
                break
            shown += part
            if asked.search(shown, seen):
                seen = len(shown)
                line = next(lines, None)
                os.write(ours, b"\x04" if line is None else line.encode() + b"\n")
        return Played(process.wait(PATIENCE), shown.decode(errors="replace"))
    finally:
        process.kill()
        process.wait()
        os.close(ours)
