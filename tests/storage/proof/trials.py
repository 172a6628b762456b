"""Putting an operation through every loss of power, every kill and every failing call."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager

from mcp_server.errors import CorruptStateError, StorageError
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.store import Store
from tests.storage.proof.disk import Disk
from tests.storage.proof.operations import Facts, Operation, acknowledged, audit_anchored, facts, prepared, store_on
from tests.storage.proof.seams import Counting, Fault, Faulty, Moments

Through = Callable[[FileSystem], FileSystem]
"""The disk as the store that is on trial gets to see it."""


class Trial:
    """One operation, what is there before it, and what is there after it on a sound disk.

    Every trial ends with the same call repeated, acknowledged, and a loss of power: what was acknowledged is there.
    AssertionError, or whatever a reader meets that it should not, when a trial fails.
    """

    def __init__(
        self,
        operation: Operation,
        chance: random.Random,
        through: Through = lambda disk: disk,
        *,
        thorough: bool = False,
    ) -> None:
        self._operation = operation
        self._chance = chance
        self._through = through
        self._most, self._most_in_the_end = (64, 16) if thorough else (8, 0)
        self._before = prepared(operation)
        self._old = facts(store_on(self._before.killed()))
        done = self._before.killed()
        operation.run(store_on(done))
        self._new = facts(store_on(done))
        self._known: dict[object, Facts] = {}
        self._sound: set[object] = set()
        self.counts: Counter[str] = Counter()

    def lose_power(self) -> None:
        """Lose the power before each change and after the last, and find every disk that this may leave."""
        seen: set[object] = set()
        *moments, (end, last) = self._moments()
        with _told(f"power lost at {end}"):
            assert all(map(audit_anchored, last.after_power_loss(self._chance, most=self._most)))
            self._require_lasting(last)
        for name, moment in reversed(moments):
            for left in moment.after_power_loss(self._chance, most=self._most):
                if (content := left.contents()) in seen:
                    continue
                seen.add(content)
                with _told(f"power lost before {name}"):
                    self._require_old_or_new(left)
                    self._repeat(left)
                    self._require_lasting(left)
                self.counts["states"] += 1

    def kill(self) -> None:
        """Kill the process before each change; what it had not synced is still in the page cache."""
        for name, moment in self._moments():
            with _told(f"killed before {name}"):
                self._require_old_or_new(moment)
                again = moment.killed()
                self._repeat(again)
                self._require_lasting(again)
            self.counts["double faults"] += 1

    def fail(self, kinds: Iterable[Fault]) -> None:
        """Let each call fail in each of these ways."""
        counting = Counting(self._before.killed())
        self._operation.run(store_on(counting))
        for number in range(counting.calls):
            for fault in kinds:
                disk = self._before.killed()
                with _told(f"call {number} failed: {fault}"):
                    outcome = self._outcome(store_on(Faulty(self._through(disk), number, fault)))
                    disk = disk.killed()
                    if outcome == "unknown":
                        self._require_old_or_new(disk)
                    else:
                        assert self._facts(disk) == (self._new if outcome == "changed" else self._old), outcome
                    self._repeat(disk)
                    self._require_acknowledged(disk.after_hard_loss())
                self.counts["faults"] += 1

    def _moments(self) -> list[tuple[str, Disk]]:
        disk = self._before.killed()
        moments = Moments(disk)
        self._operation.run(store_on(self._through(moments)))
        return [*moments.seen, ("the end", disk)]

    def _outcome(self, store: Store) -> str:
        """Whether the change was made, as far as the caller was told."""
        try:
            self._operation.run(store)
        except StorageError as error:
            return str(error.facts["outcome"])
        except CorruptStateError as error:
            # A key that the user's folder does not give is none.
            return "unchanged" if error.kind == "foreign" else error.message
        return "changed"

    def _facts(self, disk: Disk) -> Facts:
        content = disk.contents()
        if content not in self._known:
            self._known[content] = facts(store_on(disk.killed()))
        return self._known[content]

    def _require_old_or_new(self, disk: Disk) -> None:
        now = self._facts(disk)
        for name in {*now, *self._old, *self._new}:
            assert now.get(name) in (self._old.get(name), self._new.get(name)), name

    def _repeat(self, disk: Disk) -> None:
        self._operation.run(store_on(self._through(disk)))

    def _require_lasting(self, disk: Disk) -> None:
        for left in disk.after_power_loss(self._chance, most=self._most_in_the_end):
            self._require_acknowledged(left)

    def _require_acknowledged(self, disk: Disk) -> None:
        content = disk.contents()
        if content not in self._sound:
            acknowledged(self._operation, disk, self._new)
            self._sound.add(content)
            self.counts["states"] += 1


@contextmanager
def _told(moment: str) -> Generator[None]:
    """Say of an error at which moment of the trial it came."""
    try:
        yield
    except Exception as error:
        error.add_note(moment)
        raise
