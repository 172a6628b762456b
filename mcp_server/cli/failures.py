"""What stops a command, in words for the person who typed it."""

from __future__ import annotations

from typing import ClassVar


class CommandError(Exception):
    """A command that cannot do what was asked: one clear sentence, and what to do about it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class UsageError(CommandError):
    """The command line itself makes no sense."""

    exit_code = 2
