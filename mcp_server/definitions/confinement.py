"""Holds the paths and globs of a gate to the project, since one that leads out of it can never be judged."""

from __future__ import annotations

from typing import Final

from mcp_server.definitions.nodes import Node
from mcp_server.domain.checks import filled, placeholders
from mcp_server.domain.values import is_list

_HINT: Final = "Name it from the project's root, without '/' in front and without '..'."


def require_inside(node: Node) -> None:
    """Report a path, a glob, or each of a list of them, that leads out of the project or names nothing in it.

    A placeholder stands for a path inside the project, so what is around it is judged.
    """
    for part in node.entries() if is_list(node.data) else [node]:
        if isinstance(part.data, str) and not leads_inside(part.data.strip()):
            part.error(
                f"'{part.data.strip()[:100]}' is no path inside the project, so nothing can be told of it", _HINT
            )


def leads_inside(text: str) -> bool:
    """Whether a path or glob stays in the project, as far as its text tells: links are another matter."""
    path = filled(text, dict.fromkeys(placeholders(text), "x"))
    names = [name for name in path.split("/") if name not in ("", ".")]
    return bool(names) and not path.startswith("/") and ".." not in names and "\0" not in path
