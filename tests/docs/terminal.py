"""Runs a command on a terminal of its own and types a line when it waits: ``terminal.py LINE COMMAND…``."""

from __future__ import annotations

import os
import pty
import sys


def main(line: str, command: list[str]) -> int:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)  # noqa: S606 - the page's own command
    printed = b""
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:
            # Linux answers so where the other end has gone.
            break
        if not part:
            break
        printed += part
        if line and b"confirm:" in printed:
            os.write(terminal, line.encode() + b"\n")
            line = ""
    sys.stdout.write(printed.decode(errors="replace").replace("\r\n", "\n"))
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
