"""What one migration is about: where the databases lie, what is done to them, and what has been written down so far."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from databases import Problem, find

Record = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """All paths are relative to the project, which is the working directory."""

    databases: Path
    work: Path
    migration: Path
    expected: Path

    def backup(self, database: str) -> Path:
        """Where the backup of a database lies: its own path, below a folder of the work."""
        return self.work / "backup" / database

    def copy(self, database: str) -> Path:
        """Where the dry run's copy of a database lies."""
        return self.work / "dry-run" / database

    def present(self) -> list[str]:
        """The databases that are there now. Raises Problem when there is none."""
        for path in (self.databases, self.work):
            if path.is_absolute() or ".." in path.parts:
                raise Problem(f"{path.as_posix()}: is no path from the project's root that stays in it")
        if self.work in (self.databases, *self.databases.parents):
            raise Problem(
                f"{self.work.as_posix()}: the folder of the work must not be that of the databases, or above it"
            )
        named, _ = find(self.databases, self.work)
        if not named:
            raise Problem(f"{self.databases.as_posix()}: there is no database")
        return named

    def read(self, name: str) -> dict[str, Record]:
        """What was written down under a name, by database. Raises Problem when it is not there, or no such record."""
        return self.read_whole(name)["databases"]

    def read_whole(self, name: str) -> Record:
        """The same, with what was written down of all together."""
        path = self._record(name)
        try:
            found: Record = json.loads(path.read_text(encoding="utf-8"))
            databases: Record = found["databases"]
            sound = all(isinstance(one, dict) for one in databases.values())
        except FileNotFoundError:
            raise Problem(f"{path.as_posix()}: is not there") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            sound, found = False, {}
        if not sound:
            raise Problem(f"{path.as_posix()}: is not as it was written")
        return found

    def write(self, name: str, databases: Mapping[str, Record], **more: Any) -> None:
        """Write down facts by database, all of it or nothing."""
        path = self._record(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({**more, "databases": databases}, indent=2, ensure_ascii=False, sort_keys=True)
        aside = path.with_suffix(".new")
        with aside.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(f"{text}\n")
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(path)

    def has(self, name: str) -> bool:
        """Whether something was written down under a name."""
        return self._record(name).exists()

    def _record(self, name: str) -> Path:
        return self.work / f"{name}.json"
