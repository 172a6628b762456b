"""What only a person may decide: a terminal is required, and a word that is not typed by accident."""

from __future__ import annotations

import sys

from mcp_server.cli.failures import CommandError
from mcp_server.cli.output import note


def require_person() -> None:
    """Refuse without a terminal on standard input.

    This keeps an assistant from deciding by mistake; it does not stop one that makes itself a terminal.
    """
    if not sys.stdin.isatty():
        raise CommandError(
            "This is for a person to decide, so it needs a terminal to ask on.",
            "Type the command yourself, in a terminal; nothing was changed.",
        )


def confirm(question: str, word: str) -> None:
    """Go on only when the person types the word; CommandError otherwise."""
    note(f"{question} Type {word} to confirm:", "bold")
    if sys.stdin.readline().strip() != word:
        raise CommandError("Not confirmed; nothing was changed.", "")
