"""Rebuilding damaged sessions and putting them aside, put through what every change of a store is put through."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Final

import pytest

from mcp_server.errors import CorruptStateError
from mcp_server.storage.durable import read_file
from mcp_server.storage.layout import sha256
from mcp_server.storage.salvage import Salvage
from mcp_server.storage.store import Store
from tests.storage.proof.operations import EVIDENCE, EVIDENCE_BLOBS, SITE, Operation, edit
from tests.storage.proof.seams import Fault
from tests.storage.proof.trials import Trial
from tests.storage.support import BEGIN, begun, parts, refusing, toggling

pytestmark = pytest.mark.integration

KINDS: Final = (Fault(errno.EIO), Fault(errno.ENOSPC, effect=0.5), Fault(errno.EACCES))


def torn(store: Store) -> None:
    """A session whose head was cut off; all stripes are there, since the file of a lock is made with its first use."""
    begun(store, "zero")
    with parts(store).locks.hold_all():
        pass
    begun(store)
    store.update("one", refusing(EVIDENCE), blobs=EVIDENCE_BLOBS)
    store.update("one", toggling)
    edit(store, SITE.head(), lambda raw: raw[:-50])


def beyond_certainty(store: Store) -> None:
    """Head and log are damaged both."""
    torn(store)
    edit(store, SITE.log(), lambda raw: raw[: raw.rindex(b"\n", 0, -1) + 1])


def salvaging(store: Store) -> None:
    verdicts = Salvage(parts(store)).run(BEGIN)
    if [one.does for one in verdicts] == ["leave"] and "in quarantine since" not in verdicts[0].says:
        # What the user's folder does not give is not there, which is told and changes nothing.
        raise CorruptStateError("foreign", "left", remediation="")


def told(kind: str) -> Callable[[Store], None]:
    def check(store: Store) -> None:
        lines = [line for line in parts(store).audit.read() if line.session_id == "one" and line.kind == kind]
        assert len(lines) == 1, lines

    return check


def put_aside(store: Store) -> None:
    """Both files are in quarantine, whole, and only there."""
    told("quarantined")(store)
    fs, folder = parts(store).fs, parts(store).layout.quarantine
    names = [name for name in fs.scandir(folder) if name.startswith("one.") and not name.endswith(".why.json")]
    assert sorted(name.rpartition(".")[0] for name in names) == ["one.json", "one.jsonl"]
    for name in names:
        assert sha256(read_file(fs, folder / name)).startswith(name.rpartition(".")[2])
    left = fs.scandir(parts(store).layout.live.folder)
    assert not [name for name in left if name.startswith("one.")]


OPERATIONS: Final[dict[str, Operation]] = {
    "rebuild": Operation(torn, salvaging, told("rebuilt")),
    "put into quarantine": Operation(beyond_certainty, salvaging, put_aside),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_who_repeats_what_a_killed_process_began_finishes_it(name: str, tally: Counter[str]) -> None:
    trial = Trial(OPERATIONS[name], Random(1))  # noqa: S311 - the same moments in every run
    trial.kill()
    assert trial.counts["double faults"] > 0
    tally.update(trial.counts)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_loss_of_power_or_a_failing_call_leaves_the_old_state_or_the_new(name: str, tally: Counter[str]) -> None:
    trial = Trial(OPERATIONS[name], Random(1))  # noqa: S311 - the same moments in every run
    trial.lose_power()
    trial.fail(KINDS)
    assert trial.counts["states"] > 0
    assert trial.counts["faults"] > 0
    tally.update(trial.counts)
