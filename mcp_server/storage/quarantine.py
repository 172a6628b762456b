"""The quarantine: damaged files lie there under the hash of what they hold, with a note that says why they do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import ValidationError

from mcp_server.domain.session import Frozen
from mcp_server.storage.audit import AuditLine
from mcp_server.storage.durable import read_file, write_file
from mcp_server.storage.layout import sha256
from mcp_server.storage.naming import names_in
from mcp_server.storage.parts import Parts

_NOTE: Final = ".why.json"


class Note(Frozen):
    """Why files of a session were put aside: ``files`` has the SHA-256 of each by its path in the store."""

    session_id: str
    did: Literal["rebuilt", "quarantined"]
    at: datetime
    version: int
    finding: str
    why: str
    files: dict[str, str]

    @property
    def event(self) -> str:
        """What the audit log knows this by."""
        return sha256(self.model_dump_json().encode())

    def names(self) -> list[str]:
        """What its files are called in the quarantine."""
        return [aside(name, digest) for name, digest in self.files.items()]


def aside(name: str, digest: str) -> str:
    """What a file of the store is called in the quarantine."""
    return f"{Path(name).name}.{digest[:16]}"


class Quarantine:
    """The quarantine of one store. Whoever puts files there holds their session's lock."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._folder = parts.layout.quarantine

    def notes(self, session_id: str | None = None) -> list[Note]:
        """Every note, or those about one session, the oldest first."""
        return sorted(self._read(session_id), key=lambda note: (note.at, note.session_id))

    def concluded(self, note: Note) -> bool:
        """Whether the audit log tells of it. Whoever wrote the note may have died before that."""
        try:
            told = read_file(self._parts.fs, self._parts.layout.audit)
        except FileNotFoundError:
            return False
        return note.event.encode() in told

    def announce(self, note: Note) -> Note:
        """Set down what is about to be done, durably; where that was begun before, the note of then."""
        for old in self.notes(note.session_id):
            same = (old.did, old.version) == (note.did, note.version) and note.files.items() <= old.files.items()
            if same and not self.concluded(old):
                note = old
        path = self._folder / f"{note.session_id}.{note.event[:16]}{_NOTE}"
        # Also what is there: whoever wrote it may have died before it was durable.
        write_file(self._parts.fs, path, note.model_dump_json(indent=2).encode() + b"\n")
        return note

    def take(self, paths: Iterable[Path], note: Note) -> None:
        """Move files of a note here, and make durable that those are here which came before."""
        fs = self._parts.fs
        for path in paths:
            fs.replace(path, self._folder / aside(path.name, note.files[self.name_of(path)]))
            fs.fsync_dir(self._folder)
            fs.fsync_dir(path.parent)
        for folder in {self._parts.layout.root / name for name in note.files}:
            fs.fsync_dir(folder.parent)
        fs.fsync_dir(self._folder)

    def has(self, note: Note) -> bool:
        """Whether any file of a note has come here."""
        return not set(note.names()).isdisjoint(names_in(self._parts.fs, self._folder))

    def conclude(self, note: Note) -> None:
        """Tell the audit log what was done."""
        line = AuditLine(
            kind=note.did,
            session_id=note.session_id,
            at=note.at,
            version=note.version,
            reason=f"{note.finding}; {note.why}",
            event=note.event,
        )
        self._parts.audit.append(line, once=True)

    def name_of(self, path: Path) -> str:
        """A path in the store, as notes have it."""
        return path.relative_to(self._parts.layout.root).as_posix()

    def _read(self, session_id: str | None) -> Iterator[Note]:
        for name in names_in(self._parts.fs, self._folder):
            if name.endswith(_NOTE) and session_id in (None, name.partition(".")[0]):
                with suppress(FileNotFoundError, ValidationError):
                    yield Note.model_validate_json(read_file(self._parts.fs, self._folder / name))
