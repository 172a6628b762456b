"""Applies a migration to one database, in one transaction: all of it or nothing."""

from __future__ import annotations

import runpy
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, redirect_stdout
from pathlib import Path

from databases import Problem, connected, violations

_DENIED = {sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH}


class _Guard:
    """Keeps a migration from ending its own transaction, and from reaching other databases."""

    def __init__(self) -> None:
        self.up = False
        self.refused = False

    def __call__(self, action: int, *_: object) -> int:
        if not self.up or action not in _DENIED:
            return sqlite3.SQLITE_OK
        self.refused = True
        return sqlite3.SQLITE_DENY


def migrate(database: Path, script: Path) -> None:
    """Apply ``script`` (SQL, or Python with ``migrate(connection)``) to a database.

    Raises Problem when it fails, and the database is as it was. Foreign keys are not enforced while it works, so that
    tables can be rebuilt; it fails when it leaves more references that lead nowhere than there were.
    """
    guard = _Guard()
    try:
        with closing(connected(database, "mode=rw")) as connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            connection.execute("BEGIN IMMEDIATE")
            try:
                before = violations(connection)
                connection.set_authorizer(guard)
                guard.up = True
                _apply(connection, script)
                guard.up = False
                if not connection.in_transaction:
                    raise Problem("it ended its own transaction, which it must not")
                after = violations(connection)
                if after > before:
                    raise Problem(f"it leaves {after} references that lead nowhere, {before} did before")
                connection.execute("COMMIT")
            finally:
                guard.up = False
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a migration in Python may raise anything
        hint = " (it must not begin or end transactions, nor attach databases)" if guard.refused else ""
        kind = "" if isinstance(error, Problem) else f"{type(error).__name__}: "
        raise Problem(f"{kind}{error}{hint}") from None


def _apply(connection: sqlite3.Connection, script: Path) -> None:
    if script.suffix == ".py":
        # The standard output is the answer's.
        with redirect_stdout(sys.stderr):
            runpy.run_path(str(script))["migrate"](connection)
        return
    for statement in _statements(script.read_text(encoding="utf-8")):
        connection.execute(statement)


def _statements(text: str) -> Iterator[str]:
    """The statements of a script; the body of a trigger has semicolons of its own."""
    statement = ""
    for part in text.split(";"):
        statement += part
        if sqlite3.complete_statement(f"{statement};"):
            yield statement
            statement = ""
        else:
            statement += ";"
    rest = statement.rstrip(";")
    if rest.strip():
        yield rest
