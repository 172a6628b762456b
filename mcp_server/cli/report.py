"""``report``: one page that a person can read, or attach to a pull request."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from mcp_server import report as reports
from mcp_server.cli.failures import CommandError
from mcp_server.cli.output import note
from mcp_server.cli.parameters import Ctx, SessionId


def report(
    session_id: SessionId,
    /,
    *,
    form: Annotated[
        reports.Format, Parameter(name="--format", help="Markdown, one HTML file without anything beside it, or JSON.")
    ] = "md",
    output: Annotated[Path | None, Parameter(help="Write it into this file instead of printing it.")] = None,
    ctx: Ctx,
) -> int:
    """Tell all of a session on one page: what was verified, what was only said, what a person decided, and the proof.

    Every phase and every attempt is on it, what was checked with which exit code and output, and the hashes to check it
    by. The session is verified before; of files that cannot be trusted nothing is told, and the exit code is 1.
    Markdown is shortened until it fits a comment on GitHub; HTML and JSON have more.
    """
    page = reports.page(ctx.engine, session_id, form)
    if output is None:
        sys.stdout.write(page)
        return 0
    try:
        output.write_text(page, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error.strerror}.", "Name another file.") from None
    note(f"{session_id}: the report is in {output}.")
    return 0
