"""A configuration file is replaced whole or not at all, and never one that somebody else has just written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_server.cli.hosts.files import Content, backups, delete, read, replace
from mcp_server.cli.hosts.problems import LeftAlone

pytestmark = pytest.mark.unit


def rewrite(content: Content) -> None:
    replace(content, "new")


@pytest.mark.parametrize("change", [rewrite, delete])
def test_what_was_changed_meanwhile_is_neither_overwritten_nor_deleted(
    tmp_path: Path, change: Callable[[Content], None]
) -> None:
    path = tmp_path / "mcp.json"
    path.write_text("old")
    content = read(path)
    path.write_text("of somebody else")
    with pytest.raises(LeftAlone, match="changed meanwhile"):
        change(content)
    assert path.read_text() == "of somebody else"
    assert [one.name for one in tmp_path.iterdir() if one.name.endswith(".tmp")] == []


def test_what_was_made_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    content = read(path)
    path.write_text("of somebody else")
    with pytest.raises(LeftAlone, match="changed meanwhile"):
        replace(content, "new")
    assert path.read_text() == "of somebody else"


def test_a_file_without_end_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(LeftAlone, match="larger"):
        read(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to this user")
def test_a_folder_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text("old")
    content = read(path)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(LeftAlone, match="cannot be written"):
            replace(content, "new")
    finally:
        tmp_path.chmod(0o700)
    assert [one.name for one in tmp_path.iterdir()] == ["mcp.json"]


def test_backups_that_cannot_be_read_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text("1")
    for text in ("2", "3"):
        replace(read(path), text)
    (tmp_path / "mcp.json.bak-x").mkdir()
    assert {one.text for one in backups(path)} == {"1", "2"}
