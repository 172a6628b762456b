"""The operator: a person known by a passphrase, of which a memory-hard hash lies in the user's configuration folder.

Whoever can write that folder can put another operator there, an assistant with a shell included. It cannot put the
same one: the fingerprint is taken of hash, salt and date, so that what was decided afterwards names another operator.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from mcp_server.domain.session import Frozen
from mcp_server.errors import ConfigurationError, StateError
from mcp_server.storage.durable import Outcome, make_folders, read_file, write_file
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.locks import Locks

MIN_CHARACTERS: Final = 12
MAX_BYTES: Final = 1024
"""How long a passphrase is: in characters at least, in bytes at most."""

# 64 MiB for about a third of a second: what OWASP advises for scrypt.
_N: Final = 2**16
_R: Final = 8
_P: Final = 2
_MAX_MEMORY: Final = 128 * 1024 * 1024

_PLACE: Final = "The user's configuration folder"

_Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
_Hex64 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Operator(Frozen):
    """A stored operator; ``since`` is when this passphrase was set."""

    format: Literal[1] = 1
    since: datetime
    salt: _Hex32
    hash: _Hex64

    @property
    def fingerprint(self) -> str:
        """What records know the operator by: 16 hex digits that another passphrase, salt or date would change."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    def knows(self, passphrase: bytes) -> bool:
        """Whether this is the passphrase. It takes a third of a second, which is what keeps guesses few."""
        return hmac.compare_digest(_hash(passphrase, self.salt), self.hash)


class OperatorFile:
    """Where the operator of one user is kept."""

    def __init__(self, fs: FileSystem, folder: Path, *, timeout: float) -> None:
        self._fs = fs
        self._path = folder / "operator.json"
        self._locks = Locks(fs, folder, timeout=timeout)

    def find(self) -> Operator | None:
        """The operator, or None where none was set.

        Raises ConfigurationError for a file that is damaged or cannot be read: whether one was set is then not known.
        """
        try:
            return Operator.model_validate_json(read_file(self._fs, self._path))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            raise _unusable("cannot be read") from None
        except ValidationError:
            raise _unusable("is damaged") from None

    def set(self, passphrase: bytes, *, at: datetime, instead_of: Operator | None) -> Operator:
        """Store an operator in the place of the one whose passphrase was given, or of none.

        Raises StateError when another one is there by now, StorageError when the folder cannot be written.
        """
        salt = secrets.token_hex(16)
        operator = Operator(since=at, salt=salt, hash=_hash(passphrase, salt))
        with Outcome(_PLACE) as outcome:
            make_folders(self._fs, self._path.parent)
            with self._locks.hold("operator.lock"):
                self._require(instead_of)
                outcome.committing()
                write_file(self._fs, self._path, operator.model_dump_json().encode() + b"\n")
        return operator

    def clear(self, operator: Operator) -> None:
        """Remove the operator whose passphrase was given; the same errors as ``set``."""
        with Outcome(_PLACE) as outcome, self._locks.hold("operator.lock"):
            self._require(operator)
            outcome.committing()
            self._fs.unlink(self._path)
            self._fs.fsync_dir(self._path.parent)

    def _require(self, expected: Operator | None) -> None:
        if self.find() != expected:
            raise StateError(
                "Another operator was set in the meantime; nothing was changed.",
                remediation="Look at it with pos-workflow operator show, then repeat the command.",
            )


def _hash(passphrase: bytes, salt: str) -> str:
    salted = bytes.fromhex(salt)
    return hashlib.scrypt(passphrase, salt=salted, n=_N, r=_R, p=_P, maxmem=_MAX_MEMORY, dklen=32).hex()


def _unusable(what: str) -> ConfigurationError:
    return ConfigurationError(
        f"The operator's file {what}, so it is not known who may decide.",
        remediation="Mend operator.json in the user's configuration folder (pos-workflow doctor shows where that is), "
        "or put it back from a backup.",
    )
