"""Each call to the disk fails, in each way: what follows is the old state or the new one, as the answer says."""

from __future__ import annotations

import errno
from collections import Counter
from random import Random
from typing import Final

import pytest

from tests.storage.proof.operations import OPERATIONS
from tests.storage.proof.seams import Fault
from tests.storage.proof.trials import Trial

pytestmark = pytest.mark.integration

ONCE: Final = (Fault(errno.EIO), Fault(errno.ENOSPC, effect=0.5), Fault(errno.EACCES))
MORE: Final = (
    Fault(errno.EIO, effect=1),
    Fault(errno.EIO, for_good=True),
    Fault(errno.ENOSPC, for_good=True, effect=1),
    Fault(errno.EACCES, for_good=True),
    Fault(errno.EROFS),
    Fault(errno.EDQUOT, effect=0.9),
    Fault(errno.EMFILE),
)


def quick(name: str) -> tuple[Fault, ...]:
    # It takes all 64 locks, with four calls for each.
    return ONCE[:1] if name == "accept the store" else ONCE


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        *(pytest.param(name, quick(name), id=f"{name}-quick") for name in OPERATIONS),
        *(pytest.param(name, (*ONCE, *MORE), id=f"{name}-all", marks=pytest.mark.slow) for name in OPERATIONS),
    ],
)
def test_a_failing_call_leaves_the_old_state_or_the_new_and_says_which(
    name: str, kinds: tuple[Fault, ...], chance: Random, tally: Counter[str]
) -> None:
    trial = Trial(OPERATIONS[name], chance)
    trial.fail(kinds)
    tally.update(trial.counts)
