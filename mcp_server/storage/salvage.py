"""Saving damaged sessions: what the anchor proves is made anew, what it does not is put into quarantine."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path
from typing import Literal

from mcp_server.errors import CorruptStateError, StorageError
from mcp_server.storage.durable import Outcome, read_file, set_aside
from mcp_server.storage.head import Page
from mcp_server.storage.judging import Judge, Verdict
from mcp_server.storage.layout import Place, sha256
from mcp_server.storage.locks import stripe_of
from mcp_server.storage.parts import Parts
from mcp_server.storage.quarantine import Note, Quarantine


class Salvage:
    """The salvage of one store. Methods raise as those of a store do."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._judge = Judge(parts)
        self._quarantine = Quarantine(parts)

    def explain(self, session_id: str) -> Verdict | None:
        """What is wrong with one session; None when nothing is. Nothing is changed."""
        with Outcome(), ExitStack() as stack:
            # Where the lock has never been made nobody has ever written.
            with suppress(OSError):
                stack.enter_context(self._parts.locks.hold(stripe_of(session_id), create=False))
            return self._judge.verdict(session_id)

    def plan(self) -> tuple[Verdict, ...]:
        """What is wrong with which sessions, all of each being looked at. Nothing is changed."""
        verdicts = [self.explain(one) for one in self._session_ids()]
        return tuple(one for one in verdicts if one is not None)

    def run(self, at: datetime) -> tuple[Verdict, ...]:
        """Rebuild what is proven and put into quarantine what is not; what was found. Repeating it finishes it.

        A StorageError ``unchanged`` means that no session was touched.
        """
        ids = self._session_ids()
        with Outcome():
            if ids:
                self._parts.root.make()
        verdicts: list[Verdict] = []
        try:
            for session_id in ids:
                verdicts += self._mend(session_id, at)
        except StorageError as error:
            if all(one.does == "leave" for one in verdicts):
                raise
            raise StorageError(error.message, outcome="unknown") from error
        return tuple(verdicts)

    def _session_ids(self) -> list[str]:
        parts = self._parts
        with Outcome():
            if not parts.root.identity() and not parts.session_ids():
                return []
            anchored = parts.guard.anchors.session_ids()
            there = set(parts.session_ids())
            return sorted(there | {session_id for session_id, _ in parts.gone(anchored, there)})

    def _mend(self, session_id: str, at: datetime) -> list[Verdict]:
        with self._parts.locked(session_id) as outcome:
            self._finish(session_id, outcome)
            verdict = self._judge.verdict(session_id)
            if verdict is None:
                return []
            if verdict.page is not None:
                self._rebuild(verdict, verdict.page, at, outcome)
                left = self._judge.verdict(session_id)
                return [verdict] if left is None else [verdict, left]
            if verdict.does == "quarantine":
                self._put_aside(verdict, at, outcome)
            return [verdict]

    def _rebuild(self, verdict: Verdict, page: Page, at: datetime, outcome: Outcome) -> None:
        parts, files = self._parts, self._judge.files(verdict.session_id)
        heads = [path for path in files if path.suffix == ".json"]
        note = self._quarantine.announce(self._note(verdict, "rebuilt", heads, page.session.version, at))
        for path in heads:
            set_aside(parts.fs, parts.layout.quarantine, path.name, read_file(parts.fs, path))
        parts.pages.write(Place(files[0].parent), page, outcome)
        parts.settle(verdict.session_id)
        self._quarantine.conclude(note)

    def _put_aside(self, verdict: Verdict, at: datetime, outcome: Outcome) -> None:
        files = self._judge.files(verdict.session_id)
        anchor = self._parts.guard.anchors.read(verdict.session_id)
        version = anchor.version if anchor is not None else 0
        note = self._quarantine.announce(self._note(verdict, "quarantined", files, version, at))
        outcome.committing()
        self._quarantine.take(files, note)
        self._quarantine.conclude(note)

    def _finish(self, session_id: str, outcome: Outcome) -> None:
        """Conclude what somebody began who died, and make durable what he had concluded."""
        for note in self._quarantine.notes(session_id):
            if self._quarantine.concluded(note) or self._is_done(note, outcome):
                outcome.committing()
                self._quarantine.conclude(note)

    def _is_done(self, note: Note, outcome: Outcome) -> bool:
        """Whether what a note announces has come to pass; it is durable then."""
        parts, files = self._parts, self._judge.files(note.session_id)
        if note.did == "rebuilt":
            try:
                found = parts.settle(note.session_id)
            except CorruptStateError:
                return False
            if found is None or found.page.session.version < note.version:
                return False
            parts.pages.write(found.place, found.page, outcome)
            return True
        if not self._quarantine.has(note) or any(path.suffix == ".json" for path in files):
            return False
        outcome.committing()
        left = [path for path in files if note.files.get(self._quarantine.name_of(path)) == self._digest(path)]
        self._quarantine.take(left, note)
        return True

    def _note(
        self, verdict: Verdict, did: Literal["rebuilt", "quarantined"], files: list[Path], version: int, at: datetime
    ) -> Note:
        return Note(
            session_id=verdict.session_id,
            did=did,
            at=at,
            version=version,
            finding=verdict.finding,
            why=verdict.says,
            files={self._quarantine.name_of(path): self._digest(path) for path in files},
        )

    def _digest(self, path: Path) -> str:
        return sha256(read_file(self._parts.fs, path))
