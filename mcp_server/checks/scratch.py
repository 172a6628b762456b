"""A folder outside the project for as long as one check runs."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Final

_PREFIX: Final = "pos-workflow-check-"


class Scratch:
    """What one check is given beside the project."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def empty(self) -> Path:
        """A new folder with nothing in it."""
        return Path(tempfile.mkdtemp(dir=self._folder))

    def copy(self, files: Mapping[str, bytes]) -> Path:
        """A new folder with these files, by their paths in it, that nobody may write to."""
        root = self.empty()
        for name, content in files.items():
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts:
                raise ValueError(f"{name!r} is no path of a pinned file")
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            target.chmod(0o444)
        for folder, _, _ in os.walk(root):
            Path(folder).chmod(0o555)
        return root


@contextmanager
def scratch() -> Generator[Scratch]:
    """Make the folder, and remove it with all that is in it. Raises OSError when it cannot be made."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    room = Scratch(folder)
    # Called at the end of the process too, which does not wait for the threads that checks run in.
    remove = weakref.finalize(room, _remove, folder)
    try:
        yield room
    finally:
        remove()


def _remove(folder: Path) -> None:
    """Remove a folder, as far as the system allows it; a program may have taken away the right to."""
    with suppress(OSError):
        folder.chmod(0o700)
    for place, names, _ in os.walk(folder):
        for below in (Path(place, name) for name in names):
            # Through a link the right to something else would change.
            if not below.is_symlink():
                with suppress(OSError):
                    below.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
