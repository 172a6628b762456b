"""Bringing sessions over: each file is read, its definition found, the session made of it, and committed as one event.

A dry run does all of it but the commit. Nothing depends on how far an import came before: what is there is said and
left alone, so it can be repeated after whatever stopped it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Final, Literal

from mcp_server.definitions.library import Library
from mcp_server.domain.authority import Authority
from mcp_server.domain.definition import Workflow
from mcp_server.domain.events import SessionImported
from mcp_server.domain.session import Session, Status
from mcp_server.errors import ConflictError, CorruptStateError, NotFoundError, PosWorkflowError
from mcp_server.importing import praxis_os
from mcp_server.importing.pinning import Files, Pinning
from mcp_server.importing.source import Source, SourceFile
from mcp_server.storage.document import Document, UnfitError
from mcp_server.storage.layout import is_session_id, sha256
from mcp_server.storage.plausible import require_reachable
from mcp_server.storage.store import Store
from mcp_server.storage.values import canonical
from mcp_server.storage.versions import raised

LOST_KEPT: Final = 100
"""So many things that could not be carried over are told one by one."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one file.

    ``says`` is where its session stands, or the reason why it is not imported; ``lost`` what could not be carried over.
    """

    file: str
    outcome: Literal["imported", "already_there", "refused"]
    says: str
    session_id: str | None = None
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Made:
    """A session made of a file, not yet committed."""

    session: Session
    document: Document
    source: str


class Importer:
    """One import into the store of one project. ``zone`` is that of times without one; None: this machine's."""

    def __init__(
        self, library: Library, store: Store, files: Files, project: Path, *, zone: tzinfo | None = None
    ) -> None:
        self._store = store
        self._pinning = Pinning(library, files, project)
        self._zone = zone

    def run(self, source: Source, *, at: datetime, authority: Authority | None) -> Iterator[Result]:
        """Bring over every session of a folder, one after the other, in the name of ``authority``.

        Without one it is a dry run: all of it is done but the commits. Raises OSError where the folder cannot be read,
        StorageError where the store cannot be written.
        """
        taken: dict[str, str] = {}
        for name in source.names():
            try:
                file = source.read(name)
                fields = praxis_os.parse(file.raw)
                if praxis_os.is_ours(fields):
                    yield Result(name, "already_there", "it is a session of this program")
                    continue
                made = self._made(fields, file, at)
                _take(taken, made.session.session_id, name)
                result = self._result(name, made)
                if authority is not None and result.session_id is not None:
                    self._persist(made, result, at, authority)
            except UnfitError as error:
                result = Result(name, "refused", str(error))
            except (CorruptStateError, ConflictError) as error:
                result = Result(name, "refused", error.message)
            yield result

    def _result(self, name: str, made: _Made) -> Result:
        there = self._there(made)
        session = made.session
        if there is not None:
            return Result(name, "already_there", there, session.session_id)
        return Result(name, "imported", _standing(session), session.session_id, made.document.lost)

    def _made(self, fields: dict[str, Any], file: SourceFile, at: datetime) -> _Made:
        """The session that a file makes; UnfitError when it makes none."""
        read = praxis_os.normalised(fields, file, self._zone)
        session_id = _id_here(read.fields["session_id"])
        document, found = self._pinning.resolved(read, session_id, at)
        document = raised(document)
        session = Session.model_validate_json(canonical(document.fields))
        require_reachable(session)
        lost = (*_unguarded(session, found.workflow), *document.lost)
        if len(lost) > LOST_KEPT:
            lost = (*lost[:LOST_KEPT], f"and {len(lost) - LOST_KEPT} more")
        blobs = {**document.blobs, session.definition.digest: found.bundle.encode()}
        return _Made(session, Document(document.fields, blobs, lost), sha256(file.raw))

    def _there(self, made: _Made) -> str | None:
        """What to say of a session that was brought over before; None when its id is free.

        Raises UnfitError when the id is another session's.
        """
        session_id = made.session.session_id
        if not self._store.holds(session_id):
            if self._store.knows(session_id):
                return "it was imported before, and deleted here since"
            return None
        try:
            first = self._store.events(session_id)[0].event
        except NotFoundError:
            return f"it was imported before, and lies in the trash: pos-workflow undelete {session_id} brings it back"
        except PosWorkflowError as error:
            return f"a session of this id is there already, which cannot be read: {error.message}"
        if not isinstance(first, SessionImported) or first.session.imported_from != made.session.imported_from:
            raise UnfitError(f"its id here would be {session_id}, which is another session's")
        if first.source != made.source:
            return "it was imported before; its file has changed since, and what changed is not carried over"
        return "it was imported before"

    def _persist(self, made: _Made, result: Result, at: datetime, authority: Authority) -> None:
        if result.outcome == "already_there":
            # What is said to be there has to stay there.
            self._store.renew(made.session.session_id)
            return
        lost = made.document.lost
        event = SessionImported(at=at, session=made.session, source=made.source, lost=lost, authority=authority)
        self._store.bring(event, blobs=made.document.blobs)


def _take(taken: dict[str, str], session_id: str, name: str) -> None:
    if session_id in taken:
        raise UnfitError(f"it leads to the same id as {taken[session_id]}, which comes first")
    taken[session_id] = name


def _id_here(original: str) -> str:
    """The id that a session gets here: its own in lower case, with ``_`` for each ``-``."""
    session_id = original.lower().replace("-", "_")
    if not is_session_id(session_id):
        raise UnfitError("its session_id has other characters than a-z, 0-9, - and _, or more than 200")
    return session_id


def _unguarded(session: Session, workflow: Workflow) -> tuple[str, ...]:
    """What to say where the gate of the current phase compares files with what they were when it was entered."""
    phase = workflow.phase(session.current_phase)
    if session.session_status is not Status.ACTIVE or phase is None:
        return ()
    guards = any(check.conditions.unchanged_since_phase_start for check in phase.gate.checks)
    if not guards and not phase.gate.protected_paths:
        return ()
    said = "how the files that its gate guards were when it was entered; the gate blocks until pos-workflow repin"
    return (f"phase {phase.number}: {said}",)


def _standing(session: Session) -> str:
    done = f"{len(session.completed_phases)} of {len(session.phases)} phases completed"
    return f"{session.workflow_type} on {session.target_file}: {session.session_status}, {done}"
