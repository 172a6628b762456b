"""The key that seals: one per user, in the user's own folder, outside every project."""

from __future__ import annotations

import errno
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from mcp_server.errors import ConfigurationError
from mcp_server.storage.durable import make_folders, read_file, settle_names, write_file
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.locks import Locks

# ENOTDIR, ENOENT: accounts without a home have a file in its place, or a folder in which none can be made.
_DENIED: Final = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.ENOENT,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.EOPNOTSUPP,
}


@dataclass(frozen=True, slots=True)
class UserFolders:
    """Where a user keeps what no project may touch: the key in ``config``, the anchors in ``data``."""

    config: Path
    data: Path


@dataclass(frozen=True, slots=True)
class Key:
    """A secret and the name it is known by."""

    id: str
    secret: bytes

    def sign(self, content: bytes) -> str:
        """The HMAC-SHA256 of the content, in hex."""
        return hmac.digest(self.secret, content, "sha256").hex()


def denied(error: OSError) -> bool:
    """Whether the system says that this place is not for us, as opposed to a fault."""
    return error.errno in _DENIED


class KeyRing:
    """The user's key, read when it is first needed and made when a first session is sealed."""

    def __init__(self, fs: FileSystem, folder: Path, *, timeout: float) -> None:
        self._fs = fs
        self.folder = folder
        """The user's configuration folder."""
        self.locks = Locks(fs, folder, timeout=timeout)
        """Its locks, each held for the change of one file."""
        self._path = folder / "seal-key.json"
        self._key: Key | None = None

    def find(self, key_id: str | None = None) -> Key | None:
        """The key, or None when there is none that this process may read; read again when it is not ``key_id``.

        Raises ConfigurationError when the file is not a key.
        """
        if self._key is None or (key_id is not None and key_id != self._key.id):
            try:
                raw = read_file(self._fs, self._path)
            except FileNotFoundError:
                return self._key
            except OSError as error:
                if denied(error):
                    return self._key
                raise
            self._key = _parse(raw)
        return self._key

    def make(self) -> Key | None:
        """The key, made if there is none; None where the user's folder is closed to us."""
        key = self.find()
        for _ in range(2):
            if key is not None:
                break
            try:
                key = self._make()
            except OSError as error:
                # Going unsealed marks a session for good, so a single refusal is not believed.
                if not denied(error):
                    raise
        return key

    def settle(self) -> None:
        """Make the key that is there durable, and the folders it lies in."""
        settle_names(self._fs, self._path, 3)

    def _make(self) -> Key:
        make_folders(self._fs, self._path.parent)
        with self.locks.hold("seal-key.lock"):
            key = self.find()
            if key is None:
                secret = secrets.token_bytes(32)
                key = Key(hashlib.sha256(secret).hexdigest()[:16], secret)
                write_file(self._fs, self._path, orjson.dumps({"key_id": key.id, "key": secret.hex()}) + b"\n")
                self._key = key
        return key


def _parse(raw: bytes) -> Key:
    try:
        stored = orjson.loads(raw)
        return Key(str(stored["key_id"]), bytes.fromhex(stored["key"]))
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            "The key that seals sessions is damaged.",
            remediation="Restore seal-key.json in the user's configuration folder from a backup; without it a person "
            "has to remove it and accept every session anew (pos-workflow seal --accept --all).",
        ) from error
