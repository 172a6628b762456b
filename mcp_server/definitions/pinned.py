"""Workflows of sessions, parsed from the bundle that each session pins."""

from __future__ import annotations

from collections.abc import Callable

from mcp_server.domain.definition import Workflow


def load_pinned(digest: str, fetch: Callable[[], bytes]) -> Workflow:
    """The workflow of a pinned bundle; ``fetch`` reads its bytes when it is not among the last 64 asked for.

    Raises CorruptStateError when the bytes are not a bundle of that digest.
    """
    raise NotImplementedError
