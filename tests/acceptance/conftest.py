"""One server for all tests of a worker that need none of their own, in a project with small workflows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import Ask, Home, define_small_workflows, write_honest_files
from tests.wire import Wire


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A project of the test's own, with the small workflows and the files of honest evidence."""
    home = Home.make(tmp_path)
    define_small_workflows(home)
    write_honest_files(home)
    return home


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """A server that many tests share; their sessions do not disturb each other."""
    home = Home.make(tmp_path_factory.mktemp("shared"))
    define_small_workflows(home)
    write_honest_files(home)
    with Wire(home) as wire:
        yield wire


@pytest.fixture
def shared_home(server: Wire) -> Home:
    """The project of the shared server."""
    assert server.home is not None
    return server.home


@pytest.fixture
def ask(server: Wire) -> Ask:
    """A call of the tool of the shared server."""
    return server.call
