"""What a migrated database has to be like, and whether one is."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from databases import Facts, Problem, facts_of, reading

_READS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_FORM = '{"user_version": 2, "tables": {"runs": {"columns": {"id": "INTEGER"}, "rows": "SELECT count(*) FROM runs"}}}'

Expected = dict[str, Any]


def read_expected(path: Path) -> Expected:
    """The expected schema and row counts. Raises Problem when the file is not of its form."""
    try:
        expected: Expected = json.loads(path.read_text(encoding="utf-8"))
        sound = _is_sound(expected)
    except OSError as error:
        raise Problem(f"{path.as_posix()}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        expected, sound = {}, False
    if not sound:
        raise Problem(f"{path.as_posix()}: has to be of the form {_FORM}, and may name tables under dropped")
    return expected


def _is_sound(expected: Expected) -> bool:
    version, dropped, tables = expected.get("user_version", 0), expected.get("dropped", []), expected["tables"]
    known = expected.keys() <= {"user_version", "dropped", "tables"}
    return known and isinstance(version, int) and isinstance(dropped, list) and all(map(_is_table, tables.values()))


def _is_table(table: Any) -> bool:
    columns, rows = table["columns"], table.get("rows", 0)
    typed = bool(columns) and all(isinstance(kind, str) for kind in columns.values())
    return typed and isinstance(rows, (int, str)) and table.keys() <= {"columns", "rows"}


def shortfalls(
    path: Path, backup: Path, expected: Expected, *, still: bool = False, content: str | None = None
) -> list[str]:
    """What a database lacks to be what its backup, migrated, should be; nothing when it is.

    ``content`` is what the migration left in it, where that is known.
    """
    try:
        now, before = facts_of(path, still=still), facts_of(backup, still=True)
        problems = [*_of_schema(now, before, expected), *_of_rows(now, before, expected, backup)]
    except Problem as problem:
        return [str(problem)]
    if content not in (None, now.content):
        problems.append("has changed since the migration")
    if now.violations > before.violations:
        problems.append(f"{now.violations} references lead nowhere, {before.violations} did before")
    return [f"{path.as_posix()}: {problem}" for problem in problems]


def _of_schema(now: Facts, before: Facts, expected: Expected) -> Iterator[str]:
    wanted: Mapping[str, Any] = expected["tables"]
    version = expected.get("user_version")
    if version is not None and now.user_version != version:
        yield f"user_version is {now.user_version}, expected {version}"
    for table in sorted(wanted.keys() - now.columns.keys()):
        yield f"the table {table} is not there"
    for table in sorted(now.columns.keys() - wanted.keys()):
        yield f"the table {table} is there, and not expected"
    for table in sorted(before.rows.keys() - wanted.keys() - set(expected.get("dropped", []))):
        yield f"the table {table} had {before.rows[table]} rows, and is neither expected nor named under dropped"
    for table in sorted(wanted.keys() & now.columns.keys()):
        columns = {name: kind.upper() for name, kind in wanted[table]["columns"].items()}
        if now.columns[table] != columns:
            yield f"the table {table} has the columns {_columns(now.columns[table])}, expected {_columns(columns)}"


def _of_rows(now: Facts, before: Facts, expected: Expected, backup: Path) -> Iterator[str]:
    for table in sorted(expected["tables"].keys() & now.rows.keys()):
        rule = expected["tables"][table].get("rows")
        wanted = _count(rule, backup) if isinstance(rule, str) else before.rows.get(table, 0) if rule is None else rule
        if now.rows[table] != wanted:
            yield f"the table {table} has {now.rows[table]} rows, expected {wanted}"


def _count(statement: str, backup: Path) -> int:
    """What a question to the backup answers. Raises Problem when it is no question for a number."""
    with closing(reading(backup, still=True)) as connection:
        connection.set_authorizer(_only_reads)
        try:
            row = connection.execute(statement).fetchone()
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise Problem(f"the expected rows cannot be counted by {statement!r}: {error}") from None
    if row is None or not isinstance(row[0], int):
        raise Problem(f"the expected rows cannot be counted by {statement!r}: it gives no number")
    return row[0]


def _only_reads(action: int, *_: object) -> int:
    return sqlite3.SQLITE_OK if action in _READS else sqlite3.SQLITE_DENY


def _columns(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {kind}".strip() for name, kind in sorted(columns.items()))
