"""Whatever a loss of power leaves of a disk, wherever a process dies: the old state or the new, and it goes on."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from tests.storage.proof.operations import OPERATIONS
from tests.storage.proof.trials import Trial

pytestmark = pytest.mark.integration

STATES = pytest.mark.parametrize("thorough", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["some", "more"])
"""How many of the states that a loss of power may leave are looked at, where there are very many."""


@STATES
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_loss_of_power_leaves_the_old_state_or_the_new_and_what_was_acknowledged(
    name: str, thorough: bool, chance: Random, tally: Counter[str]
) -> None:
    trial = Trial(OPERATIONS[name], chance, thorough=thorough)
    trial.lose_power()
    tally.update(trial.counts)


@STATES
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_repeated_call_makes_durable_what_a_killed_process_had_not_synced(
    name: str, thorough: bool, chance: Random, tally: Counter[str]
) -> None:
    trial = Trial(OPERATIONS[name], chance, thorough=thorough)
    trial.kill()
    tally.update(trial.counts)
