"""Which stores a user has had in one folder: by them it shows that a whole store is gone, its own id with it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from mcp_server.domain.session import Frozen
from mcp_server.storage.durable import make_folders, read_file, write_file
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.keys import denied
from mcp_server.storage.layout import sha256


class _File(Frozen):
    format: Literal[1] = 1
    stores: tuple[str, ...]


class KnownStores:
    """The ids of the stores that sealed sessions in one folder, kept in the user's data folder."""

    def __init__(self, fs: FileSystem, data: Path, root: Path) -> None:
        self._fs = fs
        self._path = data / "places" / f"{sha256(str(root).encode())[:32]}.json"

    def read(self) -> tuple[str, ...]:
        """The ids, oldest first; none where the user's folder is closed to us, or what is there cannot be read."""
        try:
            return _File.model_validate_json(read_file(self._fs, self._path)).stores
        except ValidationError:
            return ()
        except OSError as error:
            if denied(error):
                return ()
            raise

    def write(self, stores: tuple[str, ...]) -> None:
        """Set down which stores there were; where the user's folder is closed nothing is."""
        try:
            make_folders(self._fs, self._path.parent)
            write_file(self._fs, self._path, _File(stores=stores).model_dump_json().encode() + b"\n")
        except OSError as error:
            if not denied(error):
                raise
