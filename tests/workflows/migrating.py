"""Small real databases to migrate, and the program that comes with ``schema_migration_v1``."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CORE = Path(__file__).parents[2] / "workflows" / "schema_migration_v1" / "core"
OPTIONS = {"databases": "data", "work": "work", "migration": "migration.sql", "expected": "expected.json"}
ALPHA, BETA = "data/alpha/project.db", "data/beta/project.db"

SCHEMA = """
CREATE TABLE projects (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE runs (id INTEGER PRIMARY KEY, project_id INTEGER REFERENCES projects(id), result TEXT);
PRAGMA user_version = 1;
"""
MIGRATION = """
-- Results become states; a table is rebuilt.
CREATE TABLE new_runs (id INTEGER PRIMARY KEY, project_id INTEGER REFERENCES projects(id), state TEXT NOT NULL);
INSERT INTO new_runs SELECT id, project_id, coalesce(result, 'open; unknown') FROM runs;
DROP TABLE runs;
ALTER TABLE new_runs RENAME TO runs;
PRAGMA user_version = 2;
"""
EXPECTED: dict[str, Any] = {
    "user_version": 2,
    "tables": {
        "projects": {"columns": {"id": "INTEGER", "name": "TEXT"}},
        "runs": {"columns": {"id": "INTEGER", "project_id": "INTEGER", "state": "TEXT"}},
    },
}


@dataclass(frozen=True)
class Answer:
    """How the program ended, and what it said."""

    code: int
    body: dict[str, Any]

    @property
    def said(self) -> str:
        return "\n".join(self.body["problems"])


@dataclass(frozen=True)
class Site:
    """A project with databases in it."""

    root: Path

    @classmethod
    def make(cls, root: Path) -> Site:
        """Two databases of the same name in two folders, a migration, and what is expected of it."""
        site = cls(root)
        site.database(ALPHA, runs=3)
        site.database(BETA, runs=5)
        (root / "migration.sql").write_text(MIGRATION)
        site.expect(EXPECTED)
        return site

    def database(self, name: str, runs: int) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(SCHEMA)
            connection.execute("INSERT INTO projects (name) VALUES (?)", [name])
            connection.executemany("INSERT INTO runs (project_id, result) VALUES (1, ?)", [("done",)] * runs)
            connection.commit()

    def expect(self, expected: dict[str, Any]) -> None:
        (self.root / "expected.json").write_text(json.dumps(expected))

    def sql(self, name: str, statement: str) -> list[Any]:
        """Put a statement to a database of the project, and commit."""
        with closing(sqlite3.connect(self.root / name)) as connection:
            rows = connection.execute(statement).fetchall()
            connection.commit()
            return rows

    def runs(self, name: str) -> int:
        return self.sql(name, "SELECT count(*) FROM runs")[0][0]

    def record(self, name: str) -> dict[str, Any]:
        return json.loads((self.root / "work" / f"{name}.json").read_text())

    def edit(self, name: str, **changes: Any) -> None:
        """Change what a record says of all together."""
        (self.root / "work" / f"{name}.json").write_text(json.dumps({**self.record(name), **changes}))

    def bytes(self) -> dict[str, bytes]:
        """The databases, file by file."""
        return {name: (self.root / name).read_bytes() for name in (ALPHA, BETA)}

    def do(self, *step: str, **other: str) -> Answer:
        """Carry out a step, or judge a criterion: ``do("check", "backups")``; ``other`` are options unlike OPTIONS."""
        words = 2 if step[0] == "check" else 1
        argv = [*step[:words], *{**OPTIONS, **other}.values(), *step[words:]]
        command = [sys.executable, "-I", "-S", "-B", str(CORE), *argv]
        ran = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False, timeout=60)
        assert "Traceback" not in ran.stderr
        return Answer(ran.returncode, json.loads(ran.stdout))

    def done(self, *steps: str) -> None:
        """Carry out steps that succeed."""
        for step in steps:
            answer = self.do(step)
            assert answer.code == 0, answer.body

    def check(self, criterion: str) -> Answer:
        return self.do("check", criterion)

    def leave_in_wal(self, name: str, statement: str = "INSERT INTO runs (result) VALUES ('in the log')") -> None:
        """Leave a change in a database that only its write-ahead log holds, as a crash does."""
        path = self.root / name
        aside = path.with_suffix(".aside")
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            connection.execute(statement)
            connection.commit()
            for ending in ("", "-wal"):
                shutil.copy(f"{path}{ending}", f"{aside}{ending}")
        for ending in ("", "-wal"):
            Path(f"{aside}{ending}").replace(f"{path}{ending}")
