"""Gates whose check runs until a test lets it go, and how a test waits for what comes of itself."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from tests.support import Body, Home, field

PATIENCE = 20.0
"""Seconds until a test gives up on something that takes a fraction of one."""

_WAITING = """
import os, pathlib, time
pathlib.Path("pids").open("a").write(f"{os.getpid()}\\n")
while not pathlib.Path("go").exists():
    time.sleep(0.02)
"""
"""A check that says that it runs, and runs until it is told to go."""


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


def python(script: str, **more: object) -> Body:
    return {"run": ["python", "-c", script], "pass": {"exit_code": 0}, **more}


def gate(*checks: Body, **more: object) -> Body:
    return {"evidence_schema": {"note": field()}, "checks": list(checks), **more}


def define_long(home: Home) -> None:
    """``long``: two phases, and a check before the second that runs until the project has a file ``go``."""
    home.define("long", [{"number": 1, "gate": gate({"id": "wait", **python(_WAITING)})}, {"number": 2}])


def pids(home: Home) -> list[int]:
    """The processes of the check of ``long``, as they began."""
    file = home.project / "pids"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z" if Path("/proc").exists() else True
