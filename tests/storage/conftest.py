"""A store in a folder of its own."""

from pathlib import Path

import pytest

from mcp_server.storage.store import Store
from tests.storage.support import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    folder = tmp_path / "site"
    folder.mkdir()
    return Site(folder)


@pytest.fixture
def store(site: Site) -> Store:
    return site.store()
