"""Trust: which definitions may have their commands run in one project, because a person said so.

It is kept in the user's configuration folder, outside every project, so that a clone brings none along. Each grant
carries an HMAC with the user's key, so that one which is edited by hand or copied from another project does not count.
An assistant with a shell can read that key too, or put back a file from before trust was taken away: this detects what
is done without much thought, it does not prevent the rest.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from mcp_server.domain.authority import Authority
from mcp_server.domain.session import Frozen
from mcp_server.errors import ConfigurationError, PosWorkflowError, StorageError
from mcp_server.storage.audit import AuditLine
from mcp_server.storage.durable import Outcome, make_folders, opened, read_span, write_file
from mcp_server.storage.filesystem import READ, FileSystem
from mcp_server.storage.keys import Key, KeyRing
from mcp_server.storage.layout import sha256
from mcp_server.storage.parts import Parts

_MAX_BYTES: Final = 1024 * 1024
_PLACE: Final = "The user's configuration folder"
_LOCK: Final = "trust.lock"

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Grant(Frozen):
    """One definition that is trusted.

    ``digest`` is that of its files without a plan (``Bundle.definition_digest``), ``source`` where it was found, ``at``
    when it was trusted and ``authority`` by whom.
    """

    workflow_type: str
    digest: Digest
    source: str
    at: datetime
    authority: Authority


class _Sealed(Frozen):
    grant: Grant
    key_id: str
    hmac: str


class _File(Frozen):
    format: Literal[1] = 1
    store: str
    project: str
    grants: tuple[_Sealed, ...]


@dataclass(frozen=True, slots=True)
class Trusted:
    """What is trusted in a project, oldest first; ``problems`` says of what was found besides why it does not count."""

    grants: tuple[Grant, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrustedProject:
    """The project that trust is bound to: the id of its store and its resolved root.

    A clone in the place of another project has another store, and a copy of a store another root.
    """

    store: str
    root: str

    @property
    def file_name(self) -> str:
        """The name of its trust file."""
        return sha256(f"{self.store}\0{self.root}".encode())[:32] + ".json"


class TrustFile:
    """The trust of one project, on disk. Locking and recording are ``Trust``'s."""

    def __init__(self, fs: FileSystem, keys: KeyRing, project: TrustedProject) -> None:
        self._fs = fs
        self._keys = keys
        self._project = project
        self._path = keys.folder / "trust" / project.file_name

    def read(self) -> Trusted:
        """What counts and what does not. Never raises: what cannot be read is not trusted."""
        try:
            with opened(self._fs, self._path, READ) as fd:
                raw = read_span(self._fs, fd, 0, _MAX_BYTES + 1)
            stored = _File.model_validate_json(raw if len(raw) <= _MAX_BYTES else b"")
        except (FileNotFoundError, NotADirectoryError):
            return Trusted()
        except OSError:
            return Trusted(problems=("The trust file in the user's configuration folder cannot be read.",))
        except ValidationError:
            return Trusted(problems=("The trust file in the user's configuration folder is damaged.",))
        counted = [one.grant for one in stored.grants if self._counts(one)]
        doubted = [one.grant for one in stored.grants if one.grant not in counted]
        return Trusted(
            tuple(counted),
            tuple(
                f"The trust in {one.workflow_type} ({one.digest[:12]}) was not written by this program with this "
                "user's key."
                for one in doubted
            ),
        )

    def write(self, grants: tuple[Grant, ...], key: Key) -> None:
        """Put these grants in the place of whatever is there. Raises OSError."""
        sealed = tuple(_Sealed(grant=one, key_id=key.id, hmac=key.sign(self._signed(one))) for one in grants)
        content = _File(store=self._project.store, project=self._project.root, grants=sealed)
        make_folders(self._fs, self._path.parent)
        write_file(self._fs, self._path, content.model_dump_json(indent=2).encode() + b"\n")

    def _counts(self, one: _Sealed) -> bool:
        try:
            key = self._keys.find(one.key_id)
        except (PosWorkflowError, OSError):
            return False
        if key is None or key.id != one.key_id or not one.hmac.isascii():
            return False
        return hmac.compare_digest(key.sign(self._signed(one.grant)), one.hmac)

    def _signed(self, grant: Grant) -> bytes:
        # Told apart from the heads that the same key seals, which begin with a brace.
        return f"trust\0{self._project.store}\0{self._project.root}\0{grant.model_dump_json()}".encode()


class Trust:
    """What a person trusts in one project; every change leaves a line in the audit log of the project's store."""

    def __init__(self, parts: Parts, project: Path) -> None:
        self._parts = parts
        self._root = project

    def is_trusted(self, digest: str) -> bool:
        """Whether the commands of the definition of this digest (without a plan) may be run. Never raises."""
        return any(one.digest == digest for one in self.list().grants)

    def list(self) -> Trusted:
        """All that is trusted. Never raises: where the store or the trust cannot be read, nothing is."""
        try:
            file = self._file()
        except (PosWorkflowError, OSError):
            return Trusted(problems=("The project's store cannot be used, so it is not known what is trusted in it.",))
        return file.read() if file else Trusted()

    def grant(self, new: Grant) -> None:
        """Trust a definition, in the place of what was said of the same one before. The store is made if need be.

        Raises ConfigurationError and StorageError when the user's folder or the store cannot be written, BusyError
        when somebody holds them.
        """
        key = self._key()
        with Outcome():
            self._parts.root.make()
            # First, since a line too many does no harm, and trust that nobody recorded does.
            self._parts.audit.append(_line("trusted", new, new.at, new.authority))
        self._change(lambda grants: (*(one for one in grants if one.digest != new.digest), new), key)

    def revoke(self, unwanted: Callable[[Grant], bool], *, at: datetime, authority: Authority) -> tuple[Grant, ...]:
        """Take trust away; the grants that are gone. The same errors as ``grant``."""
        gone = tuple(one for one in self.list().grants if unwanted(one))
        if gone:
            self._change(lambda grants: tuple(one for one in grants if not unwanted(one)), self._key())
        with Outcome():
            for one in gone:
                self._parts.audit.append(_line("untrusted", one, at, authority))
        return gone

    def _change(self, change: Callable[[tuple[Grant, ...]], tuple[Grant, ...]], key: Key) -> None:
        file = self._file()
        if file is None:
            raise StorageError("The session store is gone.", outcome="unchanged")
        with Outcome(_PLACE) as outcome, self._parts.guard.keys.locks.hold(_LOCK):
            kept = change(file.read().grants)
            outcome.committing()
            file.write(kept, key)

    def _file(self) -> TrustFile | None:
        """The trust file of the project as it is now, or None while it has no store."""
        parts = self._parts
        store = parts.root.identity()
        if not store:
            return None
        return TrustFile(parts.fs, parts.guard.keys, TrustedProject(store, str(parts.fs.resolve(self._root))))

    def _key(self) -> Key:
        with Outcome(_PLACE):
            key = self._parts.guard.key_to_seal()
        if key is None:
            raise ConfigurationError(
                f"{_PLACE} cannot be written, so trust cannot be kept.",
                remediation="Mend its permissions, or choose another with --user-dir.",
            )
        return key


def _line(kind: Literal["trusted", "untrusted"], grant: Grant, at: datetime, authority: Authority) -> AuditLine:
    who = f"operator {authority.operator}" if authority.authenticated else f"{authority.user}, not authenticated"
    said = f"{grant.workflow_type} ({grant.source}, {grant.digest}) by {who}"
    return AuditLine(
        kind=kind, session_id="", at=at, version=0, reason=said, event=sha256(f"{kind} {at} {said}".encode())
    )
