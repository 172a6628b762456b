"""Removing a blob while others may store it anew: it is put aside first, and put back if it turns out to be young."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.layout import Layout, is_digest
from mcp_server.storage.naming import names_in

SPARED: Final = timedelta(days=1)

_ASIDE: Final = ".swept"


def old_size(fs: FileSystem, path: Path, now: datetime) -> int | None:
    """The size of a file that was written longer ago than is spared; None for a younger one, or none at all."""
    try:
        found = fs.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_size if now.timestamp() - found.st_mtime > SPARED.total_seconds() else None


def sweep(fs: FileSystem, path: Path, is_old: Callable[[Path], bool]) -> bool:
    """Remove a blob; False when somebody has stored it meanwhile, and it stays.

    Between a look at its age and its removal somebody may store it and count on it. A rename takes exactly one file
    away, whose age can then be looked at in peace; and what is stored after it is not touched.
    """
    if not is_old(path):
        return False
    aside = path.with_name(f".{path.name}{_ASIDE}")
    with suppress(FileNotFoundError):
        fs.replace(path, aside)
        if is_old(aside):
            fs.unlink(aside)
            return True
        fs.replace(aside, path)
        fs.fsync_dir(path.parent)
    return False


def finish_sweep(fs: FileSystem, layout: Layout) -> None:
    """Put back what a sweep put aside that was cut short."""
    for folder in names_in(fs, layout.blobs):
        for name in names_in(fs, layout.blobs / folder):
            digest = name[1 : -len(_ASIDE)]
            if name.startswith(".") and name.endswith(_ASIDE) and is_digest(digest):
                with suppress(FileNotFoundError):
                    fs.replace(layout.blobs / folder / name, layout.blob(digest))
                    fs.fsync_dir(layout.blobs / folder)
