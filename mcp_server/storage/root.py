"""The store's own folder: judged before it is used, made when something is first written, known by an id it carries."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import Final

import orjson

from mcp_server.errors import ConfigurationError
from mcp_server.storage.durable import make_folders, read_file, settle_names, write_file
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.layout import Layout, is_session_id
from mcp_server.storage.locks import Locks
from mcp_server.storage.mounts import network_file_system

_NETWORK_REASON: Final = "locks and renames on a network file system do not promise that an acknowledged change is kept"


class Root:
    """The folder of one store."""

    def __init__(self, fs: FileSystem, layout: Layout, locks: Locks, *, allow_network_fs: bool) -> None:
        self._fs = fs
        self._layout = layout
        self._locks = locks
        self._allow_network_fs = allow_network_fs
        self._known: tuple[tuple[int, int, int], str] | None = None
        self.notices: tuple[str, ...] = ()

    def identity(self) -> str:
        """The store's id, or "" while there is no store; ConfigurationError when its folder must not be used."""
        try:
            found = self._fs.stat(self._layout.identity)
        except (FileNotFoundError, NotADirectoryError):
            self._judge()
            return ""
        signature = (found.st_ino, found.st_size, found.st_mtime_ns)
        if self._known is None or self._known[0] != signature:
            self._judge()
            self._known = signature, self._read_identity()
        return self._known[1]

    def make(self, *, anew: bool = False, adopted: str = "") -> str:
        """The store's id; what is missing of the store is made, with the id ``adopted`` where it has none.

        ConfigurationError where sessions are without it: an id made ``anew`` cuts them off until they are accepted.
        """
        identity = self.identity()
        for folder in (self._layout.root, *self._layout.folders):
            make_folders(self._fs, folder)
        if not identity:
            with self._locks.hold("store"):
                identity = self.identity()
                if not identity:
                    if not anew and not adopted:
                        self._require_empty()
                    self._settle(adopted or secrets.token_hex(16))
                    identity = self.identity()
        return identity

    def resolved(self) -> Path:
        """The folder's path without links."""
        return self._fs.resolve(self._layout.root)

    def _require_empty(self) -> None:
        for place in (self._layout.live, self._layout.trash):
            names = self._fs.scandir(place.folder)
            if any(name.endswith(".json") and is_session_id(name[:-5]) for name in names):
                raise ConfigurationError(
                    "The session store's own id (store.json) is missing, though the store holds sessions.",
                    remediation="A person has to put store.json back (pos-workflow restore), or to accept every "
                    "session anew (pos-workflow seal --accept --all).",
                )

    def _settle(self, identity: str) -> None:
        settle_names(self._fs, self._layout.root, 2)
        ours = {folder.name for folder in (*self._layout.folders, self._layout.backups)}
        # A folder that already holds something else is somebody's choice, and git's view of it too.
        if set(self._fs.scandir(self._layout.root)) <= ours:
            write_file(self._fs, self._layout.ignore, b"# Sessions of pos-workflow: state, not source.\n*\n")
        write_file(self._fs, self._layout.identity, orjson.dumps({"store": identity}) + b"\n")

    def _read_identity(self) -> str:
        try:
            return str(orjson.loads(read_file(self._fs, self._layout.identity))["store"])
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                "The session store's own id (store.json) is damaged.",
                remediation="Remove store.json and let a person restore a backup (pos-workflow restore), or accept "
                "every session anew (pos-workflow seal --accept --all).",
            ) from error

    def _judge(self) -> None:
        """Refuse a folder that is somebody else's, on a network, or leads somewhere else."""
        root = self.resolved()
        network = None if self._allow_network_fs else network_file_system(self._fs, root)
        if network is not None:
            raise ConfigurationError(
                f"The state folder is on a network file system ({network}): {_NETWORK_REASON}.",
                remediation="Set --state-dir to a local folder, or take the risk with --allow-network-fs.",
            )
        try:
            found = self._fs.stat(root)
        except (FileNotFoundError, NotADirectoryError):
            return
        if not stat.S_ISDIR(found.st_mode):
            raise _not_ours("The state folder is not a folder.")
        if found.st_uid != os.geteuid():
            raise _not_ours("The state folder belongs to another user.")
        self.notices = ()
        if found.st_mode & 0o022:
            self.notices = ("The state folder can be written by other users of this machine.",)
        for folder in self._layout.folders:
            try:
                mode = self._fs.stat(folder).st_mode
            except FileNotFoundError:
                continue
            if not stat.S_ISDIR(mode):
                raise _not_ours(f"{folder.name} in the state folder is not a folder of its own.")


def _not_ours(message: str) -> ConfigurationError:
    return ConfigurationError(message, remediation="Set --state-dir to a folder of your own, or mend this one.")
