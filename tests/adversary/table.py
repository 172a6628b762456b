"""Prints what a cheat can try and what comes of it: ``python -m tests.adversary.table``."""

from __future__ import annotations

import sys

from tests.adversary.cheats import CHEATS


def table() -> str:
    """The cheats as a table in Markdown."""
    rows = [f"| {number} | {cheat.said} | {cheat.fate} |" for number, cheat in enumerate(CHEATS, 1)]
    return "\n".join(["| | the cheat | what comes of it |", "|---|---|---|", *rows])


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
