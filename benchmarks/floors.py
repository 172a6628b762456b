"""What the disk asks of anybody who keeps a promise: the least that makes an append and a replacement durable."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from benchmarks.client import took

SYNCS: Final = 3
"""What ``durable`` has the disk make durable: the appended file, the new file, and the folder with its name."""


def durable(folder: Path, appended: int, replaced: int) -> float:
    """Milliseconds to append so many bytes to a file and to replace another with so many, both to outlive a crash."""
    return took(lambda: (append(folder / "log", b"x" * appended), replace(folder / "head", b"x" * replaced)))


def append(path: Path, data: bytes) -> None:
    """Add to the end of a file, durably."""
    _write(path, data, os.O_APPEND)


def replace(path: Path, data: bytes) -> None:
    """Put a file into another's place, durably."""
    temporary = path.with_suffix(".tmp")
    _write(temporary, data, os.O_TRUNC)
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def scan(folder: Path) -> None:
    """Look at everything in a folder: the least that tells which of the files in it have changed."""
    with os.scandir(folder) as entries:
        for entry in entries:
            entry.stat(follow_symlinks=False)


def _write(path: Path, data: bytes, mode: int) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | mode, 0o600)
    os.write(file, data)
    os.fsync(file)
    os.close(file)
