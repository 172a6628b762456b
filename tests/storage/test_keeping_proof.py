"""Backing up, restoring and cleaning up, put through what every change of a store is put through."""

from __future__ import annotations

import errno
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

import pytest

from mcp_server.domain.authority import Authority
from mcp_server.errors import CorruptStateError
from mcp_server.storage.backup import Backups
from mcp_server.storage.collection import Collection
from mcp_server.storage.restore import opened_restore
from mcp_server.storage.store import Store
from tests.storage.proof.operations import EVIDENCE, EVIDENCE_BLOBS, SITE, Operation, edit
from tests.storage.proof.seams import Fault
from tests.storage.proof.trials import Trial
from tests.storage.support import BEGIN, begun, refusing, toggling

pytestmark = pytest.mark.integration

ARCHIVE: Final = Path("/site/backup.zip")
LONG_AFTER: Final = datetime(2096, 1, 1, tzinfo=UTC)
KINDS: Final = (Fault(errno.EIO), Fault(errno.ENOSPC, effect=0.5), Fault(errno.EACCES))


def moved_on(store: Store) -> None:
    """A session of which there is a backup, and that was changed since."""
    begun(store)
    store.update("one", refusing(EVIDENCE), blobs=EVIDENCE_BLOBS)
    Backups(store.parts).make(ARCHIVE, at=BEGIN)
    store.update("one", toggling)


def torn(store: Store) -> None:
    moved_on(store)
    edit(store, SITE.head(), lambda raw: raw[:-50])


def deleted(store: Store) -> None:
    moved_on(store)
    store.delete("one", at=BEGIN, reason="by mistake")


def trashed(store: Store) -> None:
    """Two sessions, of which one has been in the trash for long."""
    begun(store, "zero")
    begun(store)
    store.update("one", refusing(EVIDENCE), blobs=EVIDENCE_BLOBS)
    store.delete("one", at=BEGIN, reason="done")


def restoring(store: Store) -> None:
    with opened_restore(store.parts, ARCHIVE) as restore:
        done = restore.run(at=BEGIN + timedelta(days=1), authority=Authority())
    for step in done.steps:
        if step.does in ("left", "as_it_is"):
            # A key that the user's folder does not give is none, which is told and changes nothing.
            raise CorruptStateError("foreign", str(step.finding), remediation="")


def cleaning(store: Store) -> None:
    Collection(store.parts, LONG_AFTER, remove=True).run()


OPERATIONS: Final[dict[str, Operation]] = {
    "back up": Operation(moved_on, lambda store: Backups(store.parts).make(None, at=BEGIN)),
    "restore": Operation(moved_on, restoring),
    "restore in the place of torn files": Operation(torn, restoring),
    "restore from the trash": Operation(deleted, restoring),
    "clean up": Operation(trashed, cleaning),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_who_repeats_what_a_killed_process_began_finishes_it(name: str, chance: Random, tally: Counter[str]) -> None:
    trial = Trial(OPERATIONS[name], chance)
    trial.kill()
    assert trial.counts["double faults"] > 0
    tally.update(trial.counts)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "clean up" else [pytest.mark.slow]) for name in OPERATIONS]
)
def test_a_loss_of_power_or_a_failing_call_leaves_the_old_state_or_the_new(
    name: str, chance: Random, tally: Counter[str]
) -> None:
    trial = Trial(OPERATIONS[name], chance)
    trial.lose_power()
    trial.fail(KINDS)
    assert trial.counts["states"] > 0
    assert trial.counts["faults"] > 0
    tally.update(trial.counts)
