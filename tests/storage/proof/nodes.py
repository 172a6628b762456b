"""What a disk in memory consists of: files and folders, and the changes of them that reach the platter or do not."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Content = bytes | Mapping[str, int]
"""What a file holds, or which node each name in a folder stands for."""


@dataclass(frozen=True, eq=False, slots=True)
class Change:
    """One change that reaches the platter or does not; ``after`` is one that it does not come before."""

    apply: Callable[[Any], Content]
    after: Change | None = None


@dataclass(slots=True)
class Node:
    """A file or folder: what is on the platter, what was done to it since, and what a reader sees."""

    mode: int
    platter: Content
    now: Content
    changes: list[Change] = field(default_factory=list[Change])
    modified: int = 0

    @property
    def names(self) -> Mapping[str, int]:
        if isinstance(self.now, bytes):
            raise failure(errno.ENOTDIR)
        return self.now

    @property
    def data(self) -> bytes:
        if not isinstance(self.now, bytes):
            raise failure(errno.EISDIR)
        return self.now


def failure(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def naming(name: str, number: int) -> Change:
    return Change(lambda names: {**names, name: number})


def without(name: str) -> Callable[[Mapping[str, int]], Mapping[str, int]]:
    return lambda names: {one: number for one, number in names.items() if one != name}


def written(content: bytes, offset: int) -> list[Change]:
    """The changes that one write consists of: the length that it gives the file, and each third of it."""
    if not content:
        return []
    third = len(content) // 3
    thirds = ((0, third), (third, 2 * third), (2 * third, len(content)))
    lengthening = writing(b"", offset + len(content))
    return [lengthening, *(writing(content[start:end], offset + start) for start, end in thirds)]


def writing(data: bytes, offset: int) -> Change:
    """Put data into a file, which is at least as long from then on; the gap before it reads as zeros."""

    def write(content: bytes) -> bytes:
        return content[:offset].ljust(offset, b"\0") + data + content[offset + len(data) :]

    return Change(write)
