"""What a command for people costs before it does anything: one that needs no MCP."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from benchmarks.client import ROOT, took
from benchmarks.figures import Figure, Setting, in_turn
from tests.support import bare_environment, server_command


def figures(setting: Setting) -> list[Figure]:
    """One row: the whole command, less an interpreter that does nothing."""
    with setting.home() as home:
        command = [*server_command(home), "sessions"]
        nothing, ours = in_turn(setting.count(15), lambda: run([sys.executable, "-c", "pass"]), lambda: run(command))
    floors = {"python -c pass": nothing}
    return [
        Figure("pos-workflow sessions, over python -c pass", ours - nothing, "ms", floors, goal="≤ 600 ms", bound=600)
    ]


def run(command: Sequence[str]) -> float:
    """Milliseconds from start to end."""
    return took(
        lambda: subprocess.run(command, env=bare_environment(), cwd=ROOT, capture_output=True, check=True)  # noqa: S603 - the program that is measured
    )
