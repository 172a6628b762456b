"""The hosts by name: which file each reads, in which shape, and by what one sees that it is used."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import platformdirs

NAME: Final = "pos-workflow"
"""The server's name in every host's file."""
_CACHES: Final = re.compile(r"(?:archive|builds|environments)-v\d+")
"""The folders of uv's cache in which environments lie."""

Scope = Literal["project", "user"]
HostName = Literal["claude-code", "claude-desktop", "cursor", "vscode", "codex"]


@dataclass(frozen=True)
class Host:
    """One host. Paths are relative to the project, or to the user's home; ``appdata`` to the platform's own folder.

    ``traces`` are files and folders, in the project and at home, that only exist where the host is used.
    """

    title: str
    servers: str
    project_file: str | None
    user_file: str
    appdata: str | None = None
    project_traces: tuple[str, ...] = ()
    user_traces: tuple[str, ...] = ()
    project_variable: str | None = None
    "What the host puts the project's folder in place of, in a project's file."
    more: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def is_toml(self) -> bool:
        """Whether its files are TOML; all others are JSON, with comments where the host allows them."""
        return self.user_file.endswith(".toml")

    def file(self, scope: Scope, project: Path) -> Path | None:
        """The file of that scope; None when the host has none."""
        if scope == "project":
            return project / self.project_file if self.project_file else None
        return self._home() / self.user_file

    def is_used(self, scope: Scope, project: Path) -> bool:
        """Whether the host has left traces in the project, or in the user's home."""
        if scope == "project":
            return any((project / trace).exists() for trace in self.project_traces)
        return any((self._home() / trace).exists() for trace in self.user_traces)

    def entry(self, scope: Scope, project: Path) -> dict[str, Any]:
        """How this host starts the server that is installed here."""
        root = self.project_variable if scope == "project" and self.project_variable else str(project)
        command, *arguments = _program()
        return {"command": command, "args": [*arguments, "--project", root], **self.more}

    def _home(self) -> Path:
        if self.appdata is None:
            return Path.home()
        return Path(platformdirs.user_config_dir(self.appdata, appauthor=False, roaming=True))


HOSTS: Final[Mapping[HostName, Host]] = {
    "claude-code": Host(
        title="Claude Code",
        servers="mcpServers",
        project_file=".mcp.json",
        user_file=".claude.json",
        project_traces=(".mcp.json", ".claude", "CLAUDE.md"),
        user_traces=(".claude.json", ".claude"),
    ),
    "claude-desktop": Host(
        title="Claude Desktop",
        servers="mcpServers",
        project_file=None,
        user_file="claude_desktop_config.json",
        appdata="Claude",
        user_traces=("",),
    ),
    "cursor": Host(
        title="Cursor",
        servers="mcpServers",
        project_file=".cursor/mcp.json",
        user_file=".cursor/mcp.json",
        project_traces=(".cursor",),
        user_traces=(".cursor",),
    ),
    "vscode": Host(
        title="VS Code",
        servers="servers",
        project_file=".vscode/mcp.json",
        user_file="User/mcp.json",
        appdata="Code",
        project_traces=(".vscode",),
        user_traces=("User",),
        project_variable="${workspaceFolder}",
        more={"type": "stdio"},
    ),
    "codex": Host(
        title="Codex",
        servers="mcp_servers",
        project_file=".codex/config.toml",
        user_file=".codex/config.toml",
        project_traces=(".codex",),
        user_traces=(".codex",),
        more={"startup_timeout_sec": 30},
    ),
}


def is_cached(program: Path) -> bool:
    """Whether a program lies in uv's cache, as it does with ``uvx``: ``uv cache clean`` deletes it."""
    return any(
        _CACHES.fullmatch(folder.name) and (folder.parent / "CACHEDIR.TAG").exists() for folder in program.parents
    )


def _program() -> list[str]:
    """The installed program by its absolute path: hosts know no virtual environment."""
    folder = Path(sys.executable).absolute().parent
    script = next((folder / name for name in (NAME, f"{NAME}.exe") if (folder / name).exists()), None)
    return [str(script)] if script else [sys.executable, "-m", "mcp_server"]
