"""``call``: one call to the tool without a client, to see the system think."""

from __future__ import annotations

import sys
import threading
from typing import Annotated, Any, cast

from cyclopts import Parameter

from mcp_server.actions.json_values import object_from_text
from mcp_server.cli.failures import UsageError
from mcp_server.cli.output import print_json
from mcp_server.cli.parameters import Ctx
from mcp_server.dispatch import dispatch

EXAMPLE = """Give one JSON object, for instance: pos-workflow call '{"action": "list_workflows"}'"""


def call(
    arguments: Annotated[
        str,
        Parameter(
            allow_leading_hyphen=True, help="The arguments as one JSON object; `-` reads it from standard input."
        ),
    ],
    /,
    *,
    ctx: Ctx,
) -> int:
    """Make one call to the tool `pos_workflow` and print its reply; exit code 1 when the reply is an error.

    On a terminal the JSON is indented, else it is one line.
    """
    given = _parsed(sys.stdin.read() if arguments == "-" else arguments)
    # However long its checks take: they would end with this process.
    answered = dispatch(ctx.engine, given, patience=threading.TIMEOUT_MAX)
    print_json(answered.body)
    return 1 if answered.is_error else 0


def _parsed(written: str) -> dict[str, Any]:
    try:
        parsed = object_from_text(written)
    except ValueError as error:
        raise UsageError(f"The call {error}.", EXAMPLE) from None
    if not isinstance(parsed, dict):
        raise UsageError("The call is JSON, but not an object.", EXAMPLE)
    return cast("dict[str, Any]", parsed)
