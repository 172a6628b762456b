"""The command line as people and programs use it: in this process, in one of its own, and on a terminal."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mcp_server.cli.entry import run
from tests.storage.support import with_checksum
from tests.support import Home, bare_environment
from tests.terminal import ASKED, PATIENCE, play

__all__ = ["PATIENCE", "Cli", "Ran", "command", "forge", "run_on_terminal", "run_process"]


@dataclass(frozen=True)
class Ran:
    """What a command came to."""

    code: int
    out: str
    err: str = ""

    @property
    def json(self) -> Any:
        """What it printed, which has to be one JSON value in one line."""
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)


class Cli:
    """The program in this process, on one project."""

    def __init__(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Ran:
        self._capsys.readouterr()
        code = run([*arguments, "--project", str(self.home.project), "--user-dir", str(self.home.user)])
        captured = self._capsys.readouterr()
        return Ran(code, captured.out, captured.err)


def command(home: Home | None, *arguments: str) -> list[str]:
    """The program as another process."""
    flags = ["--project", str(home.project), "--user-dir", str(home.user)] if home else []
    return [sys.executable, "-m", "mcp_server", *arguments, *flags]


def run_process(home: Home | None, *arguments: str, given: str = "", cwd: str | Path = "/", **environment: str) -> Ran:
    """Run the program as another process with this on its standard input."""
    done = subprocess.run(
        command(home, *arguments),
        input=given.encode(),
        capture_output=True,
        timeout=PATIENCE,
        check=False,
        cwd=cwd,
        env=bare_environment(**environment),
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def run_on_terminal(
    home: Home, *arguments: str, typed: str | Sequence[str] = (), asked: re.Pattern[bytes] = ASKED, columns: int = 100
) -> Ran:
    """Run the program on a terminal of its own, and type the lines, one each time it asks."""
    played = play(
        command(home, *arguments),
        [typed] if isinstance(typed, str) else typed,
        env=bare_environment(TERM="xterm-256color", COLUMNS=str(columns)),
        asked=asked,
    )
    return Ran(played.code, played.out)


def forge(home: Home, session_id: str) -> None:
    """Change a session's file as somebody would who wants to be elsewhere, checksum included."""
    head = home.state / "workflows" / f"{session_id}.json"
    forged = with_checksum(head.read_bytes(), lambda raw: raw.replace(b"target.py", b"forged.py"))
    assert forged != head.read_bytes()
    head.write_bytes(forged)
