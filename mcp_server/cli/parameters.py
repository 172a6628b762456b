"""Parameters that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from mcp_server.cli.context import Context

Ctx = Annotated[Context, Parameter(parse=False)]
"""Not typed by anybody: the call that a command runs in."""

SessionId = Annotated[str, Parameter(help="The session's id, as `pos-workflow sessions` shows it.")]
AsJson = Annotated[bool, Parameter(name="--json", help="Print JSON for programs.")]
OperatorFile = Annotated[
    Path | None,
    Parameter(
        name="--operator-file",
        help="For automation: a file of yours with mode 0600 that holds the operator's passphrase. Then neither a "
        "terminal is needed nor a confirmation.",
    ),
]
