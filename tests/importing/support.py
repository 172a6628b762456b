"""Session files as praxis-os writes them, and an import of them into a project."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

from mcp_server.app import open_store, workflow_roots
from mcp_server.checks.probes import ProjectProbes
from mcp_server.definitions.library import Library
from mcp_server.domain.authority import Authority
from mcp_server.importing.importer import Importer, Result
from mcp_server.importing.source import Source
from mcp_server.settings import load
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.store import Store
from tests.support import Home

ID: Final = "0b5e7a52-9c1d-4f6e-8a37-5d2f6c1e9b04"
HERE: Final = ID.replace("-", "_")
AT: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
ZONE: Final = timezone(timedelta(hours=2))
"""Where the old server ran."""


def session(**changes: Any) -> dict[str, Any]:
    """A session of the workflow ``steps`` (three phases), at its second phase."""
    fields: dict[str, Any] = {
        "session_id": ID,
        "workflow_type": "steps",
        "target_file": "target.py",
        "current_phase": 2,
        "completed_phases": [1],
        "phase_artifacts": {"1": artifact(1, done="seen with my own eyes")},
        "checkpoints": {"1": "passed", "2": "pending", "3": "pending"},
        "created_at": "2025-11-02T09:00:00.250000",
        "updated_at": "2025-11-02T10:30:00",
        "metadata": {"options": {"depth": 3}, "total_phases": 3},
    }
    fields |= changes
    return {name: value for name, value in fields.items() if value is not LEFT_OUT}


LEFT_OUT: Final = object()


def artifact(phase: int, /, **evidence: Any) -> dict[str, Any]:
    """What a phase left behind."""
    return {
        "phase_number": phase,
        "evidence": evidence,
        "outputs": {"files": ["a.py"]},
        "commands_executed": [{"command": "pytest", "exit_code": 0}],
        "timestamp": f"2025-11-02T10:0{phase}:00",
    }


def complete(**changes: Any) -> dict[str, Any]:
    """The same workflow, seen through to its end."""
    return session(
        current_phase=4,
        completed_phases=[1, 2, 3],
        phase_artifacts={str(phase): artifact(phase, done=f"phase {phase}") for phase in (1, 2, 3)},
        checkpoints=dict.fromkeys("123", "passed"),
        **changes,
    )


@dataclass(frozen=True)
class Old:
    """A folder of such files, beside a project."""

    folder: Path
    home: Home

    def put(self, content: dict[str, Any] | bytes, name: str = ID) -> Path:
        path = self.folder / f"{name}.json"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    def store(self, fs: FileSystem | None = None) -> Store:
        loaded = load({"project": self.home.project, "user_dir": self.home.user}, cwd=self.home.project)
        if fs is not None:
            return Store(self.home.state, loaded.settings.user, fs=fs)
        store = open_store(loaded)
        assert store is not None
        return store

    def run(self, *, dry_run: bool = False, fs: FileSystem | None = None, at: datetime = AT) -> list[Result]:
        loaded = load({"project": self.home.project, "user_dir": self.home.user}, cwd=self.home.project)
        library = Library(workflow_roots(loaded))
        project = self.home.project
        importer = Importer(library, self.store(fs), ProjectProbes(project), project, zone=ZONE)
        source = Source(self.folder, fs or FileSystem())
        return list(importer.run(source, at=at, authority=None if dry_run else Authority()))

    def one(self, content: dict[str, Any] | bytes) -> Result:
        """What becomes of one file."""
        self.put(content)
        (result,) = self.run()
        return result
