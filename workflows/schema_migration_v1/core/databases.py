"""Facts about SQLite databases, read without changing what is in them."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ENDINGS = (".db", ".db3", ".sqlite", ".sqlite3")
MAGIC = b"SQLite format 3\0"
BUSY_SECONDS = 2.0
CHUNK = 1 << 20


class Problem(Exception):  # noqa: N818 - what is wrong with a database, and no defect of this program
    """Something that does not hold; its text goes to whoever reads the report."""


@dataclass(frozen=True)
class Facts:
    """What a sound database holds. ``content`` is equal for equal schemas and rows, wherever they lie."""

    content: str
    rows: Mapping[str, int]
    columns: Mapping[str, Mapping[str, str]]
    violations: int
    user_version: int
    journal_mode: str


class _Text(bytes):
    """A text as its bytes, so that no encoding is judged, which is told from a blob by how it is written."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"t{super().__repr__()}"


def find(folder: Path, besides: Path) -> tuple[list[str], list[str]]:
    """The databases below a folder (or the one file), by their endings, and those that only their content betrays.

    Nothing in ``besides`` counts. Raises Problem for a link: what is behind it would be missed or met twice.
    """
    if folder.is_symlink():
        raise Problem(f"{folder.as_posix()}: is a link")
    if folder.is_file():
        return [folder.as_posix()], []
    named: list[str] = []
    unnamed: list[str] = []
    for path in _files(folder, besides):
        if path.suffix.lower() in ENDINGS:
            named.append(path.as_posix())
        elif _begins_as_database(path):
            unnamed.append(path.as_posix())
    return sorted(named), sorted(unnamed)


def _files(folder: Path, besides: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder, onerror=_refuse):
        here = Path(parent)
        folders[:] = [name for name in folders if here / name != besides]
        for path in (here / name for name in (*folders, *files)):
            if path.is_symlink():
                raise Problem(f"{path.as_posix()}: is a link, so what is behind it would be missed or met twice")
        yield from (here / name for name in files)


def _refuse(error: OSError) -> None:
    raise Problem(f"{error.filename}: {error.strerror}")


def _begins_as_database(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(MAGIC)) == MAGIC


def reading(path: Path, *, still: bool = False) -> sqlite3.Connection:
    """A connection that writes nothing into the database. ``still``: nobody writes to the file, and it has no WAL.

    In WAL mode SQLite may leave its own working files (an index, an empty log) beside a database that is not still.
    """
    return connected(path, "immutable=1" if still else "mode=ro")


def connected(path: Path, how: str) -> sqlite3.Connection:
    """A connection without transactions of its own making. A file that is not there is never made."""
    address = f"{path.absolute().as_uri()}?{how}"
    return sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)


def facts_of(path: Path, *, still: bool = False) -> Facts:
    """Read a database from end to end. Raises Problem when it is damaged, locked, or none."""
    try:
        with closing(reading(path, still=still)) as connection:
            # One snapshot, whoever else writes.
            connection.execute("BEGIN")
            return _facts(connection)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise Problem(f"{path.as_posix()}: {_said(error)}") from None
    except Problem as problem:
        raise Problem(f"{path.as_posix()}: {problem}") from None


def _facts(connection: sqlite3.Connection) -> Facts:
    found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(5)")]
    if found != ["ok"]:
        raise Problem(f"integrity_check found {'; '.join(found)[:300]}")
    tables = tables_of(connection)
    if not tables:
        raise Problem("holds no table")
    columns = {table: columns_of(connection, table) for table in tables}
    counted = {table: _one(connection, f"SELECT count(*) FROM {quoted(table)}") for table in tables}  # noqa: S608
    return Facts(
        content=_content(connection),
        rows=counted,
        columns=columns,
        violations=violations(connection),
        user_version=_one(connection, "PRAGMA user_version"),
        journal_mode=_one(connection, "PRAGMA journal_mode"),
    )


def tables_of(connection: sqlite3.Connection) -> list[str]:
    """The names of its tables, less SQLite's own."""
    found = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY 1"
    return [row[0] for row in connection.execute(found)]


def columns_of(connection: sqlite3.Connection, table: str) -> dict[str, str]:
    """The declared type of each column, in capitals."""
    return {row[1]: str(row[2]).upper() for row in connection.execute(f"PRAGMA table_xinfo({quoted(table)})")}


def violations(connection: sqlite3.Connection) -> int:
    """How many references lead nowhere."""
    return sum(1 for _ in connection.execute("PRAGMA foreign_key_check"))


def quoted(name: str) -> str:
    """A name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def _one(connection: sqlite3.Connection, statement: str) -> Any:
    return connection.execute(statement).fetchone()[0]


def _content(connection: sqlite3.Connection) -> str:
    """The hash of schema and rows. Free pages, the WAL and the order of columns in an index make no difference."""
    digest = hashlib.sha256()
    digest.update(repr([_one(connection, f"PRAGMA {name}") for name in ("user_version", "application_id")]).encode())
    schema = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name").fetchall()
    digest.update(repr(schema).encode("utf-8", "surrogatepass"))
    connection.text_factory = _Text
    try:
        for kind, name, _, sql in schema:
            # The rows of a virtual table lie in tables of its own.
            if kind == "table" and not sql.upper().startswith("CREATE VIRTUAL TABLE"):
                digest.update(repr(name).encode("utf-8", "surrogatepass"))
                # In the order of the table itself: an index that holds all columns might be read instead.
                for row in connection.execute(f"SELECT * FROM {quoted(name)} NOT INDEXED"):  # noqa: S608
                    digest.update(repr(row).encode())
    finally:
        connection.text_factory = str
    return digest.hexdigest()


def require_idle(path: Path) -> None:
    """Raise Problem when somebody else is writing to a database; nothing in it is changed."""
    try:
        # The one that only reads is the last to close, and cannot write the WAL back.
        with closing(reading(path)) as last, closing(connected(path, "mode=rw")) as writer:
            last.execute("SELECT count(*) FROM sqlite_master").fetchone()
            writer.execute("BEGIN IMMEDIATE")
            writer.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise Problem(f"{path.as_posix()}: {_said(error)}") from None


def _said(error: Exception) -> str:
    """What SQLite says. That a journal waits to be rolled back it says in words of what it would have to do."""
    if "readonly database" in str(error):
        return "a transaction in it never came to its end; have its program open it once, which undoes that"
    return str(error)


def file_hash(path: Path) -> str:
    """The SHA-256 of a file. Raises Problem when it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise Problem(f"{path.as_posix()}: {error.strerror}") from None
    return digest.hexdigest()
