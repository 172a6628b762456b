"""Why a host's file is left alone."""

from __future__ import annotations


class LeftAlone(Exception):  # noqa: N818 - it says what became of the file
    """The file is not touched: it is broken, of a shape that is not known, or cannot be edited safely."""
