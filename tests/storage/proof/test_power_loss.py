"""Whatever a loss of power leaves of a disk, wherever a process dies: the old state or the new, and it goes on."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from tests.storage.proof.operations import OPERATIONS
from tests.storage.proof.trials import Trial

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_loss_of_power_leaves_the_old_state_or_the_new_and_what_was_acknowledged(
    name: str, chance: Random, tally: Counter[str]
) -> None:
    trial = Trial(OPERATIONS[name], chance)
    trial.lose_power()
    tally.update(trial.counts)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_repeated_call_makes_durable_what_a_killed_process_had_not_synced(
    name: str, chance: Random, tally: Counter[str]
) -> None:
    trial = Trial(OPERATIONS[name], chance)
    trial.kill()
    tally.update(trial.counts)
