"""The form of a backup: a zip whose members have the paths that they have in a store, and a manifest that counts them.

The manifest is sealed with the user's key, if there is one. Sessions carry their own seals; it is the audit log, and
what is remembered of starts, that only the manifest vouches for.

Nothing is ever unpacked from one by its name. What is restored is asked for by names that are made from ids and hashes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import datetime
from hmac import compare_digest
from pathlib import Path
from stat import S_IFREG, S_ISREG
from typing import Final, Literal
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from pydantic import Field, ValidationError

import mcp_server
from mcp_server.domain.session import SCHEMA_VERSION, Frozen, Session
from mcp_server.storage.archive_file import MALFORMED, MAX_MEMBER_BYTES, MAX_MEMBERS, SeamFile, damaged, unzipped
from mcp_server.storage.durable import opened
from mcp_server.storage.filesystem import READ, FileSystem
from mcp_server.storage.findings import newer
from mcp_server.storage.head import Seal
from mcp_server.storage.keys import Key
from mcp_server.storage.layout import sha256

FORMAT: Final = 1
IDENTITY: Final = "store.json"
AUDIT: Final = "audit.jsonl"

_MANIFEST: Final = "manifest.json"
_SEAL: Final = "seal.json"
_MAX_MANIFEST_BYTES: Final = 128 * 1024 * 1024
_MAX_SEAL_BYTES: Final = 1024
_FORMAT: Final = re.compile(rb'"format": ?([0-9]{1,9})\b')
_MEMBER: Final = re.compile(
    r"(?P<lone>store\.json|audit\.jsonl)"
    r"|(?P<folder>workflows|trash)/[a-z0-9_]{1,200}\.jsonl?"
    r"|(?P<blobs>blobs)/(?P<start>[0-9a-f]{2})/(?P=start)[0-9a-f]{62}"
    r"|(?P<starts>starts)/[0-9a-f]{64}"
)

Kind = Literal["backup", "before_restore", "before_migration"]
"""Why a backup was made: because somebody asked for it, or before something that changes a whole store."""

Progress = Callable[[str, int, int], object]
"""Told what is being done, and how many of how many are done."""


class Member(Frozen):
    """What a file in the archive has to be: its length in bytes and its content's SHA-256."""

    bytes: int = Field(ge=0, le=MAX_MEMBER_BYTES)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Contained(Frozen):
    """One session of the archive. ``finding`` says why its files could not be trusted when they were copied.

    Of files that do not parse nothing else is known.
    """

    session_id: str
    deleted: bool
    version: int | None = None
    session_status: str | None = None
    last_updated: datetime | None = None
    finding: str | None = None

    @classmethod
    def of(cls, session: Session) -> Contained:
        """What is to be said of a session."""
        return cls(
            session_id=session.session_id,
            deleted=session.deleted_at is not None,
            version=session.version,
            session_status=session.session_status,
            last_updated=session.last_updated,
        )


class Manifest(Frozen):
    """What an archive holds: when it was made, of which store (its id, "" if it had none), and every file.

    ``counts`` are the files by the folder that they lie in.
    """

    format: Literal[1] = FORMAT
    kind: Kind
    created_at: datetime
    program: str = mcp_server.__version__
    schema_version: int = SCHEMA_VERSION
    store: str
    sessions: tuple[Contained, ...]
    counts: dict[str, int]
    bytes: int
    members: dict[str, Member]


class ArchiveWriter:
    """An archive that is being written. It is one when ``finish`` has been called."""

    def __init__(self, archive: ZipFile, at: datetime) -> None:
        self._zip = archive
        self._at = at
        self._members: dict[str, Member] = {}

    def add(self, name: str, content: bytes) -> None:
        """Put a file in; CorruptStateError when the archive would not be read again with it."""
        if len(content) > MAX_MEMBER_BYTES or len(self._members) >= MAX_MEMBERS:
            raise damaged("would hold more, or a larger file, than one may")
        self._members[name] = Member(bytes=len(content), sha256=sha256(content))
        self._write(name, content)

    def finish(self, kind: Kind, store: str, sessions: tuple[Contained, ...], key: Key | None) -> Manifest:
        """Put in the manifest, sealed if there is a key."""
        manifest = Manifest(
            kind=kind,
            created_at=self._at,
            store=store,
            sessions=sessions,
            counts=_counts(self._members),
            bytes=sum(member.bytes for member in self._members.values()),
            members=self._members,
        )
        raw = manifest.model_dump_json(indent=1).encode() + b"\n"
        self._write(_MANIFEST, raw)
        if key is not None:
            self._write(_SEAL, Seal(key_id=key.id, hmac=key.sign(raw)).model_dump_json().encode() + b"\n")
        return manifest

    def _write(self, name: str, content: bytes) -> None:
        info = ZipInfo(name, self._at.timetuple()[:6])
        info.compress_type = ZIP_DEFLATED
        info.external_attr = (S_IFREG | 0o600) << 16
        self._zip.writestr(info, content)


class Archive:
    """An archive whose list and manifest agree; each file is held to the manifest whenever it is read."""

    def __init__(self, archive: ZipFile, infos: Mapping[str, ZipInfo]) -> None:
        self._zip = archive
        self._infos = infos
        self._raw = self._bounded(_MANIFEST, _MAX_MANIFEST_BYTES)
        self.manifest = self._read_manifest()
        self._seal = self._read_seal()

    def read(self, name: str) -> bytes:
        """A file's content; KeyError for none of this name, CorruptStateError unless it is what was put in."""
        member = self.manifest.members[name]
        content = self._content(name, member.bytes)
        if sha256(content) != member.sha256:
            raise damaged("has a file that is not what was put into it")
        return content

    def sealed_by(self, key: Key | None) -> bool:
        """Whether the manifest, and with it all that it vouches for, was sealed with this key."""
        return key is not None and self._seal is not None and compare_digest(key.sign(self._raw), self._seal.hmac)

    def check(self, progress: Progress) -> None:
        """Read every file; CorruptStateError unless each is what was put in."""
        members = self.manifest.members
        for number, name in enumerate(members):
            progress("Checking files", number, len(members))
            self.read(name)

    def _read_manifest(self) -> Manifest:
        try:
            manifest = Manifest.model_validate_json(self._raw)
        except ValidationError:
            # The format comes first, so that what a later program adds is not taken for damage.
            found = _FORMAT.search(self._raw[:100])
            if found is not None and int(found[1]) > FORMAT:
                raise newer("a later version of pos-workflow made the archive") from None
            raise damaged("has a manifest that does not parse") from None
        sizes = {name: info.file_size for name, info in self._infos.items() if name not in (_MANIFEST, _SEAL)}
        if sizes != {name: member.bytes for name, member in manifest.members.items()}:
            raise damaged("does not hold what its manifest says")
        if not all(map(_MEMBER.fullmatch, sizes)):
            raise damaged("has a file that is not one of a store")
        if manifest.counts != _counts(manifest.members) or manifest.bytes != sum(sizes.values()):
            raise damaged("has a manifest that contradicts itself")
        told = {one.session_id: one.deleted for one in manifest.sessions}
        if len(told) != len(manifest.sessions) or set(told.items()) != _sessions(sizes):
            raise damaged("has other sessions than its manifest says")
        return manifest

    def _read_seal(self) -> Seal | None:
        if _SEAL not in self._infos:
            return None
        try:
            return Seal.model_validate_json(self._bounded(_SEAL, _MAX_SEAL_BYTES))
        except ValidationError:
            raise damaged("has a seal that does not parse") from None

    def _bounded(self, name: str, most: int) -> bytes:
        """One of the two files that say what the others are."""
        info = self._infos.get(name)
        if info is None or info.file_size > most:
            raise damaged("has no manifest: it is not a backup")
        return self._content(name, info.file_size)

    def _content(self, name: str, size: int) -> bytes:
        try:
            with self._zip.open(self._infos[name]) as stream:
                # One more than there should be, and never the whole of what a bomb would give.
                content = stream.read(size + 1)
        except MALFORMED:
            raise damaged("has a file that cannot be read") from None
        if len(content) != size:
            raise damaged("has a file of another length than it says")
        return content


@contextmanager
def written_archive(fs: FileSystem, fd: int, at: datetime) -> Generator[ArchiveWriter]:
    """Write an archive into an empty open file, and make it durable."""
    with ZipFile(SeamFile(fs, fd), "w") as archive:
        yield ArchiveWriter(archive, at)
    fs.fsync(fd)


@contextmanager
def opened_archive(fs: FileSystem, path: Path) -> Generator[Archive]:
    """An archive to be read; CorruptStateError unless it can be believed, OSError when it cannot be opened."""
    with opened(fs, path, READ) as fd:
        if not S_ISREG(fs.fstat(fd).st_mode):
            raise damaged("is not a file")
        with unzipped(fs, fd) as (archive, infos):
            yield Archive(archive, infos)


def head_name(session_id: str, *, deleted: bool) -> str:
    """The name of a session's head in an archive."""
    return f"{'trash' if deleted else 'workflows'}/{session_id}.json"


def blob_name(digest: str) -> str:
    """The name of a blob in an archive."""
    return f"blobs/{digest[:2]}/{digest}"


def _counts(members: Mapping[str, Member]) -> dict[str, int]:
    return dict(sorted(Counter(name.partition("/")[0] for name in members).items()))


def _sessions(names: Mapping[str, int]) -> set[tuple[str, bool]]:
    """The ids of the sessions whose heads or logs are among the names, and whether these lie in the trash."""
    files = (name.split("/") for name in names if name.startswith(("workflows/", "trash/")))
    return {(name.partition(".")[0], folder == "trash") for folder, name in files}
