"""The short way to a server: what a host's command line holds is read here, before anything heavy is imported.

It knows the settings flags and nothing else. Whatever it does not understand it leaves to the full command line,
which also words the errors; so it never has to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, get_args

from mcp_server.settings import LogLevel

_TEXTS: Final = {"--project": "project", "--state-dir": "state_dir", "--user-dir": "user_dir"}
_SWITCHES: Final = {"--log-json": "log_json", "--allow-network-fs": "allow_network_fs"}


def serve_flags(arguments: Sequence[str], *, on_terminal: bool) -> dict[str, Any] | None:
    """The settings that a plain call for a server gives; None when it is, or may be, anything else."""
    flags: dict[str, Any] = {}
    folders: list[str] = []
    seen: set[str] = set()
    rest = list(reversed(arguments))
    asked = not on_terminal
    while rest:
        name, equals, value = rest.pop().partition("=")
        if name in seen:
            return None
        if name == "serve" and not equals:
            asked = True
        elif name in _SWITCHES and not equals:
            flags[_SWITCHES[name]] = True
        else:
            given = value if equals else (rest.pop() if rest else "")
            if not given or given.startswith("-"):
                return None
            if name in _TEXTS:
                flags[_TEXTS[name]] = given
            elif name == "--workflows-dir":
                folders.append(given)
                continue
            elif name == "--log-level" and given in get_args(LogLevel):
                flags["log_level"] = given
            elif name == "--lock-timeout" and given.isdecimal():
                flags["lock_timeout"] = float(given)
            else:
                return None
        seen.add(name)
    return {**flags, "workflows_dirs": tuple(folders)} if asked else None
