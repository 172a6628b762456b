"""A folder outside the project for as long as one check runs."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Final

_PREFIX: Final = "pos-workflow-check-"


class Scratch:
    """What one check is given beside the project. Raises OSError when it cannot be made."""

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
    """Make the folder, and remove it with all that is in it."""
    folder = tempfile.mkdtemp(prefix=_PREFIX)
    try:
        yield Scratch(Path(folder))
    finally:
        shutil.rmtree(folder, onerror=_unlock)


def _unlock(
    function: Callable[..., Any], path: str, _: tuple[type[BaseException], BaseException, TracebackType]
) -> None:
    """What nobody may write to cannot be removed until its owner may; what still cannot be is left to the system."""
    with suppress(OSError):
        Path(path).parent.chmod(0o700)
        if function not in (os.unlink, os.rmdir):
            Path(path).chmod(0o700)
            shutil.rmtree(path, ignore_errors=True)
            return
        function(path)
