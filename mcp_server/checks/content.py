"""Digests of a project's content: one for all that a verdict depends on, and one for each file that is protected.

Everything is read and hashed here; no program that the project could have configured is run for it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mcp_server.checks.tree import Bounds, CutShortError, Entry, Limit, Tree

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Digest:
    """One digest of many files.

    ``limit`` names the bound that was reached, so that it covers ``files`` files, the first in order, and no more. An
    unchanged project has an unchanged digest, but for ``seconds``: how far the time serves is chance.
    """

    sha256: str
    files: int
    bytes: int
    limit: Limit | None = None

    @property
    def partial(self) -> bool:
        """Whether it does not cover everything."""
        return self.limit is not None


@dataclass(frozen=True, slots=True)
class Changes:
    """How protected files differ from what they were, by their paths in order."""

    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changed or self.added or self.removed)


def content_digest(
    project: Path,
    inputs: Collection[str] = (),
    outputs: Collection[str] = (),
    *,
    hidden: Collection[str] = (),
    bounds: Bounds | None = None,
) -> Digest:
    """The digest of what ``inputs`` name (none: what the project's ignore files leave in) less ``outputs``.

    It is a SHA-256 over each path in order with its kind, whether it may be executed, and the SHA-256 of its content;
    of a link, its target's text. Raises ValueError for a pattern that leaves the project, OSError when the project
    itself cannot be read.
    """
    bounds = bounds or Bounds()
    tree = Tree(project, hidden=hidden, bounds=bounds)
    reader = _Reader(project, bounds)
    total = hashlib.sha256(b"content 1\n")
    limit: Limit | None = None
    try:
        for entry in tree.named(inputs, outputs) if inputs else tree.unignored(outputs):
            path = os.fsencode(entry.path)
            told = reader.digest(entry).encode()
            total.update(b"%s %d " % (told, len(path)) + path + b"\n")
    except CutShortError as error:
        limit = error.limit
        total.update(b"cut short by " + limit.encode())
    return Digest(sha256=total.hexdigest(), files=reader.files, bytes=reader.bytes, limit=limit)


def file_digests(
    project: Path, globs: Collection[str], *, hidden: Collection[str] = (), bounds: Bounds | None = None
) -> dict[str, str]:
    """The digest of each file that the globs name, by its path.

    Raises OSError when they cannot all be told: beyond the bounds (CutShortError), or one cannot be read; ValueError
    for a pattern that leaves the project.
    """
    bounds = bounds or Bounds()
    reader = _Reader(project, bounds)
    digests: dict[str, str] = {}
    for entry in Tree(project, hidden=hidden, bounds=bounds).named(globs):
        digests[entry.path] = reader.digest(entry)
        if digests[entry.path].startswith("unreadable"):
            raise PermissionError(errno.EACCES, "it cannot be read", entry.path)
    return digests


def compare(before: Mapping[str, str], now: Mapping[str, str]) -> Changes:
    """What has become of the files that were digested before."""
    return Changes(
        changed=tuple(sorted(path for path in before.keys() & now.keys() if before[path] != now[path])),
        added=tuple(sorted(now.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - now.keys())),
    )


class _Reader:
    """Reads files one after the other, within bounds for all of them together."""

    def __init__(self, project: Path, bounds: Bounds) -> None:
        self.files = 0
        self.bytes = 0
        self._project = project
        self._bounds = bounds
        self._deadline = time.monotonic() + bounds.seconds

    def digest(self, entry: Entry) -> str:
        """The kind of an entry and the hash of what it holds; raises CutShortError at a bound."""
        if self.files >= self._bounds.files:
            raise CutShortError("files")
        try:
            told = self._told(entry)
        except CutShortError:
            raise
        except OSError as error:
            told = f"unreadable:{error.errno}"
        self.files += 1
        return told

    def _told(self, entry: Entry) -> str:
        path = self._project / entry.path
        if entry.kind == "link":
            return f"link:{hashlib.sha256(os.fsencode(path.readlink())).hexdigest()}"
        if entry.kind != "file":
            return entry.kind
        # What was put in the file's place since is not followed, and a pipe does not block.
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb", buffering=0) as stream:
            mode = os.fstat(fd).st_mode
            if not stat.S_ISREG(mode):
                return "special"
            total = hashlib.sha256()
            for chunk in self._chunks(stream.fileno()):
                total.update(chunk)
        return f"{'program' if mode & stat.S_IXUSR else 'file'}:{total.hexdigest()}"

    def _chunks(self, fd: int) -> Iterator[bytes]:
        while chunk := os.read(fd, _CHUNK):
            self.bytes += len(chunk)
            if self.bytes > self._bounds.bytes:
                raise CutShortError("bytes")
            if time.monotonic() > self._deadline:
                raise CutShortError("seconds")
            yield chunk
