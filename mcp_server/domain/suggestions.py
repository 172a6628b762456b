"""What a name that does not exist was probably meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import islice

MAX_KNOWN = 200
"""Among more names than these the nearest is not looked for: it takes long, and a file may have thousands of errors."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message about ``name``: the known name that is nearest, or nothing."""
    names = list(islice(known, MAX_KNOWN + 1))
    near = difflib.get_close_matches(name, sorted(names), n=1, cutoff=0.7) if len(names) <= MAX_KNOWN else []
    return f"; did you mean {near[0]}?" if near else ""
