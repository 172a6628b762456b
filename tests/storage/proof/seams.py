"""Disks that fail, note what is done to them, or leave a step out: each stands between a store and another disk."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mcp_server.storage.filesystem import FileSystem
from tests.storage.proof.disk import Disk

CALLS: Final = frozenset(name for name in vars(FileSystem) if not name.startswith("_"))
LOOKING: Final = frozenset({"close", "read", "stat", "fstat", "scandir", "scan", "resolve", "lock"})
"""The calls after which a disk holds what it held before. One that the seam gains is taken for a change."""

Call = Callable[..., Any]


class Seam(FileSystem):
    """Another file system, each call to which goes through ``around``."""

    def __init__(self, inner: FileSystem) -> None:
        self.inner = inner

    def __getattribute__(self, name: str) -> Any:
        if name not in CALLS:
            return super().__getattribute__(name)
        call = getattr(self.inner, name)

        def through(*arguments: Any) -> Any:
            return self.around(name, arguments, call)

        return through

    def around(self, name: str, arguments: tuple[Any, ...], call: Call) -> Any:
        del name
        return call(*arguments)


def changes(name: str, arguments: tuple[Any, ...]) -> bool:
    """Whether a call may change what a disk holds, or what a loss of power would leave of it."""
    return bool(arguments[1] & os.O_CREAT) if name == "open" else name not in LOOKING


class Counting(Seam):
    """A sound disk that counts its calls."""

    calls = 0

    def around(self, name: str, arguments: tuple[Any, ...], call: Call) -> Any:
        self.calls += 1
        return super().around(name, arguments, call)


@dataclass(frozen=True)
class Fault:
    """How a call fails: with which error, from then on or once, before or after its effect, or halfway through it."""

    error: int
    for_good: bool = False
    effect: float = 0.0

    def __str__(self) -> str:
        return f"{errno.errorcode[self.error]} {'for good' if self.for_good else 'once'}, effect {self.effect:g}"


class Faulty(Seam):
    """A disk whose call number ``fail_at``, from 0, fails."""

    def __init__(self, inner: FileSystem, fail_at: int, fault: Fault) -> None:
        super().__init__(inner)
        self._left = fail_at
        self._fault = fault

    def around(self, name: str, arguments: tuple[Any, ...], call: Call) -> Any:
        self._left -= 1
        if self._left >= 0 or (self._left < -1 and not self._fault.for_good):
            return call(*arguments)
        if name == "close" or (self._fault.effect == 1 and name not in {"open", "lock"}):
            # A descriptor is gone even where closing it reports a failure.
            call(*arguments)
        elif self._fault.effect and name == "write":
            fd, data, offset = arguments
            call(fd, data[: int(len(data) * self._fault.effect)], offset)
        if name == "fsync" and isinstance(self.inner, Disk):
            self.inner.fail_fsync(*arguments)
        raise OSError(self._fault.error, os.strerror(self._fault.error))


class Death(BaseException):
    """The process is gone."""


class Dying(Seam):
    """The disk of a process that dies at one of its calls; what it would do while it is unwound does not happen."""

    def __init__(self, inner: FileSystem, calls: int) -> None:
        super().__init__(inner)
        self._calls = calls

    def around(self, name: str, arguments: tuple[Any, ...], call: Call) -> Any:
        self._calls -= 1
        if self._calls < 0:
            raise Death
        return super().around(name, arguments, call)


class Moments(Seam):
    """A disk that keeps itself as it was before each change."""

    def __init__(self, inner: Disk) -> None:
        super().__init__(inner)
        self._disk = inner
        self.seen: list[tuple[str, Disk]] = []

    def around(self, name: str, arguments: tuple[Any, ...], call: Call) -> Any:
        if changes(name, arguments):
            self.seen.append((f"{name} no. {len(self.seen)}{_target(arguments)}", self._disk.killed()))
        return call(*arguments)


def role(path: Path) -> str:
    """A file's or folder's name; of those that are named by chance or by a hash, what they are."""
    if path.suffix == ".tmp":
        return f"{role(path.parent)}/temporary"
    if path.parent.name == "blobs":
        return "blobs/xx"
    return {"stores": "anchors"}.get(path.parent.name, path.name)


def _target(arguments: tuple[Any, ...]) -> str:
    return f" of {role(arguments[-1])}" if isinstance(arguments[-1], Path) else ""
