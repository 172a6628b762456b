"""A project with small workflows, and a folder of old sessions beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.importing.support import Old
from tests.support import Home, define_small_workflows


@pytest.fixture
def old(tmp_path: Path) -> Old:
    home = Home.make(tmp_path)
    define_small_workflows(home)
    folder = tmp_path / "old"
    folder.mkdir()
    return Old(folder, home)
