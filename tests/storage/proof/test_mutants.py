"""Each step that makes a change durable is needed: a store that leaves it out does not stand the trials."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Final

import pytest

from mcp_server.errors import PosWorkflowError
from tests.storage.proof.operations import OPERATIONS, prepared, store_on
from tests.storage.proof.seams import Moments, Seam
from tests.storage.proof.steps import Copying, Steps, Without
from tests.storage.proof.trials import Through, Trial

pytestmark = pytest.mark.integration

CAUGHT: Final = {
    "fsync by Acceptance._rechained": "accept a session",
    "fsync by Anchors._write": "start",
    "fsync by Audit.accept": "accept the store",
    "fsync by Audit.append": "start",
    "fsync by Blobs.put": "complete a phase",
    "fsync by KeyRing._make": "start in a new place",
    "fsync by Pages._append": "pause",
    "fsync by Pages.write": "pause",
    "fsync by Root._settle": "start in a new place",
    "fsync by Starts.remember": "start",
    "fsync_dir of .config by KeyRing.settle": "start in a new place",
    "fsync_dir of .share by Anchors.settle": "start in a new place",
    "fsync_dir of anchors by Anchors._write": "start",
    "fsync_dir of blobs by Blobs.put": "complete a phase",
    "fsync_dir of blobs/xx by Blobs.put": "complete a phase",
    "fsync_dir of home by KeyRing.settle": "start in a new place",
    "fsync_dir of pos-workflow by Anchors.settle": "start in a new place",
    "fsync_dir of pos-workflow by KeyRing.settle": "start in a new place",
    "fsync_dir of project by Root._settle": "start in a new place",
    "fsync_dir of sessions by Anchors._write": "pause",
    "fsync_dir of site by Root._settle": "start in a new place",
    "fsync_dir of starts by Starts.remember": "start",
    "fsync_dir of state by Audit.accept": "accept the store",
    "fsync_dir of state by Audit.append": "start in a new place",
    "fsync_dir of state by Root._settle": "start in a new place",
    "fsync_dir of stores by Anchors.settle": "start in a new place",
    "fsync_dir of trash by Parts.move": "delete",
    "fsync_dir of workflows by Acceptance._rechained": "accept a session",
    "fsync_dir of workflows by Pages.commit": "start",
    "fsync_dir of workflows by Pages.write": "pause",
    "fsync_dir of workflows by Parts.move": "delete",
    "truncate by Audit.append": "delete after a writer died",
    "truncate by Pages._append": "pause after a writer died",
}
"""Each step, and the operation whose trials miss it."""

_AGAIN: Final = "made durable once more by settle_names, which also sees to folders whose maker died"
_REMEMBERED: Final = "speaks of a store whose folder is gone; of one that is there it is set down again with a change"

NOT_MISSED: Final = {
    "fsync by KnownStores.write": _REMEMBERED,
    "fsync_dir of places by KnownStores.write": _REMEMBERED,
    "fsync_dir of pos-workflow by KnownStores.write": _REMEMBERED,
    "fsync_dir of .config by KeyRing._make": _AGAIN,
    "fsync_dir of home by KeyRing._make": _AGAIN,
    "fsync_dir of pos-workflow by KeyRing._make": _AGAIN,
    "fsync_dir of project by Root.make": _AGAIN,
    "fsync_dir of site by Root.make": _AGAIN,
    "fsync_dir of state by Root.make": "synced with the store's id, which is written after every folder is made",
    "fsync_dir of anchors by Anchors.settle": "synced with the audit log's anchor, which is written before the answer",
    "fsync_dir of trash by Pages.write": "a deleted head whose move is lost is still there and says that it is deleted",
}
"""Steps that the trials do not miss, and why: functions that several others share take them."""


def steps_of(name: str) -> set[str]:
    """The steps that an operation takes, and that it takes when it is repeated after its first call died anywhere."""
    operation = OPERATIONS[name]
    moments = Moments(prepared(operation))
    steps = Steps(moments)
    operation.run(store_on(steps))
    for _, moment in moments.seen:
        again = Steps(moment)
        operation.run(store_on(again))
        steps.seen |= again.seen
    return steps.seen


def test_every_step_that_the_code_takes_is_on_trial() -> None:
    taken = {step for name in OPERATIONS for step in steps_of(name)}
    assert taken == CAUGHT.keys() | NOT_MISSED.keys()


def stand(name: str, chance: Random, through: Through) -> None:
    trial = Trial(OPERATIONS[name], chance, through)
    trial.kill()
    trial.lose_power()


@pytest.mark.parametrize("step", CAUGHT)
def test_a_step_left_out_is_missed(step: str, chance: Random, tally: Counter[str]) -> None:
    with pytest.raises((AssertionError, PosWorkflowError)):
        stand(CAUGHT[step], chance, lambda disk: Without(disk, step))
    tally["mutants caught"] += 1


def test_a_file_that_is_not_put_into_its_place_at_once_is_missed(chance: Random, tally: Counter[str]) -> None:
    with pytest.raises((AssertionError, PosWorkflowError)):
        stand("pause", chance, Copying)
    tally["mutants caught"] += 1


def test_nothing_left_out_is_not_missed(chance: Random) -> None:
    stand("pause", chance, Seam)


@pytest.mark.slow
@pytest.mark.parametrize("step", NOT_MISSED)
def test_a_step_that_is_said_not_to_be_missed_is_not(step: str, chance: Random) -> None:
    for name in OPERATIONS:
        if step in steps_of(name):
            stand(name, chance, lambda disk: Without(disk, step))
