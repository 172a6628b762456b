"""Which clients the server is tested with, from what the tests themselves go by."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from tests.clients.relays import BARE, HERE, INSPECTOR, OTHERS
from tests.wire import HANDSHAKES

ROOT = Path(__file__).parents[2]
NAMES = {
    "typescript_1": ("TypeScript SDK 1.x", "@modelcontextprotocol/sdk"),
    "typescript_2": ("TypeScript SDK 2.x", "@modelcontextprotocol/client"),
    "inspector": ("MCP Inspector, command line", "@modelcontextprotocol/inspector"),
    "python": ("Python SDK", "mcp"),
}
WITHOUT_SDK = "a bare one, JSON lines over pipes"


def table() -> str:
    """The clients with their versions and those of the protocol, in Markdown."""
    pinned: dict[str, str] = json.loads((HERE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (mcp,) = [one.removeprefix("mcp") for one in project["dependencies"] if one.startswith("mcp>")]
    spoken = {name: [one.protocol for one in OTHERS if one.name == name] for name in NAMES}
    spoken["inspector"] = list(INSPECTOR.values())
    rows = [
        f"| {said} | `{package}` {pinned.get(package, mcp)} | {', '.join(spoken[name])} |"
        for name, (said, package) in NAMES.items()
    ]
    bare = sorted({*HANDSHAKES, *(one.protocol for one in BARE)})
    rows.append(f"| {WITHOUT_SDK} | | {', '.join(bare)} |")
    return "\n".join(["| client | package | versions of the protocol |", "|---|---|---|", *rows])
