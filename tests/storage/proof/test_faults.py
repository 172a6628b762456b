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


@pytest.mark.parametrize(
    "kinds", [pytest.param(ONCE, id="quick"), pytest.param(MORE, id="all", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_failing_call_leaves_the_old_state_or_the_new_and_says_which(
    name: str, kinds: tuple[Fault, ...], chance: Random, tally: Counter[str]
) -> None:
    trial = Trial(OPERATIONS[name], chance)
    trial.fail(kinds)
    tally.update(trial.counts)
