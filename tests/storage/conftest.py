"""A store in a folder of its own; and for what proves it a count of the trials, and a seed to repeat them with."""

import secrets
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from mcp_server.storage.store import Store
from tests.storage.support import Site, begun, toggling

pytest.register_assert_rewrite("tests.storage.proof.operations", "tests.storage.proof.trials")


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


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    """The trials that a test has made, by their kind, for the summary at the end of the run."""
    counts: Counter[str] = Counter()
    yield counts
    request.node.user_properties.append(("trials", dict(counts)))


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Another one in each run, unless --seed says which. What is printed here is shown of a test that fails."""
    given = request.config.getoption("--seed")
    seed = secrets.randbits(32) if given is None else int(given)
    print(f"--seed {seed} repeats this")  # noqa: T201 - for whoever reads of the failure
    return seed


@pytest.fixture
def chance(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - to be repeated
