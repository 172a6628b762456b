"""How far a long job is: on a terminal, on standard error, and nowhere else."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from mcp_server.cli.output import console
from mcp_server.storage.archive import Progress
from mcp_server.storage.backup import silent


@contextmanager
def watched() -> Generator[Progress]:
    """What a job tells how far it is, for the length of a block."""
    out = console(stderr=True)
    if not out.is_terminal:
        yield silent
        return
    with out.status("Looking at the store …") as status:
        yield lambda doing, done, of: status.update(f"{doing} … {done} of {of}")
