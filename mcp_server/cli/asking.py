"""Asking the tool the same questions that an assistant asks, and getting whole answers instead of pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mcp_server.cli.failures import CommandError
from mcp_server.dispatch import dispatch
from mcp_server.engine import Engine


def ask(engine: Engine, action: str, **arguments: Any) -> dict[str, Any]:
    """The reply to one call; CommandError when it is an error."""
    answered = dispatch(engine, {"action": action, **arguments})
    body = answered.body
    if answered.is_error:
        near = body.get("did_you_mean")
        hint = f"Did you mean {', '.join(near)}? " if near else ""
        raise CommandError(body["error"], hint + body["remediation"])
    return body


def pages(engine: Engine, action: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    """Every page of a reply."""
    cursor: str | None = None
    while True:
        body = ask(engine, action, **arguments, cursor=cursor)
        yield body
        cursor = body.get("next_cursor")
        if cursor is None:
            return
