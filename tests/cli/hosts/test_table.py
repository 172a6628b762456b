"""Where a program lies decides whether a host can start it tomorrow."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_server.cli.hosts.table import is_cached

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("folder", ["archive-v0/x1/bin", "environments-v2/x1/Scripts", "builds-v0/.tmp1/bin"])
def test_what_lies_in_the_cache_of_uv_is_told_from_a_folder_of_the_same_name(tmp_path: Path, folder: str) -> None:
    program = tmp_path / folder / "python"
    assert not is_cached(program)
    (tmp_path / "CACHEDIR.TAG").touch()
    assert is_cached(program)


def test_an_environment_with_a_tag_of_its_own_is_installed(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/CACHEDIR.TAG").touch()
    assert not is_cached(tmp_path / ".venv/bin/python")
