"""The steps that make changes durable, found where the code takes them, and disks that leave one of them out."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, Final

from mcp_server.storage import durable
from mcp_server.storage.filesystem import CREATE, FileSystem
from tests.storage.proof.seams import Call, Seam, role

_TOOLS: Final = str(durable.__file__)
_STORAGE: Final = str(Path(_TOOLS).parent)


def step(name: str, arguments: tuple[Any, ...]) -> str | None:
    """What a call makes durable and for whom: ``fsync_dir of trash by Parts.move``; None for what is no such step."""
    if name not in {"fsync", "fsync_dir", "truncate"}:
        return None
    frame = inspect.currentframe()
    while frame and (not frame.f_code.co_filename.startswith(_STORAGE) or frame.f_code.co_filename == _TOOLS):
        frame = frame.f_back
    if frame is None:
        return None
    of = f" of {role(arguments[0])}" if name == "fsync_dir" else ""
    return f"{name}{of} by {frame.f_code.co_qualname}"


class Steps(Seam):
    """A disk that notes the steps that are taken on it."""

    def __init__(self, inner: FileSystem) -> None:
        super().__init__(inner)
        self.seen: set[str] = set()

    def around(self, name: str, arguments: tuple[Any, ...], call: Call) -> Any:
        self.seen.update(filter(None, [step(name, arguments)]))
        return call(*arguments)


class Without(Seam):
    """A disk on which one step is never taken."""

    def __init__(self, inner: FileSystem, left_out: str) -> None:
        super().__init__(inner)
        self._left_out = left_out

    def around(self, name: str, arguments: tuple[Any, ...], call: Call) -> Any:
        return None if step(name, arguments) == self._left_out else call(*arguments)


class Copying(Seam):
    """A disk on which a file gets its name by being written there once more."""

    def around(self, name: str, arguments: tuple[Any, ...], call: Call) -> Any:
        if name != "replace":
            return call(*arguments)
        source, target = arguments
        content = durable.read_file(self.inner, source)
        with durable.opened(self.inner, target, CREATE) as fd:
            self.inner.truncate(fd, 0)
            durable.write_span(self.inner, fd, content, 0)
        self.inner.unlink(source)
        return None
