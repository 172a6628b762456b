"""Every definition that can be started, wherever it lies."""

from __future__ import annotations

import difflib
import os
import re
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Literal

from mcp_server.definitions.bundle import Bundle
from mcp_server.definitions.counted import FOLDERS
from mcp_server.definitions.folder import Survey, read_folder, survey
from mcp_server.definitions.parse import METADATA, parse, problems_of
from mcp_server.definitions.problems import Problem
from mcp_server.domain.definition import Workflow
from mcp_server.errors import ConfigurationError, NotFoundError

Source = Literal["configured", "project", "user", "bundled"]

_NAME = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,99}")
_YOUNG_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Root:
    """A folder of definitions and what kind of place it is; one that is not there holds none."""

    path: Path
    source: Source


@dataclass(frozen=True, slots=True)
class Entry:
    """A definition that loads; ``shadows`` names the places of those of the same name that it hides."""

    workflow: Workflow
    source: Source
    shadows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Invalid:
    """A definition that does not load, and why."""

    workflow_type: str
    problem: str
    source: Source


@dataclass(frozen=True, slots=True)
class Listing:
    """All definitions, sorted by name."""

    entries: tuple[Entry, ...]
    invalid: tuple[Invalid, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A definition to start from: its bundle is what a session pins, by ``digest``; ``notes`` is what to know of it."""

    workflow: Workflow
    bundle: Bundle
    digest: str
    source: Source
    shadows: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A folder as it was read, with what is wrong with it; with errors, its workflow serves to know its names."""

    bundle: Bundle
    parsed: Workflow | None
    errors: tuple[Problem, ...]

    @property
    def workflow(self) -> Workflow | None:
        """The workflow, if it may be started."""
        return None if self.errors else self.parsed

    @property
    def aliases(self) -> tuple[str, ...]:
        """The other names that the definition claims, also when it is broken."""
        return self.parsed.aliases if self.parsed else ()

    @property
    def problem(self) -> str:
        """What is wrong, in one line."""
        said = "; ".join(map(str, self.errors[:3]))
        return f"{said}; and {len(self.errors) - 3} more" if len(self.errors) > 3 else said


@dataclass(frozen=True, slots=True)
class _Place:
    """The folder that has a name, and the places of those that it hides."""

    folder: Path
    source: Source
    shadows: tuple[str, ...]


class Library:
    """The definitions under the roots, of which the first that holds a folder of the name has it. Thread-safe."""

    def __init__(self, roots: Sequence[Root]) -> None:
        self._roots = tuple(roots)
        self._lock = Lock()
        self._read: dict[Path, tuple[Survey, _Loaded]] = {}

    def folders(self) -> list[tuple[Path, Source]]:
        """The folder that has each name, whole or broken, and where it lies."""
        return [(place.folder, place.source) for _, place in sorted(self._places().items())]

    def listing(self) -> Listing:
        """Every definition; one that is broken hides no other."""
        entries: list[Entry] = []
        invalid: list[Invalid] = []
        for name, place in sorted(self._places().items()):
            loaded = self._load(place.folder)
            if loaded.workflow is None:
                invalid.append(Invalid(name, loaded.problem, place.source))
            else:
                entries.append(Entry(loaded.workflow, place.source, place.shadows))
        return Listing(tuple(entries), tuple(invalid))

    def find(self, name: str) -> Found:
        """The definition of that folder name, else the one with that alias or declared type.

        Raises NotFoundError with the nearest names, and ConfigurationError for a definition that is invalid and for
        an alias that several claim.
        """
        places = self._places()
        folder = name if name in places else self._by_alias(name, places)
        place = places[folder]
        loaded = self._load(place.folder)
        if loaded.workflow is None:
            raise ConfigurationError(
                f"the workflow '{folder}' is invalid: {loaded.problem}",
                remediation="Mend the definition, or remove its folder.",
            )
        return Found(loaded.workflow, loaded.bundle, loaded.bundle.digest, place.source, place.shadows)

    def contested(self) -> dict[Path, tuple[Problem, ...]]:
        """The folders of definitions with another name that others claim too, and a warning for each such name."""
        places = self._places()
        claims: dict[str, list[str]] = {}
        for folder, place in sorted(places.items()):
            for alias in self._load(place.folder).aliases:
                if alias not in places:
                    claims.setdefault(alias, []).append(folder)
        found: dict[Path, tuple[Problem, ...]] = {}
        why = "Nobody can start a workflow by a name that several have."
        for alias, folders in claims.items():
            message = f"the name '{alias}' is claimed by {' and '.join(folders)}"
            warning = Problem("warning", METADATA, None, message, "Change it in one of the definitions.", why)
            for path in (places[folder].folder for folder in folders if len(folders) > 1):
                found[path] = (*found.get(path, ()), warning)
        return found

    def moved_on(self, workflow_type: str, source: str, digest: str, plan: tuple[str, bytes] | None = None) -> bool:
        """Whether definition and ``plan`` are not those of ``digest`` any more: changed, broken, hidden or gone."""
        place = self._places().get(workflow_type)
        if place is None or place.source != source:
            return True
        loaded = self._load(place.folder)
        bundle = loaded.bundle.with_plan(*plan) if plan else loaded.bundle
        return loaded.workflow is None or bundle.digest != digest

    def shadows(self, workflow_type: str, source: str) -> tuple[str, ...]:
        """The places of those of that name which the one from ``source`` hides."""
        if all(root.source != source for root in self._roots[:-1]):
            # What lies in the last root hides nothing, and no folder has to be looked at for that.
            return ()
        place = self._places().get(workflow_type)
        return place.shadows if place is not None and place.source == source else ()

    def _by_alias(self, name: str, places: Mapping[str, _Place]) -> str:
        aliases = {folder: self._load(place.folder).aliases for folder, place in places.items()}
        claims = sorted(folder for folder, names in aliases.items() if name in names)
        if len(claims) > 1:
            raise ConfigurationError(
                f"the name '{name}' is claimed by {' and '.join(claims)}",
                remediation="Start the workflow by the name of its folder, or change one of the definitions.",
            )
        if not claims:
            names = {*aliases, *(alias for names in aliases.values() for alias in names)}
            raise NotFoundError(
                f"there is no workflow '{name}'",
                remediation="Call list_workflows to see what there is.",
                did_you_mean=difflib.get_close_matches(name, sorted(names), n=3, cutoff=0.5),
            )
        return claims[0]

    def _places(self) -> dict[str, _Place]:
        folders: list[tuple[Path, Source, bool]] = [
            (folder, root.source, defines) for root in self._roots for folder, defines in _folders(root.path)
        ]
        names = {folder.name for folder, _, defines in folders if defines}
        found: dict[str, _Place] = {}
        for folder, source, defines in folders:
            first = found.get(folder.name)
            # A stray folder blocks the name of a definition in a later root; it hides nothing as a later one itself.
            if first is None and folder.name in names:
                found[folder.name] = _Place(folder, source, ())
            elif first is not None and defines:
                found[folder.name] = _Place(first.folder, first.source, (*first.shadows, source))
        return found

    def _load(self, folder: Path) -> _Loaded:
        with self._lock:
            FOLDERS.wanted += 1
            known = self._read.get(folder)
        if known is not None and known[0].stands():
            return known[1]
        seen = survey(folder)
        # A file that is written twice within the clock's grain looks the same both times.
        trusted = seen.latest_ns < time.time_ns() - _YOUNG_NS
        reading = read_folder(folder, seen)
        parsed = parse(reading.bundle)
        found = (*name_problems(folder), *problems_of(reading, parsed))
        errors = tuple(problem for problem in found if problem.severity == "error")
        loaded = _Loaded(reading.bundle, parsed.workflow, errors)
        with self._lock:
            FOLDERS.read += 1
            if trusted:
                self._read[folder] = (seen, loaded)
            else:
                self._read.pop(folder, None)
        return loaded


def name_problems(folder: Path) -> tuple[Problem, ...]:
    """What keeps the folder's name from being the name of a workflow."""
    if _NAME.fullmatch(folder.name):
        return ()
    hint = "Rename it: lower case letters, digits, '_', '-' and '.', and no '-' or '.' in front."
    why = "The folder's name is how start asks for the workflow."
    return (Problem("error", ".", None, "the name of the folder cannot be the name of a workflow", hint, why),)


def definition_folders(root: Path) -> Iterator[Path]:
    """The folders of ``root`` that are definitions, whole or broken."""
    yield from (folder for folder, defines in _folders(root) if defines)


def _folders(root: Path) -> Iterator[tuple[Path, bool]]:
    """The folders of ``root`` that are not hidden, and of each whether it is a definition, whole or broken."""
    try:
        with os.scandir(root) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        try:
            if entry.is_dir():
                yield Path(entry.path), _holds(entry.path, METADATA) or _holds(entry.path, "phases")
        except OSError:
            yield Path(entry.path), True


def _holds(folder: str, name: str) -> bool:
    try:
        found = os.stat(f"{folder}/{name}")  # noqa: PTH116 - asked of every definition at every call
    except (FileNotFoundError, NotADirectoryError):
        return False
    return name == METADATA or stat.S_ISDIR(found.st_mode)
