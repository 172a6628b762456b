"""A store in a folder of its own."""

import shutil
from pathlib import Path

import pytest

from mcp_server.storage.store import Store
from tests.storage.support import Site, begun, toggling


@pytest.fixture
def site(tmp_path: Path) -> Site:
    folder = tmp_path / "site"
    folder.mkdir()
    return Site(folder)


@pytest.fixture
def store(site: Site) -> Store:
    return site.store()


@pytest.fixture
def two_sessions(site: Site, store: Store) -> Site:
    begun(store)
    shutil.copy(site.head(), site.folder / "yesterday.json")
    shutil.copy(site.log(), site.folder / "yesterday.jsonl")
    store.update("one", toggling)
    begun(store, "two")
    return site
