"""Reads a definition's folder into a bundle, within bounds and without leaving the folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mcp_server.definitions.bundle import Bundle
from mcp_server.definitions.problems import Problem

MAX_FILE_BYTES = 1024 * 1024
MAX_TOTAL_BYTES = 16 * 1024 * 1024
MAX_FILES = 2_000
MAX_DEPTH = 12

_TEXT_SUFFIXES = frozenset({".md", ".yaml", ".yml", ".json"})


class FileStat(NamedTuple):
    """One file of a definition as the folder shows it; ``name`` is relative to the folder."""

    name: str
    path: str
    size: int
    mtime_ns: int


class FolderStat(NamedTuple):
    """A folder that was walked through."""

    path: str
    inode: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Survey:
    """The files of a folder and what keeps some of them out, without having read any."""

    files: tuple[FileStat, ...]
    folders: tuple[FolderStat, ...]
    problems: tuple[Problem, ...]

    @property
    def latest_ns(self) -> int:
        """When anything of it was changed last, in nanoseconds since the epoch."""
        return max((one.mtime_ns for one in (*self.files, *self.folders)), default=0)

    def stands(self) -> bool:
        """Whether a survey made now would show the same: files that come, go or are renamed change their folder."""
        try:
            for folder in self.folders:
                found = os.stat(folder.path)  # noqa: PTH116 - asked hundreds of times for one list of workflows
                if found.st_mtime_ns != folder.mtime_ns or found.st_ino != folder.inode:
                    return False
            for file in self.files:
                found = os.stat(file.path)  # noqa: PTH116 - the same
                if found.st_mtime_ns != file.mtime_ns or found.st_size != file.size:
                    return False
        except OSError:
            return False
        return not self.problems


@dataclass(frozen=True, slots=True)
class Reading:
    """What a folder holds. With an error among the problems the bundle is not whole and serves no session."""

    bundle: Bundle
    problems: tuple[Problem, ...]


class _RefusedError(Exception):
    """A part of the folder that cannot be taken."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def survey(folder: Path) -> Survey:
    """List the files of ``folder`` that belong to the definition: regular, not hidden, and inside it."""
    walk = _Walk(folder)
    files = tuple(sorted(walk.files(), key=lambda file: file.name))
    return Survey(files, tuple(walk.folders), tuple(walk.problems))


def read_folder(folder: Path, surveyed: Survey | None = None) -> Reading:
    """Read all files of ``folder``. Never raises: what cannot be read is a problem."""
    seen = surveyed or survey(folder)
    problems = list(seen.problems)
    files: dict[str, bytes] = {}
    total = 0
    for file in seen.files:
        try:
            files[file.name] = _read(file)
        except _RefusedError as refused:
            problems.append(Problem("error", file.name, None, str(refused), refused.hint))
            continue
        total += len(files[file.name])
        if total > MAX_TOTAL_BYTES:
            message = f"makes the definition larger than {MAX_TOTAL_BYTES // 2**20} MiB"
            problems.append(Problem("error", file.name, None, message, "Keep large files elsewhere."))
            break
    return Reading(Bundle(folder.name, files), tuple(problems))


def _read(file: FileStat) -> bytes:
    too_large = _RefusedError(
        f"is larger than {MAX_FILE_BYTES // 2**20} MiB", "Keep large files outside the definition."
    )
    if file.size > MAX_FILE_BYTES:
        raise too_large
    try:
        with Path(file.path).open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise _RefusedError(f"cannot be read: {error.strerror}", "Mend the file's permissions.") from None
    if len(data) > MAX_FILE_BYTES:
        raise too_large
    if _TEXT_SUFFIXES & {Path(file.path).suffix, Path(file.name).suffix}:
        try:
            data.decode()
        except UnicodeDecodeError as error:
            raise _RefusedError(f"is not UTF-8 (byte {error.start})", "Save the file as UTF-8.") from None
    return data


class _Walk:
    """One walk through a folder, which collects the folders it comes through and the problems it meets."""

    def __init__(self, folder: Path) -> None:
        self.problems: list[Problem] = []
        self.folders: list[FolderStat] = []
        self._folder = folder
        self._count = 0

    def files(self) -> Iterator[FileStat]:
        """The files of the folder."""
        try:
            root = self._folder.resolve(strict=True)
            if root != self._folder:
                # By the name that it was given too: a link may lead elsewhere the next time.
                self._pass(str(self._folder))
        except (OSError, RuntimeError):
            self._refuse(".", "cannot be read", "Mend the folder or remove it.")
            return
        try:
            yield from self._inside(str(root), "", (str(root),))
        except _RefusedError as refused:
            self._refuse(".", str(refused), refused.hint)

    def _refuse(self, name: str, message: str, hint: str) -> None:
        self.problems.append(Problem("error", name, None, message, hint))

    def _pass(self, folder: str) -> None:
        found = Path(folder).stat()
        self.folders.append(FolderStat(folder, found.st_ino, found.st_mtime_ns))

    def _inside(self, folder: str, prefix: str, above: tuple[str, ...]) -> Iterator[FileStat]:
        if len(above) > MAX_DEPTH:
            self._refuse(prefix, f"lies more than {MAX_DEPTH} folders deep", "Use fewer levels of folders.")
            return
        try:
            # Before its names are read: one that is added meanwhile must not look as if it had been seen.
            self._pass(folder)
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            self._refuse(prefix or ".", f"cannot be read: {error.strerror}", "Mend the folder's permissions.")
            return
        for entry in entries:
            # What Python caches beside a program would make the definition another one as soon as it is run.
            if entry.name.startswith(".") or entry.name == "__pycache__":
                continue
            self._count += 1
            if self._count > MAX_FILES:
                raise _RefusedError(f"holds more than {MAX_FILES} files", "Keep other files outside the definition.")
            name = f"{prefix}{entry.name}"
            try:
                target, found = _resolved(entry, above)
            except _RefusedError as refused:
                self._refuse(name, str(refused), refused.hint)
                continue
            if stat.S_ISDIR(found.st_mode):
                yield from self._inside(target, f"{name}/", (*above, target))
            elif stat.S_ISREG(found.st_mode):
                yield FileStat(name, target, found.st_size, found.st_mtime_ns)


def _resolved(entry: os.DirEntry[str], above: tuple[str, ...]) -> tuple[str, os.stat_result]:
    try:
        if not entry.is_symlink():
            return entry.path, entry.stat()
        resolved = Path(entry.path).resolve(strict=True)
        target, found = str(resolved), resolved.stat()
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "the link leads in a circle"
        raise _RefusedError(f"cannot be followed: {reason}", "Remove the link or mend where it leads.") from None
    if not resolved.is_relative_to(above[0]):
        raise _RefusedError("is a link that leads out of the definition", "Copy the file into the definition.")
    if target in above:
        raise _RefusedError("is a link that leads in a circle", "Remove the link.")
    return target, found
