"""Why a host's file is left alone."""

from __future__ import annotations


class LeftAlone(Exception):  # noqa: N818 - it says what became of the file
    """The file is not touched: it is broken, of a shape that is not known, or cannot be edited safely.

    ``remedy`` says what to do, where it is anything else than mending the file or doing by hand what was asked.
    """

    def __init__(self, reason: str, remedy: str | None = None) -> None:
        super().__init__(reason)
        self.remedy = remedy
