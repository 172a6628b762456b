"""The house keeps its order: imports run one way, and what belongs to one room stays there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

PACKAGE = Path(__file__).parent.parent / "mcp_server"
FILES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if "_workflows" not in path.parts)

RANKS = {
    "errors": 0,
    "domain": 1,
    "definitions": 2,
    "storage": 2,
    "checks": 2,
    "settings": 3,
    "engine": 3,
    "importing": 4,
    "actions": 4,
    "report": 4,
    "logs": 4,
    "stdio": 4,
    "dispatch": 5,
    "app": 5,
    "server": 6,
    "cli": 7,
    "__main__": 8,
}
"""A room imports only from rooms below it, and from itself."""

OWNERS = {
    "mcp": {"server"},
    "filelock": {"storage"},
    "orjson": {"storage"},
    "subprocess": {"checks", "cli"},
    "regex": {"checks"},
    "yaml": {"definitions"},
    "markdown_it": {"definitions"},
    "cyclopts": {"cli", "__main__"},
    "rich": {"cli"},
}
PURE = {"pydantic", "mcp_server"}


def room(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse((PACKAGE / path).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module in ("mcp_server", "mcp_server.domain"):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_every_room_has_its_place() -> None:
    assert {room(path) for path in FILES} - {"__init__"} <= set(RANKS)


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_run_one_way(path: Path) -> None:
    own = room(path)
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "mcp_server" and len(parts) > 1 and parts[1] != own and parts[1] in RANKS:
            assert RANKS[parts[1]] < RANKS[own], f"{path} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_library_stays_in_the_room_that_owns_it(path: Path) -> None:
    for name in imports(path):
        owners = OWNERS.get(name.split(".")[0])
        assert owners is None or room(path) in owners, f"{path} imports {name}"


@pytest.mark.parametrize("path", [path for path in FILES if room(path) == "domain"], ids=str)
def test_the_domain_knows_no_clock_no_disk_and_no_process(path: Path) -> None:
    forbidden = {"os", "pathlib", "time", "subprocess", "io", "shutil", "socket", "threading", "tempfile"}
    for name in imports(path):
        assert name.split(".")[0] not in forbidden, f"{path} imports {name}"
    assert "datetime.now" not in (PACKAGE / path).read_text()


def test_one_file_reads_the_environment() -> None:
    readers = {str(path) for path in FILES if re.search(r"os\.environ|getenv", (PACKAGE / path).read_text())}
    assert readers == {"settings.py"}
