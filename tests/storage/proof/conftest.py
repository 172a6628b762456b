"""What every part of the proof has: a count of its trials, and a seed to repeat them with."""

import secrets
from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

pytest.register_assert_rewrite("tests.storage.proof.operations", "tests.storage.proof.trials")


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
