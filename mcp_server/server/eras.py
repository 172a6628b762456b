"""The two eras of the protocol, where they differ in what is answered."""

from __future__ import annotations

from typing import Any, Final

from mcp.server.context import ServerRequestContext

_FIRST_MODERN: Final = "2026-07-28"


def is_modern(ctx: ServerRequestContext[Any]) -> bool:
    """Whether a request came in a revision of the protocol that has no handshake."""
    return ctx.protocol_version >= _FIRST_MODERN
